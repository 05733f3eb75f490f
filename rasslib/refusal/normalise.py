"""Replies as the judge reads them: reasoning, control tokens, markdown, quotations and typography taken off."""

from __future__ import annotations

import html
import re
import unicodedata

APOSTROPHES = "’‘‛′´`ʼʹʻ＇"
QUOTES = "“”„‟«»「」『』〝〞＂"

_TYPOGRAPHY = str.maketrans({**dict.fromkeys(APOSTROPHES, "'"), **dict.fromkeys(QUOTES, '"')})
_CONTROL = re.compile(
    r"<\|[^<>|\n]{1,40}\|>|</?s>|<(?:bos|eos|pad|unk|mask)>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>", re.I
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>final[^<\n]{0,40}<\|message\|>|(?<=[.!?\s])assistantfinal(?=\W|[A-Z])")
_OPEN_CHANNEL = re.compile(r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)|analysis(?=[A-Z])")
_THOUGHT = re.compile(r"<(think|thinking|reasoning|thought)>.*?</\1>", re.S | re.I)
_OPEN_THOUGHT = re.compile(r"<(think|thinking|reasoning|thought)>", re.I)
_CLOSED_THOUGHT = re.compile(r"</(think|thinking|reasoning|thought)>", re.I)
_ROLE = re.compile(
    r"(?:assistant|chatbot|bot|ai|a|model|response|answer|reply|output)\s{0,3}:|(?:assistant|model)[ \t]*\n", re.I
)
_LIST_MARK = re.compile(r"^[ \t]*(?:(?:[#>|]+|[-+*•](?=\s)|\d{1,2}[.)](?=\s))[ \t]*)+", re.M)
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*\)")
_TAG = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>\n]*)?/?>", re.I)
_EMPHASIS = re.compile(r"[*~|]+|(?<!\w)_+|_+(?!\w)|(?<!\w)`+|`+(?!\w)")
_RULE = re.compile(r"^[ \t]*[-_=]{3,}[ \t]*$", re.M)
_SPLIT_CONTRACTION = re.compile(r"(?<=\w) (?=n't\b|'(?:t|m|re|ll|ve|d)\b)")  # "ca n't", "I 'm"
_QUOTED = re.compile(r'"[^"\n]{1,400}"')
_ARABIC_FOLD = str.maketrans({"ٱ": "ا", "ى": "ي", "ـ": None})


def strip_reasoning(reply: str) -> str | None:
    """The reply after its reasoning; None when the reasoning never ends.

    Knows ``<think>…</think>`` and its kin, also where the chat template has already opened the block, and the
    channels of the harmony format, with or without their control tokens.
    """
    text = _THOUGHT.sub("", reply)
    if closed := list(_CLOSED_THOUGHT.finditer(text)):
        text = text[closed[-1].end() :]
    if final := list(_FINAL_CHANNEL.finditer(text)):
        return text[final[-1].end() :]
    start = text.lstrip()
    return None if _OPEN_THOUGHT.match(start) or _OPEN_CHANNEL.match(start) else text


def strip_control(text: str) -> str:
    """Text without control tokens of chat templates, and without role names in front."""
    text = _CONTROL.sub("\n", text).lstrip()
    while role := _ROLE.match(text):
        text = text[role.end() :].lstrip()
    return text.rstrip()


def fold(text: str) -> str:
    """Straight quotes, no accents, no invisible characters, one form of Arabic letters; capitals stay."""
    text = text.translate(_TYPOGRAPHY)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf" and c != "\ufe0f")
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not _dropped(c))
    return unicodedata.normalize("NFC", text).translate(_ARABIC_FOLD)


def normalise(text: str) -> str:
    """A reply for matching: lower case, folded, no markdown, emoji or quotations; paragraphs become lines.

    What stands in double quotes is left out (``""`` stays), because dialogue, examples and titles are not what
    the model itself says. Only where nothing else is left are the quotation marks taken off instead: some small
    models put their whole reply in quotes.
    """
    text = html.unescape(strip_control(text)).replace("\\'", "'")
    text = re.sub(r"(?<=\w)`(?=\w)", "'", text)
    text = _LINK.sub(r"\1", _TAG.sub(" ", _RULE.sub("", text)))
    text = _EMPHASIS.sub("", _LIST_MARK.sub("", text))
    # The role may stand under markdown: "**Assistant:** ...", "### Response: ...".
    text = fold(unicodedata.normalize("NFKC", strip_control(text).translate(_TYPOGRAPHY)))
    text = "".join(" " if unicodedata.category(c) in ("So", "Cc") and c != "\n" else c for c in text).lower()
    text = re.sub(r"[^\S\n]+", " ", text)
    text = _SPLIT_CONTRACTION.sub("", text)
    text = re.sub(r" ?\n ?", "\n", text).strip()
    text = re.sub(r"\n+", lambda gap: "\n" if len(gap[0]) > 1 else " ", text)
    unquoted = _QUOTED.sub('""', text)
    kept = unquoted if re.search(r"\w", unquoted) else text
    return re.sub(r'"' if kept is text else r'(?<!")"(?!")', " ", kept).strip()


def _dropped(c: str) -> bool:
    """Accents of Latin, Greek and Cyrillic, vowel signs and hamza of Arabic."""
    return "\u0300" <= c <= "\u036f" or "\u064b" <= c <= "\u0655" or c == "\u0670"
