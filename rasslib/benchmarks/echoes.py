"""Answers that only say the question or themselves again: how much of a reply is new."""

from __future__ import annotations

import unicodedata

GRAM = 4
"""Characters that are compared at a time: letters, digits and the marks on them."""


def new_share(reply: str, prompt: str = "") -> float | None:
    """Share of the character 4-grams of a reply that stand neither in its prompt nor earlier in the reply.

    Args:
        reply: The reply, best without a limit cutting it: one cut short may have got no further than the question.
        prompt: What was asked; "" counts repetitions within the reply alone.

    Returns:
        0 where all is said again; None of a reply with fewer than :data:`GRAM` characters.
    """
    seen = set(_grams(prompt))
    grams = _grams(reply)
    new = 0
    for gram in grams:
        new += gram not in seen
        seen.add(gram)
    return new / len(grams) if grams else None


def _grams(text: str) -> list[str]:
    signs = "".join(c for c in unicodedata.normalize("NFC", text).casefold() if unicodedata.category(c)[0] in "LNM")
    return [signs[i : i + GRAM] for i in range(len(signs) - GRAM + 1)]
