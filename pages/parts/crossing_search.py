"""The closest crossing: the smallest change of words with which the model does the opposite."""

from __future__ import annotations

import streamlit as st

from pages.parts import errors, model, piece, progress, shaded
from rasslib.boundary.comparing import word_difference
from rasslib.boundary.crossing import Crossing, CrossingSettings
from rasslib.boundary.crossing_run import closest_crossing, kept_crossing, search_settings
from rasslib.boundary.crossing_words import answer_text, edit_text, searched_text
from rasslib.boundary.inspecting import Inspected
from rasslib.boundary.run import Analysis


def show(run: Analysis, prompt: Inspected) -> None:
    """How far to go, the button, then the answer."""
    st.caption(
        "The fewest words to take out or replace so that the model answers what it refused, or the other way round: "
        "searched by the one-pass predictor of the boundary report (before there is one, by the refusal score), "
        "confirmed by a reply."
    )
    if piece.hidden(prompt):
        return
    most = st.slider("Words changed at most", 1, 4, 2, key="inspector-most-edits", persist_state="session")
    settings = search_settings(run, int(most))
    found = kept_crossing(run, prompt, settings)
    if found is None:
        found = _search(run, prompt, settings)
    if found is not None:
        _answer(found, settings)


def _search(run: Analysis, prompt: Inspected, settings: CrossingSettings) -> Crossing | None:
    """The search behind its button; a press on Stop, like any other, ends it, and scores and replies are kept."""
    place = st.empty()
    if not place.button("Find the closest crossing", type="primary", key="inspector-crossing"):
        return None
    place.button("Stop", key="inspector-crossing-stop", icon=":material/stop_circle:", help=progress.KEPT)
    found = None
    bars = st.empty()
    with errors.told(ends=False):
        lens = model.lens_for(run)
        found = closest_crossing(lens, run, prompt, settings, progress.PageProgress(bars.container()))
    bars.empty()
    place.empty()
    return found


def _answer(found: Crossing, settings: CrossingSettings) -> None:
    tell = st.success if found.found else st.info
    tell(errors.plain(answer_text(found, settings)))
    if found.found:
        before, after = word_difference(found.text, found.changed)
        grid = st.grid(2, min_column_width=340, gap="large")
        for name, parts in ((f"Before: {found.behaviour}", before), (f"After: {found.changed_behaviour}", after)):
            with grid.cell():
                st.markdown(f"**{name}**")
                shaded.show(shaded.marked(parts))
        st.caption(errors.plain("; ".join(edit_text(old, new) for old, new in found.edits) + "."))
    if found.steps:
        st.caption(errors.plain(searched_text(found)))
        st.caption(
            "Replacements are a few neutral words and words of the nearest prompts with which the model does the "
            "opposite; grammar is not looked at. Refusal is predicted above the score that best separates refused from "
            f"complied replies outside the test split ({found.threshold:+.2f}); the answer is kept in the workspace."
        )
