"""Is a word that people named among the top words of an order? Rates, with ties never decided in our favour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rasslib.boundary.pieces import Piece
from rasslib.boundary.statistics import mean_interval
from rasslib.refusal.rates import wilson
from rasslib.triggers.intervals import rate_difference

TOPS = (1, 3)

Spans = Sequence[tuple[int, int]]
"""Places in a text, in characters."""


@dataclass(frozen=True)
class HitRate:
    """Share of prompts whose focus is among the top words.

    Attributes:
        n: Prompts.
        rate: The share; for the random baseline its exact expectation.
        low: Lower limit of the 95 % interval (Wilson; Student for an expectation, Newcombe for a difference).
        high: Upper limit.
    """

    n: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class FocusScore:
    """Hits of one way to rank words.

    Attributes:
        name: A method of :data:`~rasslib.triggers.attributing.METHODS`, ``random``, or an order of
            :mod:`rasslib.triggers.rarity`.
        hit_at_1: The top word is one of the focus.
        hit_at_3: One of the top three is.
    """

    name: str
    hit_at_1: HitRate
    hit_at_3: HitRate


@dataclass(frozen=True)
class Ranked:
    """The words of one prompt in an order, and which of them are the focus.

    Attributes:
        order: Indices of the words, the first the strongest.
        focus: [words] whether a word is of the focus.
    """

    order: tuple[int, ...]
    focus: tuple[bool, ...]

    def hit(self, top: int) -> bool:
        """Whether one of the first ``top`` words is of the focus."""
        return any(self.focus[row] for row in self.order[:top])


def in_focus(words: Sequence[Piece], marks: Spans) -> tuple[bool, ...]:
    """Which words overlap one of the marked places."""
    return tuple(any(word.start < end and start < word.end for start, end in marks) for word in words)


def ranked(keys: Sequence[Any], focus: Sequence[bool], *, ours: bool) -> Ranked:
    """Words by their keys, the smallest first.

    Args:
        keys: One a word.
        focus: Which words are of the focus.
        ours: Of words with the same key those of the focus come last; for a baseline they come first. So no tie
            counts for the method that is tested.
    """
    rows = sorted(range(len(keys)), key=lambda row: (keys[row], focus[row] is ours, row))
    return Ranked(tuple(rows), tuple(focus))


def score(name: str, found: Sequence[Ranked]) -> FocusScore:
    """Hits over prompts with Wilson intervals."""
    rates = []
    for top in TOPS:
        hits = sum(one.hit(top) for one in found)
        rates.append(HitRate(len(found), hits / len(found), *wilson(hits, len(found))))
    return FocusScore(name, *rates)


def random_score(found: Sequence[Ranked]) -> FocusScore:
    """Exact chance of each prompt that words drawn without replacement hold one of the focus, averaged."""
    rates = []
    for top in TOPS:
        chances = []
        for one in found:
            n, good = len(one.focus), sum(one.focus)
            k = min(top, n)
            chances.append(1 - math.comb(n - good, k) / math.comb(n, k))
        rates.append(HitRate(len(found), *mean_interval(np.array(chances))))
    return FocusScore("random", *rates)


def difference(name: str, ours: Sequence[Ranked], theirs: Sequence[Ranked]) -> FocusScore:
    """Our hits minus theirs on the same prompts, with paired intervals over prompts."""
    rates = []
    for top in TOPS:
        gap = rate_difference([a.hit(top) for a in ours], [b.hit(top) for b in theirs])
        rates.append(HitRate(gap.n, gap.value, gap.low, gap.high))
    return FocusScore(name, *rates)


def strongest(scores: Sequence[FocusScore]) -> FocusScore:
    """That with the most hits among the top three, then at the top; of equals the first."""
    return max(scores, key=lambda one: (one.hit_at_3.rate, one.hit_at_1.rate))
