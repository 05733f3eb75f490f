"""The tokens of one rendered prompt as text that people can see and no display can be misled by."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rasslib.models.templates import ChatFormat, Tokens

PART = "…"
"""Stands for a token that is only a part of a character; the token that completes it carries the character."""

_BROKEN = "\ufffd"
_LONGEST = 4  # bytes of a character in UTF-8
_MARKS = {"\n": "↵", "\t": "⇥", " ": "·", "\r": "␍"}
_INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}


@dataclass(frozen=True)
class PromptTokens:
    """One rendered prompt, token by token.

    Attributes:
        texts: Visible text of each token (a space is ``·``, a line break ``↵``); not escaped for HTML.
        start: Index of the first token of the user's text.
        end: Index after the last token of the user's text.
    """

    texts: tuple[str, ...]
    start: int
    end: int


def prompt_tokens(chat: ChatFormat, rendered: Tokens) -> PromptTokens:
    """Visible texts of the tokens, and which of them are the user's text.

    A token that holds the end of the template's head and the start of the user's text counts as the user's.
    """

    def decode(ids: Sequence[int]) -> str:
        return str(chat.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    ids = rendered.ids
    head = chat.head_ids
    start = 0
    while start < min(len(head), rendered.last_instruction) and ids[start] == head[start]:
        start += 1
    return PromptTokens(tuple(visible(text) for text in token_texts(ids, decode)), start, rendered.last_instruction + 1)


def token_texts(ids: Sequence[int], decode: Callable[[Sequence[int]], str]) -> list[str]:
    """Text of each token; a character of several tokens stands at its last one, :data:`PART` at the others.

    Args:
        ids: Token ids.
        decode: Text of ids, special tokens kept.
    """
    out: list[str] = []
    pending: list[int] = []
    for token in ids:
        pending.append(token)
        text = decode(pending)
        if _BROKEN in text and len(pending) < _LONGEST:
            out.append(PART)
            continue
        out.append(text)
        pending = []
    if pending:
        out[-1] = decode(pending)
    return out


def visible(text: str) -> str:
    """``text`` with spaces and line breaks as signs and invisible characters (bidi controls too) by their number."""
    return "".join(_MARKS.get(c) or (f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in _INVISIBLE else c) for c in text)
