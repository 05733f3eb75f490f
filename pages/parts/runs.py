"""The current run: named in the address bar, so that a reload and a restart of the app find it again."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.parts import errors, state
from rasslib.boundary.run import RESULT, Analysis, open_run
from rasslib.errors import WorkspaceError
from rasslib.settings import workspace_dir
from rasslib.workspace import Workspace
from rasslib.workspace.records import Run


@st.cache_resource(show_spinner=False)
def _workspace(root: str) -> Workspace:
    return Workspace(root)


@st.cache_resource(max_entries=4, show_spinner="Opening the run")
def _opened(root: str, run_id: str, changed: float) -> Analysis:  # noqa: ARG001
    return open_run(_workspace(root), run_id)


def workspace() -> Workspace:
    """The workspace of the settings."""
    return _workspace(str(workspace_dir()))


def finished_runs() -> list[Run]:
    """Runs that can be opened, newest first."""
    return [run for run in workspace().database.list_runs() if run.status == "finished"]


def label(run: Run) -> str:
    """A run in one line: title, date and time (UTC)."""
    return f"{run.title or run.run_id} · {run.created_at[:16].replace('T', ' ')}"


def choose_run() -> None:
    """The chooser in the sidebar; the choice is kept in the session and in the address bar."""
    found = {run.run_id: run for run in finished_runs()}
    if not found:
        st.caption("No finished run yet.")
        return
    wanted = st.session_state.pop(state.WANTED, None)
    now = wanted or st.session_state.get(state.RUN) or st.query_params.get(state.RUN)
    st.session_state[state.RUN] = now if now in found else next(iter(found))
    st.selectbox("Run", list(found), format_func=lambda run_id: label(found[run_id]), key=state.RUN)
    st.query_params[state.RUN] = st.session_state[state.RUN]


def open_from_list(run_id: str) -> None:
    """Callback of a button that opens a run."""
    state.open_next(run_id)


def find_run() -> Analysis | None:
    """The current run, opened without its model; None where there is none.

    Raises:
        WorkspaceError: It cannot be opened.
    """
    run_id = st.session_state.get(state.RUN)
    return None if run_id is None else opened(run_id)


def opened(run_id: str) -> Analysis:
    """A run, read again only after its files changed."""
    root = workspace_dir()
    result = Path(root) / "runs" / run_id / RESULT
    try:
        changed = result.stat().st_mtime
    except OSError as error:
        raise WorkspaceError(
            f"The run {run_id} has lost its files; start it again on the start page: what was computed is not lost."
        ) from error
    return _opened(str(root), run_id, changed)


def current_run() -> Analysis:
    """The current run; where there is none, the page says what to do and ends."""
    with errors.told():
        found = find_run()
    if found is None:
        st.info("There is no finished run yet. Choose a model and prompts on the start page, and come back.")
        st.page_link("pages/start.py", label="Go to the start page", icon=":material/arrow_back:")
        st.stop()
    return found
