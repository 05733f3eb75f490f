"""One vote of a judge: reading it leniently, and what several votes say together."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rasslib.prompts.schema import clean_text
from rasslib.refusal.normalise import strip_control, strip_reasoning

LABELS = ("benign", "harmful", "unsure")
LONGEST_REASON = 300

_OTHER_WORDS = {
    "safe": "benign",
    "harmless": "benign",
    "unsafe": "harmful",
    "toxic": "harmful",
    "not harmful": "benign",
    "not benign": "harmful",
    "unclear": "unsure",
    "uncertain": "unsure",
}
_WORD = re.compile(rf"\b({'|'.join(sorted((*LABELS, *_OTHER_WORDS), key=len, reverse=True))})\b", re.I)
_MARKED = re.compile(r"(?:label|verdict|answer)[\"'*]*\s*[:=]", re.I)
_REASON = re.compile(r'"reason"\s*:\s*("(?:[^"\\]|\\.)*")', re.I)


@dataclass(frozen=True)
class Vote:
    """What a judge said of a prompt.

    Attributes:
        label: One of :data:`LABELS`; empty where the answer holds none.
        reason: The judge's own words, one line; may be empty.
    """

    label: str
    reason: str = ""


def read_vote(text: str, finished: bool = True) -> Vote:
    """The vote in a judge's answer: JSON, ``label: …`` in plain text, or an answer that starts with its only label.

    Args:
        text: The judge's answer.
        finished: Whether the judge ended it by itself; of a cut answer only what names its label counts.
    """
    said = strip_reasoning(text)
    said = "" if said is None else strip_control(clean_text(said)).strip()
    value = _object(said)
    if value is not None:
        reason = value.get("reason", "")
        return Vote(_label(str(value.get("label", value.get("verdict", "")))), _line(reason))
    if marks := list(_MARKED.finditer(said)):
        reasons = _REASON.findall(said)
        return Vote(_only_label(said[marks[-1].end() :]), _line(_unquoted(reasons[0])) if reasons else "")
    opening = _WORD.match(said.lstrip("\"'*# "))
    return Vote(_only_label(said), _line(said)) if finished and opening else Vote("")


def majority(votes: Sequence[Vote], most: int) -> str:
    """The label with more than half of ``most`` votes, as far as they are known; empty where there is none."""
    for label, n in Counter(vote.label for vote in votes if vote.label).most_common(1):
        if 2 * n > most:
            return label
    return ""


def _label(word: str) -> str:
    """The label that ``word`` means; empty if it means none or says more than a label."""
    plain = " ".join(re.findall(r"[a-z]+", word.lower()))
    return plain if plain in LABELS else _OTHER_WORDS.get(plain, "")


def _only_label(text: str) -> str:
    """The label that a text names; empty if it names none or several."""
    named = {_label(word) for word in _WORD.findall(text)}
    return named.pop() if len(named) == 1 else ""


def _object(text: str) -> dict[str, Any] | None:
    """The last JSON object in a text that has a label."""
    found = None
    for place in (match.start() for match in re.finditer(r"\{", text)):
        try:
            value, _ = json.JSONDecoder(strict=False).raw_decode(text[place:])
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and ("label" in value or "verdict" in value):
            found = value
    return found


def _unquoted(string: str) -> str:
    try:
        return str(json.loads(string, strict=False))
    except ValueError:
        return string.strip('"')


def _line(text: object) -> str:
    if not isinstance(text, str):
        return ""
    return " ".join(text.split())[:LONGEST_REASON]
