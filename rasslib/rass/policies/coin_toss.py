"""``coin-toss``: predicted refusal probability nearest 1/2, from one forward pass (:mod:`rasslib.boundary.predictor`).

The predicted log-odds λ orders as |p − 1/2| does, and tells probabilities near 0 or 1 apart that are equal as floats.
"""

from __future__ import annotations

import numpy as np

from rasslib.rass.policies.pool import Pool, Rows, first

NAME = "coin-toss"
COLUMN = "predicted_logit"


def rank(pool: Pool) -> Rows:
    """All rows, |λ| smallest first."""
    return first(np.abs(pool.values(COLUMN)))


def reason(pool: Pool, row: int) -> str:
    """The predicted probability."""
    return f"predicted refusal probability {1 / (1 + np.exp(-pool.values(COLUMN)[row])):.2f}"


def nothing(pool: Pool) -> str:
    """Cannot happen with a pool that is not empty."""
    return f"There is no {pool.who} with a predicted refusal probability: add prompts."
