"""``random``: uniform without replacement. The baseline every other policy is compared with."""

from __future__ import annotations

import numpy as np

from rasslib.rass.policies.pool import Pool, Rows

NAME = "random"


def rank(pool: Pool) -> Rows:
    """A seeded order of all rows; a smaller n gives the start of a larger one."""
    return np.random.default_rng(pool.seed).permutation(len(pool))


def reason(pool: Pool, row: int) -> str:  # noqa: ARG001
    """Drawn from how many."""
    return f"drawn at random from {len(pool)} prompts (seed {pool.seed})"


def nothing(pool: Pool) -> str:
    """Cannot happen with a pool that is not empty."""
    return f"There is no {pool.who} to draw: add prompts."
