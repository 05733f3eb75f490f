"""Train, validation and test: stratified, and with all versions of one prompt in the same split.

Axes are fitted on train, chosen on validation, reported on test. A paraphrase of a training prompt in test
would make every figure look better than it is.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rasslib.errors import PromptError
from rasslib.prompts.cells import is_missing
from rasslib.prompts.duplicates import duplicate_groups
from rasslib.prompts.schema import SPLITS

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

DEFAULT_FRACTIONS = (0.6, 0.2, 0.2)
NEAR_DUPLICATE = 0.7
"""Similarity from which two prompts are kept together: low, as that costs nothing."""


def assign_splits(
    df: pd.DataFrame,
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS,
    seed: int = 0,
    by: Sequence[str] = ("intent", "category"),
    group_columns: Sequence[str] = ("group", "triple"),
    threshold: float | None = NEAR_DUPLICATE,
) -> pd.DataFrame:
    """A copy of the prompt set with its ``split`` column drawn anew.

    Prompts that share a value of one of ``group_columns`` (where there is such a column and it is filled), and
    near-duplicates (:func:`rasslib.prompts.duplicates.near_duplicates`), stay together, also along chains.
    Groups are dealt out one by one, large ones first, each to the split that is farthest below its share of
    the group's strata; ties are broken by the shares of the first column of ``by``, then of the whole set. So
    every split holds every stratum that has prompts enough, and small strata still give the whole set its
    shares.

    The result depends on the prompts and the seed, not on the order of the rows.

    Args:
        df: A prompt set.
        fractions: Shares of train, validation and test; they add up to 1.
        seed: Seed of the draw.
        by: Columns whose combinations are the strata; none for one stratum.
        group_columns: Columns of prompts that belong together (seed, minimal pair, translation).
        threshold: Similarity of near-duplicates; None looks for none.

    Raises:
        PromptError: The fractions do not add up to 1, or a column of ``by`` is missing.
    """
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.shape != (3,) or not np.isfinite(shares).all() or (shares < 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise PromptError(f"The shares of {', '.join(SPLITS)} must be three numbers that add up to 1, not {fractions}.")
    if missing := [column for column in by if column not in df.columns]:
        raise PromptError(f"Splits cannot be stratified by {', '.join(missing)}: the prompts have no such column.")
    order = np.argsort(df["id"].to_numpy(dtype=object), kind="stable")
    ordered = df.iloc[order].reset_index(drop=True)
    groups = _groups(ordered, group_columns, threshold)
    dealt = np.empty(len(df), dtype=np.int64)
    dealt[order] = _deal(groups, _strata(ordered, by), shares, np.random.default_rng(seed))
    result = df.copy()
    result["split"] = [SPLITS[number] for number in dealt]
    return result


def _strata(df: pd.DataFrame, by: Sequence[str]) -> list[Numbers]:
    """[n] stratum of each row, by all columns, by the first, and by none (the whole set)."""
    levels: list[Numbers] = []
    for depth in sorted({len(by), min(1, len(by))} - {0}, reverse=True):
        numbers = df.groupby(list(by)[:depth], dropna=False).ngroup()
        levels.append(numbers.to_numpy().astype(np.int64))
    return [*levels, np.zeros(len(df), dtype=np.int64)]


def _groups(df: pd.DataFrame, columns: Sequence[str], threshold: float | None) -> Numbers:
    """[n] group of each row: joined by near-duplication or a value of a column, also along chains."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(df)
    labels: list[Sequence[Hashable]] = []
    if threshold is not None and n:
        labels.append(duplicate_groups(df["prompt"].tolist(), threshold).tolist())
    for column in (name for name in columns if name in df.columns):
        # An empty cell is no group: its row gets a label of its own.
        cells = [None if is_missing(value) else str(value).strip() for value in df[column]]
        labels.append([cell or position for position, cell in enumerate(cells)])
    rows: list[int] = []
    firsts: list[int] = []
    for label in labels:
        first: dict[Hashable, int] = {}
        rows += range(n)
        firsts += [first.setdefault(value, position) for position, value in enumerate(label)]
    graph = coo_array((np.ones(len(rows), dtype=np.int8), (rows, firsts)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64) if n else np.zeros(0, dtype=np.int64)


def _deal(groups: Numbers, strata: Sequence[Numbers], shares: Floats, rng: np.random.Generator) -> Numbers:
    """[n] split number of each row.

    Args:
        groups: [n] group of each row.
        strata: [n] stratum of each row, at each level from the finest to the whole set.
        shares: [3] of the splits.
        rng: Shuffles groups of equal size.
    """
    targets = [np.bincount(level)[:, None] * shares if len(level) else np.zeros((0, 3)) for level in strata]
    counts = [np.zeros_like(target) for target in targets]
    dealt = np.zeros(len(groups), dtype=np.int64)
    members = _members(groups) if len(groups) else []
    shuffled = [members[number] for number in rng.permutation(len(members))]
    for rows in sorted(shuffled, key=len, reverse=True):
        choice = _farthest_below(rows, strata, targets, counts)
        dealt[rows] = choice
        for level, count in zip(strata, counts, strict=True):
            np.add.at(count, (level[rows], choice), 1)
    return dealt


def _members(groups: Numbers) -> list[Numbers]:
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)


def _farthest_below(
    rows: Numbers, strata: Sequence[Numbers], targets: Sequence[Floats], counts: Sequence[Floats]
) -> int:
    """The split with the largest share still to be filled; the first of equals."""
    candidates = np.array([0, 1, 2])
    for level, target, count in zip(strata, targets, counts, strict=True):
        wanted, filled = target[level[rows]], count[level[rows]]
        with np.errstate(divide="ignore", invalid="ignore"):
            missing = np.where(wanted > 0, 1 - filled / wanted, -np.inf).sum(axis=0)[candidates]
        candidates = candidates[missing >= missing.max() - 1e-9]
    return int(candidates[0])
