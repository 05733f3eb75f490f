"""Shares of a budget by stratum (category × language), in proportion to the pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from rasslib.rass.policies.pool import Rows

COLUMNS = ("category", "language")


def strata_of(table: pd.DataFrame) -> list[str]:
    """Name of each row's stratum; columns that are missing are left out."""
    columns = [c for c in COLUMNS if c in table.columns]
    if not columns:
        return [""] * len(table)
    return [" · ".join(map(str, row)) for row in table[columns].itertuples(index=False, name=None)]


def quotas(sizes: Mapping[str, int], n: int) -> dict[str, int]:
    """How many of n go to each stratum: proportional, largest remainder, ties by name.

    Args:
        sizes: Rows of the pool by stratum.
        n: The budget; at most all rows.
    """
    total = sum(sizes.values())
    n = min(n, total)
    exact = {name: n * size / total for name, size in sizes.items()} if total else {}
    found = {name: int(share) for name, share in exact.items()}
    rest = sorted(exact, key=lambda name: (found[name] - exact[name], name))
    for name in rest[: n - sum(found.values())]:
        found[name] += 1
    return found


def by_stratum(ranked: Rows, strata: Sequence[str], n: int) -> list[tuple[Rows, int]]:
    """Ranked rows and quota of each stratum; what a stratum cannot fill goes to the best of the others.

    Args:
        ranked: Rows that satisfy the rule, best first.
        strata: Stratum of every row of the pool.
        n: The budget.
    """
    names = np.asarray(strata, dtype=object)
    sizes = {str(k): int(v) for k, v in zip(*np.unique(names.astype(str), return_counts=True), strict=True)}
    wanted = quotas(sizes, n)
    held = {name: ranked[names[ranked] == name] for name in sorted(sizes)}
    taken = {name: min(wanted[name], len(rows)) for name, rows in held.items()}
    free = min(n, len(ranked)) - sum(taken.values())
    place = dict.fromkeys(taken, 0)
    for row in ranked:  # best first, over all strata
        name = str(names[row])
        place[name] += 1
        if free and place[name] > wanted[name]:
            taken[name] += 1
            free -= 1
    return [(held[name], taken[name]) for name in held if taken[name]]
