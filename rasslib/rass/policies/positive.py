"""``positive``: 0 < z ≤ 1, highest first. Benign, but on the refusal side: the best yield is expected here."""

from __future__ import annotations

from rasslib.rass.policies.pool import Pool, Rows, first

NAME = "positive"


def rank(pool: Pool) -> Rows:
    """Rows no farther into the refusal side than the mean harmful prompt, highest first."""
    return first(-pool.z, (pool.z > 0) & (pool.z <= 1))


def reason(pool: Pool, row: int) -> str:
    """Where on the refusal side."""
    return f"margin {pool.z[row]:+.2f}, on the refusal side, up to +1"


def nothing(pool: Pool) -> str:
    """The highest one."""
    return (
        f"No {pool.who} has a margin above 0 and up to 1 (the highest is {pool.z.max():+.2f}): choose another policy, "
        "or add prompts."
    )
