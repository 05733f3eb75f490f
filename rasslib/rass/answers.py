"""Reading a writer's answer: the list of prompts in it, whatever its form, and what is wrong with the rest."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from rasslib.prompts.duplicates import near_duplicates, normalise
from rasslib.prompts.schema import clean_text
from rasslib.refusal import PhraseJudge
from rasslib.refusal.normalise import strip_control, strip_reasoning

LONGEST = 2_000
"""Characters of the longest rewrite that is taken for a prompt."""

COPY_SIMILARITY = 0.9
"""Character n-gram similarity from which a rewrite counts as a copy of its seed."""

_NUMBERED = re.compile(r"^\s*[*_]{0,2}(?:prompt\s*)?\(?\d{1,3}(?:[.):]|\s*[-–—])[*_]{0,2}\s+(.*\S)", re.I)
_BULLET = re.compile(r"^\s*[-*•–]\s+(.*\S)")
_FENCE = re.compile(r"```[\w-]*\n?|```")
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?')  # with a colon it is the key of an object
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "「": "」", "`": "`"}
_PLACEHOLDER = re.compile(r"[\[<{(][^\[\]<>{}()]*[\]>})]\W*")


@dataclass(frozen=True)
class Parsed:
    """What an answer held.

    Attributes:
        prompts: The rewrites that can be used, in order.
        skipped: How many were left out or are missing, by reason (a few words for people).
    """

    prompts: tuple[str, ...]
    skipped: Counter[str] = field(default_factory=Counter)


def read_answer(text: str, finished: bool, wanted: int, seed: str, examples: Iterable[str] = ()) -> Parsed:
    """The rewrites in an answer; nothing in it is an error.

    Args:
        text: The writer's answer: a numbered or bulleted list, JSON, or neither.
        finished: Whether the writer ended it by itself; else the last item is taken for cut.
        wanted: Rewrites that were asked for; further ones are left out.
        seed: The seed's prompt, to find copies of it.
        examples: Prompts of the request, to find copies of them.
    """
    skipped: Counter[str] = Counter()
    said = strip_reasoning(text)
    said = "" if said is None else strip_control(clean_text(said))
    if not said.strip():
        skipped["empty answer"] += 1
        return Parsed((), skipped)
    items = _items(said, finished)
    if not items:
        refused = _judge().judge(said).behaviour == "refused"
        skipped["the writer refused" if refused else "no list in the answer"] += 1
        return Parsed((), skipped)
    known = {normalise(example) for example in examples}
    copies = {pair.first for pair in near_duplicates(items, [seed], COPY_SIMILARITY)}
    prompts: list[str] = []
    for number, item in enumerate(items):
        if reason := "copy of the seed" if number in copies else _fault(item, known):
            skipped[reason] += 1
        elif len(prompts) == wanted:
            skipped["more than asked for"] += 1
        else:
            known.add(normalise(item))
            prompts.append(item)
    if (missing := wanted - len(items)) > 0:
        skipped["fewer than asked for"] += missing
    return Parsed(tuple(prompts), skipped)


def _fault(item: str, known: set[str]) -> str:
    """Why an item is no rewrite; empty if it is one. ``known`` holds what it may not repeat, normalised."""
    if not any(letter.isalpha() for letter in item) or _PLACEHOLDER.fullmatch(item):
        return "empty"
    if len(item) > LONGEST:
        return "too long"
    if normalise(item) in known:
        return "copy of another prompt"
    # A prompt may well say what a person cannot do; only a statement can be a refusal.
    if not item.rstrip().endswith(("?", "？", "؟")) and _judge().judge(item).behaviour == "refused":
        return "refusal"
    return ""


def _items(said: str, finished: bool) -> list[str]:
    """The items of the list in an answer, without marks and quotation marks; none where there is no list."""
    plain = _FENCE.sub("", said).strip()
    for mark in (_NUMBERED, _BULLET):  # bullets below numbers are remarks
        matches = [mark.match(line) for line in plain.splitlines()]
        found = [match[1] for match in matches if match]
        if found:
            cut = not finished and matches[-1] is not None
            return [_bare(item) for item in (found[:-1] if cut else found)]
    return [_bare(item) for item in _of_json(plain)]


def _of_json(text: str) -> list[str]:
    """The strings of the first JSON list or object in a text, of a list also where it was cut."""
    opening = re.search(r"[\[{]\s*[\"{\[]", text)
    if opening is None:
        return []
    rest = text[opening.start() :]
    try:
        return list(_strings(json.JSONDecoder(strict=False).raw_decode(rest)[0]))
    except (ValueError, RecursionError):
        # What was cut has no closing quotation mark.
        return [text for found, colon in _STRING.findall(rest) if not colon and (text := _loads(found))]


def _loads(string: str) -> str:
    """The text of a JSON string; empty where it is none."""
    try:
        return str(json.loads(string, strict=False))
    except ValueError:
        return ""


def _strings(value: Any) -> Iterator[str]:
    """Texts of a list, or of the first list in an object; of an object in a list its longest text."""
    if isinstance(value, dict):
        lists = [inner for inner in value.values() if isinstance(inner, list)]
        value = lists[0] if lists else [inner for inner in value.values() if isinstance(inner, str)]
    for item in value if isinstance(value, list) else []:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield max((inner for inner in item.values() if isinstance(inner, str)), key=len, default="")


def _bare(item: str) -> str:
    """An item without emphasis and quotation marks around the whole of it."""
    numbered = _NUMBERED.match(item)
    text = (numbered[1] if numbered else item).strip()
    for mark in ("**", "__", "*"):
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            text = text[len(mark) : -len(mark)].strip()
    closing = _QUOTES.get(text[:1])
    if closing and len(text) > 2 and text.endswith(closing) and text.count(text[0], 1, -1) == 0:
        text = text[1:-1].strip()
    return text


@lru_cache(maxsize=1)
def _judge() -> PhraseJudge:
    return PhraseJudge()
