"""The table in which candidates are kept or not; every edit goes to the workspace at once."""

from __future__ import annotations

import copy
import hashlib

import pandas as pd
import streamlit as st

from rasslib.boundary.run import Analysis
from rasslib.rass.curating import last_curator, new_edits, save_edits, with_decisions

COLUMNS = ["keep", "note", "prompt", "margin", "behaviour", "refusal_score", "reply", "intent", "category", "split"]


def who(run: Analysis) -> tuple[str, str]:
    """Name of the curated set and of the curator."""
    database = run.workspace.database
    left, right = st.columns(2)
    names = list(dict.fromkeys([run.title, *database.curated_sets()]))
    set_name = left.selectbox(
        "Curated set",
        names,
        accept_new_options=True,
        key=f"rass-set-{run.run_id}",
        persist_state="session",
        help="Choose a set, or type a new name. A set may gather prompts of many selections.",
    )
    set_name = (set_name or run.title).strip() or run.title
    curator = right.text_input(
        "Curator",
        last_curator(database.curation(set_name)),
        key=f"rass-curator-{set_name}",
        persist_state="session",
        placeholder="Your name (optional)",
        help="Each curator has decisions of their own in the same set.",
    )
    return set_name, curator.strip()


def edit(run: Analysis, picked: pd.DataFrame, set_name: str, curator: str) -> None:
    """The table; what was changed since the last time is saved.

    The table is given the same frame as long as it is on the page (its edits lie on top); when the page, the set or
    the selection changes, the frame is made again from the workspace.

    Raises:
        WorkspaceError: An edit cannot be saved.
    """
    database = run.workspace.database
    ids = picked["id"].tolist()
    key = f"rass-table-{_digest(run.run_id, set_name, curator, *ids)}"
    if key not in st.session_state or st.session_state.get("rass-base", ("",))[0] != key:
        frame = with_decisions(picked, database.curation(set_name, curator))
        st.session_state["rass-base"] = (key, frame[COLUMNS], {})
    _, frame, sent = st.session_state["rass-base"]
    st.data_editor(
        frame,
        key=key,
        hide_index=True,
        width="stretch",
        height=420,
        disabled=[name for name in COLUMNS if name not in ("keep", "note")],
        column_config={
            "keep": st.column_config.CheckboxColumn("Keep", width="small", pinned=True),
            "note": st.column_config.TextColumn("Note", width="medium", max_chars=2000),
            "prompt": st.column_config.TextColumn("Prompt", width="large"),
            "margin": st.column_config.NumberColumn("Margin", format="%+.2f"),
            "behaviour": st.column_config.TextColumn("Behaviour"),
            "refusal_score": st.column_config.NumberColumn("Refusal score", format="%+.2f"),
            "reply": st.column_config.TextColumn("Reply", width="large"),
            "intent": "Intent",
            "category": "Category",
            "split": "Split",
        },
    )
    edits = st.session_state.get(key, {}).get("edited_rows", {})
    save_edits(database, set_name, curator, ids, new_edits(edits, sent, frame))
    st.session_state["rass-base"] = (key, frame, copy.deepcopy(edits))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]
