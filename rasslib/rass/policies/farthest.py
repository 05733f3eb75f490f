"""``farthest``: largest abs(z) first, on either side. The negative control."""

from __future__ import annotations

import numpy as np

from rasslib.rass.policies.pool import Pool, Rows, first

NAME = "farthest"


def rank(pool: Pool) -> Rows:
    """All rows, farthest from the boundary first."""
    return first(-np.abs(pool.z))


def reason(pool: Pool, row: int) -> str:
    """How far."""
    return f"margin {pool.z[row]:+.2f}, among the farthest from the boundary"


def nothing(pool: Pool) -> str:
    """Cannot happen with a pool that is not empty."""
    return f"There is no {pool.who} with a margin: add prompts."
