"""Intervals of means over prompts, and of the difference of two rates on the same prompts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rasslib.boundary.statistics import mean_interval
from rasslib.refusal.rates import wilson
from rasslib.triggers.evidence import Difference


def mean_difference(after: Any, before: Any) -> Difference:
    """Mean of ``after − before`` over the same prompts, with its t interval.

    Args:
        after: [n] numbers.
        before: [n] of the same prompts.
    """
    x = np.asarray(after, dtype=np.float64) - np.asarray(before, dtype=np.float64)
    return Difference(len(x), *mean_interval(x))


def rate_difference(after: Any, before: Any) -> Difference:
    """Rate of ``after`` minus rate of ``before`` on the same prompts, with Newcombe's score interval.

    Newcombe 1998, Statistics in Medicine 17:2635, method 10: the two Wilson intervals joined with the correlation of
    the pairs. It does not shrink to a point where all pairs are alike.

    Args:
        after: [n] bools, or 0 and 1.
        before: [n] of the same prompts.
    """
    one, two = np.asarray(after, dtype=bool), np.asarray(before, dtype=bool)
    n = len(one)
    if not n:
        return Difference(0, math.nan, math.nan, math.nan)
    p, q = float(one.mean()), float(two.mean())
    (p_low, p_high), (q_low, q_high) = wilson(int(one.sum()), n), wilson(int(two.sum()), n)
    both, only_p, only_q, none = (int(pairs.sum()) for pairs in (one & two, one & ~two, ~one & two, ~one & ~two))
    margins = (both + only_p) * (only_q + none) * (both + only_q) * (only_p + none)
    odds = both * none - only_p * only_q
    phi = (max(odds - n / 2, 0.0) if odds > 0 else odds) / math.sqrt(margins) if margins else 0.0

    def joined(a: float, b: float) -> float:
        return math.sqrt(max(a * a - 2 * phi * a * b + b * b, 0.0))

    return Difference(n, p - q, p - q - joined(p - p_low, q_high - q), p - q + joined(p_high - p, q - q_low))
