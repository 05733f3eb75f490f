"""The share of overrefusals in a selection, beside that of a random draw: the honest control of every policy."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from rasslib.rass.policies import BENIGN, select
from rasslib.refusal import Rate, rate_of


@dataclass(frozen=True)
class Yield:
    """What a policy found.

    Attributes:
        picked: The selected rows, see :func:`rasslib.rass.policies.select`.
        rate: Share of overrefusals among them, with n and Wilson interval.
        drawn: The same share in one random draw of the same size from the same pool.
        pool: The same share in the whole pool: what random draws give on average.
    """

    picked: pd.DataFrame
    rate: Rate
    drawn: Rate
    pool: Rate


def benign_pool(prompts: pd.DataFrame) -> pd.DataFrame:
    """The given benign prompts whose reply is known: the pool of RASS candidates."""
    return prompts[prompts["given"] & prompts["intent"].isin(BENIGN) & (prompts["behaviour"] != "")]


def selection_yield(pool: pd.DataFrame, policy: str, n: int, tau: float, seed: int = 0) -> Yield:
    """Pick from a pool of benign prompts, and count the overrefusals beside a random draw of the same size.

    Raises:
        AnalysisError: Nothing satisfies the rule.
    """
    picked = select(pool, policy, n, tau, seed)
    # Another seed than the policy's own, so that the policy `random` is not compared with itself.
    drawn = select(pool, "random", len(picked), tau, seed + 1)
    return Yield(picked, *(rate_of(df["behaviour"]) for df in (picked, drawn, pool)))
