"""One piece of model work on the inspector: a button, its result kept in the session, errors told beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import streamlit as st

from pages.parts import errors, model, state
from rasslib.boundary.inspecting import Inspected
from rasslib.boundary.run import Analysis
from rasslib.models.lens import Lens

T = TypeVar("T")


def hidden(prompt: Inspected) -> bool:
    """Whether this prompt's words may not be shown; says so."""
    if state.shown(prompt.prompt, prompt.intent) == prompt.prompt:
        return False
    st.caption(state.HIDDEN)
    return True


def on_button(
    label: str, name: str, run: Analysis, prompt: Inspected, work: Callable[[Lens], T], doing: str
) -> T | None:
    """A button and, once it was pressed for this prompt, the result.

    Args:
        label: What the button says.
        name: Names the piece in the session.
        run: The run.
        prompt: The prompt.
        work: What the model is asked.
        doing: What the spinner says.
    """
    key = f"inspector-{name}"
    kept = st.session_state.get(key)
    about = (run.run_id, prompt.prompt)
    if kept is not None and kept[0] == about:
        return cast(T, kept[1])
    place = st.empty()
    if not place.button(label, key=f"{key}-button", type="primary"):
        return None
    found = None
    with errors.told(ends=False):
        lens = model.lens_for(run)
        with st.spinner(doing):
            found = work(lens)
        st.session_state[key] = (about, found)
        place.empty()
    return found
