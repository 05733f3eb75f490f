"""Fewer prompts that stand for all: for a first look, where reading everything takes long."""

from __future__ import annotations

import pandas as pd

CELLS = ["intent", "split", "category"]


def thinned(prompts: pd.DataFrame, n: int) -> pd.DataFrame:
    """At most ``n`` prompts with the shares of every intent, split and category kept.

    Within a cell the prompts stand in the order of their ids, which are hashes: a fixed random order. A smaller n gives
    a part of a larger one, so nothing read for it is read again.
    """
    if len(prompts) <= n:
        return prompts
    cells = prompts.sort_values("id").groupby(CELLS, sort=False)["id"]
    place = (cells.cumcount() + 0.5) / cells.transform("size")
    kept = place.sort_values(kind="stable").index[:n]
    return prompts.loc[prompts.index.isin(kept)].reset_index(drop=True)
