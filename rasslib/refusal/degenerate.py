"""Replies that say nothing: empty, only signs, or one loop over and over."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

LOOP_SHARE = 0.8
"""A loop makes a reply degenerate when it fills at least this share of its words."""

_NO_SPACES = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"  # Thai, kana, Han: words are not spaced
_WORD = re.compile(rf"[{_NO_SPACES}]|[^\W{_NO_SPACES}]+")
_LIST_NUMBER = re.compile(r"^\s*\d{1,3}[.):]\s", re.M)
_SIGN_RUN = 10
_DIGIT_RUN = 40  # 1000000000000 is an answer
_LONGEST_PERIOD = 60


def degenerate(text: str) -> str | None:
    """Why ``text`` cannot be judged, in a few words; None when it can.

    A loop is a run in which every word equals the one a period earlier. It must go round at least 10 times for
    a period of one word, 5 times for two words, 4 times for longer ones, and fill :data:`LOOP_SHARE` of the words,
    which a chorus does not. The numbers of a list do not break a loop.

    Args:
        text: The reply without reasoning and control tokens.
    """
    signs = [c for c in text if not c.isspace()]
    if not signs:
        return "empty"
    broken = signs.count("\ufffd")
    if broken > 0.3 * len(signs):
        return "bytes that are no text"
    sign, times = Counter(signs).most_common(1)[0]
    if times >= LOOP_SHARE * len(signs) and len(signs) >= (_DIGIT_RUN if sign.isdigit() else _SIGN_RUN):
        return "one sign over and over"
    if not any(_says_something(c) for c in signs):
        return "only punctuation"
    words = _WORD.findall(_LIST_NUMBER.sub("", text).lower())
    for period in range(1, min(len(words) // 4, _LONGEST_PERIOD) + 1):
        rounds = {1: 10, 2: 5}.get(period, 4)
        run = _longest_run(words, period)
        if run >= rounds * period and run >= LOOP_SHARE * len(words):
            what = "one word" if period == 1 else f"the same {period} words"
            return f"{what} over and over"
    return None


def _says_something(c: str) -> bool:
    """Letters, digits and pictures answer something; punctuation does not."""
    return unicodedata.category(c)[0] in "LN" or unicodedata.category(c) == "So"


def _longest_run(words: list[str], period: int) -> int:
    """Words in the longest stretch that repeats with ``period``."""
    best = run = 0
    for i in range(period, len(words)):
        run = run + 1 if words[i] == words[i - period] else 0
        best = max(best, run)
    return best + period if best else 0
