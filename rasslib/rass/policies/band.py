"""``band``: abs(z) ≤ τ, nearest to the boundary first. The most natural meaning of "boundary-aligned"."""

from __future__ import annotations

import numpy as np

from rasslib.boundary.margin import in_band
from rasslib.rass.policies.pool import Pool, Rows, first

NAME = "band"


def rank(pool: Pool) -> Rows:
    """Rows in the band, nearest first."""
    return first(np.abs(pool.z), in_band(pool.z, pool.tau))


def reason(pool: Pool, row: int) -> str:
    """Where in the band."""
    return f"margin {pool.z[row]:+.2f}, within ±{pool.tau:g} of the boundary"


def nothing(pool: Pool) -> str:
    """The nearest one, and to widen the band."""
    nearest = pool.z[np.argmin(np.abs(pool.z))]
    return f"No {pool.who} lies in the band ±{pool.tau:g} (the nearest has margin {nearest:+.2f}): widen the band."
