"""Curation of candidates: what a curator decided, beside the candidates, and back into the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from rasslib.workspace.database import Database


def with_decisions(picked: pd.DataFrame, entries: pd.DataFrame) -> pd.DataFrame:
    """Add ``keep`` (bool) and ``note`` of one curator's entries (see :meth:`Database.curation`) to candidates."""
    by_id = entries.drop_duplicates("prompt_id", keep="last").set_index("prompt_id")
    decisions = picked["id"].map(by_id["decision"])
    return picked.assign(keep=(decisions == "keep").to_numpy(bool), note=picked["id"].map(by_id["note"]).fillna(""))


def new_edits(
    edits: Mapping[Any, Mapping[str, Any]], sent: Mapping[Any, Mapping[str, Any]], base: pd.DataFrame
) -> dict[Any, Mapping[str, Any]]:
    """The cells that were edited since edits were last sent: old edits must not undo what others did meanwhile.

    Args:
        edits: All edited cells of the table (``keep``, ``note``) by row number.
        sent: The edits that were sent before; a cell that is edited no more goes back to its value in ``base``.
        base: The table below the edits.
    """
    changed: dict[Any, dict[str, Any]] = {}
    for row in {**sent, **edits}:
        now, before = edits.get(row, {}), sent.get(row, {})
        for column in {**before, **now}:
            old = base[column].iloc[int(row)]
            if now.get(column, old) != before.get(column, old):
                changed.setdefault(row, {})[column] = now.get(column, old)
    return dict(changed)


def save_edits(
    database: Database, set_name: str, curator: str, ids: list[str], edits: Mapping[Any, Mapping[str, Any]]
) -> int:
    """Store the edited rows of a table; a row that was unticked becomes undecided.

    Args:
        database: The workspace's database.
        set_name: The curated set.
        curator: Who decides.
        ids: Prompt ids by row number of the table.
        edits: Changed cells (``keep``, ``note``) by row number.

    Returns:
        How many rows were sent.

    Raises:
        WorkspaceError: The workspace cannot be written.
    """
    changes: dict[str, tuple[str | None, str | None]] = {}
    for number, cells in edits.items():
        decision = ("keep" if cells["keep"] else "") if "keep" in cells else None
        note = str(cells["note"] or "").strip() if "note" in cells else None
        changes[ids[int(number)]] = (decision, note)
    database.curate_many(set_name, changes, curator=curator)
    return len(changes)


def last_curator(entries: pd.DataFrame) -> str:
    """Who changed a set last; empty where nobody did, or left no name."""
    return "" if entries.empty else str(entries.sort_values("updated_at")["curator"].iloc[-1])
