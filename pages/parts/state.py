"""What pages share in the session, by name. Prompt text never goes into the address bar."""

from __future__ import annotations

import pandas as pd
import streamlit as st

RUN = "run"  # widget of the run chooser, and the query parameter
WANTED = "run-wanted"  # a run to open on the next pass
HIDE = "hide-harmful"
SELECTED = "map-selected"  # ids selected on the map, by run
JOB = "job"
HIDDEN = "(harmful prompt, hidden: see the switch in the sidebar)"


def open_next(run_id: str) -> None:
    """Make a run the current one on the next pass (a widget cannot be set once it is drawn)."""
    st.session_state[WANTED] = run_id


def hides_harmful() -> bool:
    """Whether harmful text is to be hidden."""
    return bool(st.session_state.get(HIDE, False))


def shown(prompt: str, intent: str) -> str:
    """A prompt as it may be shown now."""
    return HIDDEN if intent == "harmful" and hides_harmful() else prompt


def shown_table(prompts: pd.DataFrame) -> pd.DataFrame:
    """Prompts and replies of a table as they may be shown now; files for download keep the text."""
    if not hides_harmful() or "intent" not in prompts:
        return prompts
    harmful = prompts["intent"] == "harmful"
    texts = {name: prompts[name].mask(harmful, HIDDEN) for name in ("prompt", "reply") if name in prompts}
    return prompts.assign(**texts)


def select_on_map(run_id: str, ids: list[str]) -> None:
    """Remember what is selected on the map."""
    st.session_state[SELECTED] = {run_id: ids}


def selected_on_map(run_id: str) -> list[str]:
    """Ids selected on the map of this run, in the order of its table."""
    return list(st.session_state.get(SELECTED, {}).get(run_id, []))
