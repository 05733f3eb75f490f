"""``guard``: harm score of an external guard nearest its threshold 1/2: what one could do without activations.

The score in [0, 1] comes with the prompts, in the column ``guard_score``.
"""

from __future__ import annotations

import numpy as np

from rasslib.rass.policies.pool import Pool, Rows, first

NAME = "guard"
COLUMN = "guard_score"


def rank(pool: Pool) -> Rows:
    """All rows, nearest to the threshold first."""
    return first(np.abs(pool.values(COLUMN) - 0.5))


def reason(pool: Pool, row: int) -> str:
    """The score."""
    return f"harm score of the guard {pool.values(COLUMN)[row]:.2f}"


def nothing(pool: Pool) -> str:
    """Cannot happen with a pool that is not empty."""
    return f"There is no {pool.who} with a score of the guard: add prompts."
