"""Selection policies: which prompts of a pool to pick. One file each, one interface (:class:`pool.Policy`).

===========  ==============================================  ====================================================
policy       rule                                            role
===========  ==============================================  ====================================================
`band`       abs(z) ≤ τ, nearest to 0 first                  prompts at the boundary
`positive`   0 < z ≤ 1, highest first                        benign, but on the refusal side
`coin-toss`  predicted refusal probability nearest 1/2       the boundary by a predictor of behaviour
`random`     uniform                                         the baseline every other policy is compared with
`farthest`   largest abs(z) first                            negative control
`keyword`    most words of a sensitive-word list first       lexical baseline
`guard`      external harm score nearest its threshold       optional; without reading activations
===========  ==============================================  ====================================================

RASS (arXiv 2505.18325) proposes to select prompts near the safety decision boundary with steering vectors; its
equations were not available to us, and these rules are this project's reading of it.
"""

from __future__ import annotations

from types import ModuleType
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rasslib.boundary.margin import DEFAULT_TAU
from rasslib.errors import AnalysisError
from rasslib.rass.policies import band, coin_toss, farthest, guard, keyword, positive, random_draw
from rasslib.rass.policies.diversity import centred, diverse
from rasslib.rass.policies.pool import Policy, Pool
from rasslib.rass.policies.strata import by_stratum, strata_of

_MODULES: tuple[ModuleType, ...] = (band, positive, coin_toss, random_draw, farthest, keyword, guard)
POLICIES: dict[str, Policy] = {module.NAME: cast(Policy, module) for module in _MODULES}
BENIGN = ("harmless", "borderline")
COLUMNS = ("id", "intent", "margin")
"""Columns :func:`select` reads; also ``prompt`` (keyword), ``predicted_logit`` (coin-toss), ``guard_score`` (guard)."""


def select(
    prompts: pd.DataFrame,
    policy: str = "band",
    n: int = 100,
    tau: float = DEFAULT_TAU,
    seed: int = 0,
    only_benign: bool = True,
    *,
    stratify: bool = False,
    diversity: str = "none",
    activations: NDArray[np.float32] | None = None,
) -> pd.DataFrame:
    """Pick at most ``n`` prompts by a policy; the result does not depend on the order of the rows.

    Args:
        prompts: Columns :data:`COLUMNS`, what the policy needs, and any others.
        policy: A key of :data:`POLICIES`.
        n: How many; fewer come back where fewer satisfy the rule.
        tau: Half-width of the band (policy ``band``).
        seed: Seed of what is drawn.
        only_benign: Pick from harmless and borderline prompts only. The intent is a person's label; nothing
            here infers it from the margin.
        stratify: Share the budget over category × language in proportion to the pool.
        diversity: ``none``, ``k-center`` or ``mmr``, among the best 3n (of each stratum).
        activations: [rows of prompts, d], for diversity.

    Returns:
        The picked rows with ``rank`` (from 1), ``policy`` and ``reason`` (a few words) added. Ties go by id.

    Raises:
        AnalysisError: Nothing satisfies the rule, a value is missing, or an argument makes no sense.
    """
    pool, acts = _pool(prompts, policy, n, tau, seed, only_benign, activations)
    rule = POLICIES[policy]
    ranked = rule.rank(pool)
    if len(ranked) == 0:
        raise AnalysisError(rule.nothing(pool))
    parts = by_stratum(ranked, strata_of(pool.table), n) if stratify else [(ranked, n)]
    chosen = np.concatenate([diverse(rows, share, diversity, acts) for rows, share in parts])
    place = {int(row): i for i, row in enumerate(ranked)}
    chosen = np.array(sorted(chosen.tolist(), key=place.__getitem__), dtype=np.intp)
    picked = pool.table.iloc[chosen].reset_index(drop=True)
    reasons = [rule.reason(pool, row) for row in chosen.tolist()]
    return picked.assign(rank=np.arange(1, len(chosen) + 1), policy=policy, reason=reasons)


def _pool(
    prompts: pd.DataFrame,
    policy: str,
    n: int,
    tau: float,
    seed: int,
    only_benign: bool,
    activations: NDArray[np.float32] | None,
) -> tuple[Pool, NDArray[np.float32] | None]:
    """The rows to pick from, sorted by id, and their activations, centred."""
    if policy not in POLICIES:
        raise AnalysisError(f"There is no selection policy {policy!r}: choose one of {', '.join(POLICIES)}.")
    if n < 1:
        raise AnalysisError(f"Ask for at least one prompt, not {n}.")
    missing = [column for column in COLUMNS if column not in prompts.columns]
    if missing:
        raise AnalysisError(f"The prompts have no column {', '.join(missing)}: analyse them before selecting.")
    rows = np.flatnonzero(prompts["intent"].isin(BENIGN)) if only_benign else np.arange(len(prompts))
    if len(rows) == 0:
        raise AnalysisError(
            f"None of the {len(prompts)} prompts is labelled harmless or borderline: label them, or select "
            "from all intents."
            if only_benign and len(prompts)
            else "There are no prompts to select from: add some."
        )
    rows = rows[np.argsort(prompts["id"].to_numpy()[rows], kind="stable")]
    table = prompts.iloc[rows]
    z = table["margin"].to_numpy(np.float64, na_value=np.nan)
    unread = ~np.isfinite(z)
    if unread.any():
        ids = ", ".join(table["id"][unread].astype(str).head(5))
        raise AnalysisError(f"{int(unread.sum())} prompts have no margin ({ids}): analyse them, or leave them out.")
    acts = None if activations is None else centred(activations[rows])
    return Pool(table, z, tau, seed, "benign prompt" if only_benign else "prompt"), acts
