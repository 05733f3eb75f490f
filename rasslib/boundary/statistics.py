"""How well scores separate two classes, how sure that is, and the controls a direction has to beat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from rasslib.boundary.checks import Bools, Floats, as_labels, as_matrix, as_scores
from rasslib.boundary.directions import difference_in_means
from rasslib.errors import AnalysisError

STABLE_COSINE = 0.8
"""A direction with a lower split-half cosine is called unstable (this project's reading of RASS)."""

_CLASSES = ("positive", "negative")
_CELLS = 1_000_000  # numbers drawn at a time: 8 MB


@dataclass(frozen=True)
class Interval:
    """A number with its interval.

    Attributes:
        value: The observed AUC; for a control, the median over its draws.
        low: Lower limit.
        high: Upper limit.
        n_pos: Prompts of class 1 it was measured on.
        n_neg: Prompts of class 0.
    """

    value: float
    low: float
    high: float
    n_pos: int
    n_neg: int


def auc(
    scores: ArrayLike,
    labels: Any,
    *,
    ids: Sequence[str] | None = None,
    classes: tuple[str, str] = _CLASSES,
) -> float:
    """Area under the ROC curve: P(z₁ > z₀) + ½·P(z₁ = z₀), Mann–Whitney U over n₁·n₀ (Hanley & McNeil 1982).

    Args:
        scores: [n], higher for class 1.
        labels: [n] bool, True for class 1.
        ids: n prompt ids, to name prompts in errors.
        classes: Names of class 1 and class 0, for errors.

    Raises:
        AnalysisError: One class is missing, or a score is not finite.
    """
    z = as_scores(scores, ids)
    return _auc(z, as_labels(labels, len(z), classes))


def bootstrap_auc(
    scores: ArrayLike,
    labels: Any,
    draws: int = 2000,
    seed: int = 0,
    confidence: float = 0.95,
    *,
    strata: Any = None,
    ids: Sequence[str] | None = None,
    classes: tuple[str, str] = _CLASSES,
) -> Interval:
    """AUC with a percentile interval from a stratified bootstrap (Efron & Tibshirani 1993, chapter 13).

    Prompts are drawn with replacement within each stratum. A perfect AUC (0 or 1) has no spread under
    resampling: its interval is the point itself, however few the prompts; read it together with ``n_pos`` and
    ``n_neg``.

    Args:
        scores: [n], higher for class 1.
        labels: [n] bool, True for class 1.
        draws: Number of resamples.
        seed: Seed of the resamples.
        confidence: Share of the resamples inside the limits.
        strata: [n] group of each prompt (its intent, say); the two classes by default. Draws in which a class
            is missing, which only other strata can bring about, are left out; without any other the limits are NaN.
        ids: n prompt ids, to name prompts in errors.
        classes: Names of class 1 and class 0, for errors.

    Raises:
        AnalysisError: One class is missing, or a score is not finite.
    """
    z = as_scores(scores, ids)
    y = as_labels(labels, len(z), classes)
    groups = y if strata is None else np.asarray(strata)
    if groups.shape != z.shape:
        raise ValueError(f"{len(groups)} strata for {len(z)} prompts")
    values = _resampled(z, y, [np.flatnonzero(groups == group) for group in np.unique(groups)], draws, seed)
    return _interval(_auc(z, y), values[np.isfinite(values)], confidence, y)


def random_direction_auc(
    acts: Tensor | NDArray[Any],
    labels: Any,
    train_acts: Tensor | NDArray[Any],
    train_labels: Any,
    draws: int = 200,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """AUC of isotropic random directions: what the geometry of the data gives away for nothing.

    Each draw r ~ N(0, I_d) is oriented like a real axis, so that the class means on *train* have a > b; the
    AUC of ⟨x, r⟩ is then taken on ``acts``. A real axis should have its whole interval above ``high``
    (control C0 of this project's reading of RASS).

    Args:
        acts: [n, d] activations the AUC is measured on (test), one layer.
        labels: [n] bool, the classes to tell apart (refused, say).
        train_acts: [m, d] activations of the train split, same layer.
        train_labels: [m] bool, the classes the real axis was fitted on.
        draws: Number of directions.
        seed: Seed of the directions.
        confidence: Share of the draws inside the limits.

    Returns:
        Median and limits of the AUC over the draws.

    Raises:
        AnalysisError: One class is missing, or an activation is not finite.
    """
    train = as_matrix(train_acts)
    directions = np.random.default_rng(seed).standard_normal((draws, train.shape[1]))
    return _control(directions, acts, labels, train, train_labels, confidence)


def permuted_label_auc(
    acts: Tensor | NDArray[Any],
    labels: Any,
    train_acts: Tensor | NDArray[Any],
    train_labels: Any,
    draws: int = 200,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """AUC of differences of means under shuffled train labels: the harder control.

    Such directions lie in the span of the data, where isotropic ones hardly reach. Each is r = Σ_p w_p·x_p
    with w_p = 1/n₁ for prompts dealt to class 1 and −1/n₀ for the others, oriented by the true train labels.

    Arguments, result and errors as in :func:`random_direction_auc`.
    """
    train = as_matrix(train_acts)
    y = as_labels(train_labels, len(train), _CLASSES)
    weights = np.where(y, 1 / y.sum(), -1 / (~y).sum())
    shuffled = np.random.default_rng(seed).permuted(np.tile(weights, (draws, 1)), axis=1)
    return _control(shuffled @ train, acts, labels, train, train_labels, confidence)


def split_half_cosine(x_high: Tensor, x_low: Tensor, seed: int = 0, draws: int = 10) -> float:
    """Stability of a difference of means: mean cosine between the directions of two random halves.

    Args:
        x_high: [n, d] activations of class 1, one layer.
        x_low: [m, d] activations of class 0.
        seed: Seed of the halves.
        draws: How often the prompts are halved.

    Returns:
        In −1 … 1; below :data:`STABLE_COSINE` call the direction unstable.

    Raises:
        AnalysisError: A class has fewer than two prompts, or an activation is not finite.
    """
    if min(len(x_high), len(x_low)) < 2:
        raise AnalysisError(
            f"Halving needs two prompts of each class, not {len(x_high)} and {len(x_low)}: add prompts."
        )
    high, low = torch.from_numpy(as_matrix(x_high)), torch.from_numpy(as_matrix(x_low))
    rng = np.random.default_rng(seed)
    cosines = []
    for _ in range(draws):
        p, q = rng.permutation(len(high)), rng.permutation(len(low))
        one = difference_in_means(high[p[::2]], low[q[::2]])
        other = difference_in_means(high[p[1::2]], low[q[1::2]])
        cosines.append(float(torch.nn.functional.cosine_similarity(one, other, dim=0)))
    return float(np.mean(cosines))


def _auc(z: Floats, y: Bools) -> float:
    """U / (n₁·n₀): each positive beats the negatives to its left, and half of those at its own score."""
    negative = np.sort(z[~y])
    wins = np.searchsorted(negative, z[y], "left") + np.searchsorted(negative, z[y], "right")
    return float(wins.sum() / (2 * len(negative) * len(wins)))


def _resampled(z: Floats, y: Bools, strata: list[NDArray[np.intp]], draws: int, seed: int) -> Floats:
    """AUC of each resample [draws]; NaN where a resample lacks a class.

    A resample is a table [class, distinct score] of how often each was drawn. With the distinct scores in
    rising order, the negatives below a score are a cumulative sum, so nothing is sorted per draw.
    """
    rng = np.random.default_rng(seed)
    distinct, rank = np.unique(z, return_inverse=True)
    width = len(distinct)
    cell = y * width + rank
    per_chunk = max(1, _CELLS // len(z))
    values = []
    for start in range(0, draws, per_chunk):
        rows = min(per_chunk, draws - start)
        drawn = [cell[members[rng.integers(len(members), size=(rows, len(members)))]] for members in strata]
        flat = np.concatenate(drawn, axis=1) + np.arange(rows)[:, None] * (2 * width)
        table = np.bincount(flat.ravel(), minlength=rows * 2 * width).reshape(rows, 2, width)
        negative, positive = table[:, 0], table[:, 1]
        wins = (positive * (np.cumsum(negative, axis=1) - negative / 2)).sum(axis=1)
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        values.append(np.divide(wins, pairs, out=np.full(rows, np.nan), where=pairs > 0))
    return np.concatenate(values)


def _control(
    directions: Floats,
    acts: Tensor | NDArray[Any],
    labels: Any,
    train: Floats,
    train_labels: Any,
    confidence: float,
) -> Interval:
    """Interval of the AUC over directions [draws, d], each oriented on train."""
    x = as_matrix(acts)
    y = as_labels(labels, len(x), _CLASSES)
    on_train = train @ directions.T
    true = as_labels(train_labels, len(train), _CLASSES)
    sign = np.where(on_train[true].mean(axis=0) >= on_train[~true].mean(axis=0), 1.0, -1.0)
    scores = (x @ directions.T) * sign
    values = np.array([_auc(column, y) for column in scores.T])
    return _interval(float(np.median(values)), values, confidence, y)


def _interval(value: float, draws: Floats, confidence: float, y: Bools) -> Interval:
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, (tail, 1 - tail)) if len(draws) else (math.nan, math.nan)
    return Interval(value, float(low), float(high), int(y.sum()), int((~y).sum()))


def mean_interval(
    values: NDArray[np.float64] | Sequence[float], confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean and Student's t interval over prompts (a bootstrap of three or four prompts is far too narrow).

    Args:
        values: [n], one a prompt.
        confidence: Of the interval.

    Returns:
        Mean, lower and upper limit; limits are NaN below two prompts, all are NaN without any.
    """
    from scipy.stats import t as student  # slow to import

    x = np.asarray(values, dtype=np.float64)
    if len(x) < 2:
        return (float(x.mean()) if len(x) else math.nan), math.nan, math.nan
    half = float(student.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x)))
    return float(x.mean()), float(x.mean()) - half, float(x.mean()) + half
