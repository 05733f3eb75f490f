"""Two prompts side by side: which words they share."""

from __future__ import annotations

from difflib import SequenceMatcher

from rasslib.boundary.pieces import pieces_of


def word_difference(one: str, other: str) -> tuple[list[tuple[str, bool]], list[tuple[str, bool]]]:
    """Both prompts cut into stretches, each with whether it is in this prompt only.

    Words are compared without regard to case, what stands between them as it is; joined, the stretches are the
    prompts.
    """
    a, b = _parts(one), _parts(other)
    matcher = SequenceMatcher(None, [x.casefold() for x in a], [x.casefold() for x in b], autojunk=False)
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for tag, i, j, k, m in matcher.get_opcodes():
        if j > i:
            left.append(("".join(a[i:j]), tag != "equal"))
        if m > k:
            right.append(("".join(b[k:m]), tag != "equal"))
    return left, right


def _parts(text: str) -> list[str]:
    """Words and what stands between them, in order."""
    out: list[str] = []
    at = 0
    for piece in pieces_of(text):
        out += [text[at : piece.start], piece.text]
        at = piece.end
    return [part for part in [*out, text[at:]] if part]
