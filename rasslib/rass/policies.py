"""Selection policies: which prompts of a pool to pick, by their margin z.

==========  ============================================  ====================================================
policy      rule                                          role
==========  ============================================  ====================================================
`band`      abs(z) ≤ τ, nearest to 0 first                prompts at the boundary
`positive`  0 < z ≤ 1, highest first                      on the refusal side of the boundary
`random`    uniform                                       the baseline every other policy is compared with
`farthest`  largest abs(z) first                          negative control
==========  ============================================  ====================================================

RASS (arXiv 2505.18325) proposes to select prompts near the safety decision boundary with steering vectors;
its equations were not available to us, and these rules are this project's reading of it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rasslib.boundary.margin import DEFAULT_TAU, in_band
from rasslib.errors import AnalysisError

POLICIES = ("band", "positive", "random", "farthest")
BENIGN = ("harmless", "borderline")
COLUMNS = ("id", "intent", "margin")
"""Columns :func:`select` reads; all others are kept as they are."""

Rows = NDArray[np.intp]
Floats = NDArray[np.float64]


def band(z: Floats, tau: float, n: int) -> Rows:
    """abs(z) ≤ τ, nearest to the boundary first.

    Args:
        z: [m] margins of the pool.
        tau: Half-width of the band, in margin units.
        n: How many rows at most.

    Returns:
        Row numbers, best first; of equal margins the earlier row first (as in all policies).
    """
    return _first(np.abs(z), in_band(z, tau), n)


def positive(z: Floats, n: int) -> Rows:
    """0 < z ≤ 1, highest first: no farther into the refusal side than the mean harmful prompt."""
    return _first(-z, (z > 0) & (z <= 1), n)


def random(size: int, n: int, seed: int) -> Rows:
    """``n`` of ``size`` rows, uniformly without replacement; a smaller n gives the start of a larger one."""
    return np.random.default_rng(seed).permutation(size)[:n]


def farthest(z: Floats, n: int) -> Rows:
    """Largest abs(z) first, on either side."""
    return _first(-np.abs(z), np.ones(len(z), dtype=np.bool_), n)


def select(
    prompts: pd.DataFrame,
    policy: str = "band",
    n: int = 100,
    tau: float = DEFAULT_TAU,
    seed: int = 0,
    only_benign: bool = True,
) -> pd.DataFrame:
    """Pick at most ``n`` prompts by a policy; the result does not depend on the order of the rows.

    Args:
        prompts: Columns ``id``, ``intent``, ``margin``, and any others.
        policy: One of :data:`POLICIES`.
        n: How many; fewer come back where fewer satisfy the rule.
        tau: Half-width of the band (policy ``band``).
        seed: Seed of the draw (policy ``random``).
        only_benign: Pick from harmless and borderline prompts only. The intent is a person's label; nothing
            here infers it from the margin.

    Returns:
        The picked rows with ``rank`` (from 1), ``policy`` and ``reason`` (a few words) added. Ties go by id.

    Raises:
        AnalysisError: Nothing satisfies the rule, a margin is missing, or an argument makes no sense.
    """
    pool = _pool(prompts, policy, n, only_benign)
    z = pool["margin"].to_numpy(np.float64)
    rules: dict[str, Callable[[], Rows]] = {
        "band": lambda: band(z, tau, n),
        "positive": lambda: positive(z, n),
        "random": lambda: random(len(z), n, seed),
        "farthest": lambda: farthest(z, n),
    }
    rows = rules[policy]()
    if len(rows) == 0:
        raise AnalysisError(_nothing(policy, z, tau, only_benign))
    picked = pool.iloc[rows].reset_index(drop=True)
    reasons = [_reason(policy, value, tau, seed, len(pool)) for value in z[rows]]
    return picked.assign(rank=np.arange(1, len(rows) + 1), policy=policy, reason=reasons)


def _first(key: Floats, allowed: NDArray[np.bool_], n: int) -> Rows:
    """The n allowed rows with the smallest key, stable."""
    rows = np.flatnonzero(allowed)
    return rows[np.argsort(key[rows], kind="stable")][:n]


def _pool(prompts: pd.DataFrame, policy: str, n: int, only_benign: bool) -> pd.DataFrame:
    """The rows to pick from, sorted by id so that the policies' stable order means: ties by id."""
    if policy not in POLICIES:
        raise AnalysisError(f"There is no selection policy {policy!r}: choose one of {', '.join(POLICIES)}.")
    if n < 1:
        raise AnalysisError(f"Ask for at least one prompt, not {n}.")
    missing = [column for column in COLUMNS if column not in prompts.columns]
    if missing:
        raise AnalysisError(f"The prompts have no column {', '.join(missing)}: analyse them before selecting.")
    pool = prompts[prompts["intent"].isin(BENIGN)] if only_benign else prompts
    if pool.empty:
        raise AnalysisError(
            f"None of the {len(prompts)} prompts is labelled harmless or borderline: label them, or select "
            "from all intents."
            if only_benign and len(prompts)
            else "There are no prompts to select from: add some."
        )
    pool = pool.sort_values("id", kind="stable")
    unread = ~np.isfinite(pool["margin"].to_numpy(np.float64, na_value=np.nan))
    if unread.any():
        ids = ", ".join(pool["id"][unread].astype(str).head(5))
        raise AnalysisError(f"{int(unread.sum())} prompts have no margin ({ids}): analyse them, or leave them out.")
    return pool


def _nothing(policy: str, z: Floats, tau: float, only_benign: bool) -> str:
    who = "benign prompt" if only_benign else "prompt"
    if policy == "band":
        nearest = z[np.argmin(np.abs(z))]
        return f"No {who} lies in the band ±{tau:g} (the nearest has margin {nearest:+.2f}): widen the band."
    return (
        f"No {who} has a margin above 0 and up to 1 (the highest is {z.max():+.2f}): choose another policy, "
        "or add prompts."
    )


def _reason(policy: str, z: float, tau: float, seed: int, size: int) -> str:
    return {
        "band": f"margin {z:+.2f}, within ±{tau:g} of the boundary",
        "positive": f"margin {z:+.2f}, on the refusal side, up to +1",
        "random": f"drawn at random from {size} prompts (seed {seed})",
        "farthest": f"margin {z:+.2f}, among the farthest from the boundary",
    }[policy]
