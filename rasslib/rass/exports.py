"""Candidates as tables to download: the selection, and the curated set."""

from __future__ import annotations

import pandas as pd

from rasslib.boundary.run import Analysis
from rasslib.rass.curating import with_decisions


def selection_table(run: Analysis, picked: pd.DataFrame, entries: pd.DataFrame) -> pd.DataFrame:
    """The selection with decisions, notes and where its margins come from."""
    return _with_provenance(run, with_decisions(picked, entries))


def kept_table(run: Analysis, set_name: str, entries: pd.DataFrame) -> pd.DataFrame:
    """All prompts of the run that one curator keeps in a set, however they were selected; sorted by margin.

    Args:
        run: The run.
        set_name: Name of the curated set.
        entries: One curator's entries of the set.
    """
    table = with_decisions(run.prompts, entries)
    kept = table[table["keep"]].copy()
    by_id = entries.drop_duplicates("prompt_id", keep="last").set_index("prompt_id")
    for column in ("curator", "updated_at"):
        kept[column] = kept["id"].map(by_id[column])
    kept = kept.assign(curated_set=set_name).iloc[kept["margin"].abs().argsort(kind="stable")]
    return _with_provenance(run, kept)


def file_name(set_name: str, what: str) -> str:
    """A harmless file name for a set."""
    plain = "".join(c if c.isascii() and c.isalnum() else "-" for c in set_name.lower())
    return f"{'-'.join(filter(None, plain.split('-')))[:60] or 'rass'}-{what}.csv"


def _with_provenance(run: Analysis, table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=["given", "fit"], errors="ignore").assign(
        model=str(run.summary["model"]["name"]), run=run.run_id, layer=run.layer
    )
