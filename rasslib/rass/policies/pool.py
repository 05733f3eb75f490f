"""What a selection policy sees, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rasslib.errors import AnalysisError

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pool:
    """The prompts a policy picks from, sorted by id, so that a stable order means: ties by id.

    Attributes:
        table: m rows with ``id``, ``prompt`` and the columns the policy needs.
        z: [m] margins; 0 is the boundary.
        tau: Half-width of the band, in margin units.
        seed: Seed of what is drawn.
        who: What the prompts are called in messages.
    """

    table: pd.DataFrame
    z: Floats
    tau: float
    seed: int
    who: str = "benign prompt"

    def __len__(self) -> int:
        return len(self.z)

    def values(self, column: str) -> Floats:
        """A column as numbers [m].

        Raises:
            AnalysisError: The column is missing, or holds something that is no number.
        """
        if column not in self.table.columns:
            raise AnalysisError(f"The prompts have no column {column}, which this policy ranks by: add it first.")
        found = pd.to_numeric(self.table[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        bad = ~np.isfinite(found)
        if bad.any():
            ids = ", ".join(self.table.loc[bad, "id"].astype(str).head(5))
            raise AnalysisError(f"{int(bad.sum())} prompts have no {column} ({ids}): fill it, or leave them out.")
        return found


class Policy(Protocol):
    """One way to pick."""

    NAME: str

    def rank(self, pool: Pool) -> Rows:
        """All rows that satisfy the rule, best first."""

    def reason(self, pool: Pool, row: int) -> str:
        """Why this row, in a few words."""

    def nothing(self, pool: Pool) -> str:
        """What to say where no row satisfies the rule."""


def first(key: Floats, allowed: NDArray[np.bool_] | None = None) -> Rows:
    """The allowed rows, smallest key first, stable."""
    rows = np.arange(len(key)) if allowed is None else np.flatnonzero(allowed)
    return rows[np.argsort(key[rows], kind="stable")]
