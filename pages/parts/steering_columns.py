"""Replies side by side while they are written: baseline, steered, control."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import streamlit as st

from pages.parts import model, progress, state
from rasslib.boundary.inspecting import intent_of
from rasslib.boundary.run import Analysis
from rasslib.steering.controlling import controlling_layer, direction_at
from rasslib.steering.lab_words import column_text, comparison_row, outcome_text
from rasslib.steering.streaming import Outcome, stream_outcomes, variants

KEPT = 8
LAST, HISTORY = "lab-last", "lab-history"
TITLES = {"baseline": "Baseline", "steered": "Steered", "control": "Random control"}


def run_columns(
    run: Analysis, prompt: str, layer: int | None, strength: float | None, control_seed: int | None, limit: int
) -> None:
    """Stream all columns and keep the result in the session; a stop keeps the text so far.

    Raises:
        RassError: The model cannot be loaded, is not the run's, or gives scores that are not numbers.
    """
    lens = model.lens_for(run)
    if layer is None:
        bars = st.empty()
        layer = controlling_layer(lens, run, progress.PageProgress(bars.container())).layer
        bars.empty()
    direction, _ = direction_at(run, layer)
    columns = variants(direction, strength, control_seed)
    last: dict[str, Any] = {"run": run.run_id, "prompt": prompt, "layer": layer, "strength": strength, "outcomes": []}
    st.session_state[LAST] = last
    places = _frame(run, prompt, layer, strength, [column.name for column in columns])
    intent = intent_of(run, prompt)
    openers = run.summary["settings"]["openers"]
    # A stop raises out of this block at the next Streamlit call; closing then frees the model's lock and hooks.
    with closing(stream_outcomes(lens, prompt, columns, openers, max_new_tokens=limit)) as steps:
        for outcomes in steps:
            last["outcomes"] = outcomes
            _fill(places, outcomes, intent, writing=True)
    _fill(places, last["outcomes"], intent, writing=False)
    row = comparison_row(prompt, layer, strength, last["outcomes"])
    st.session_state[HISTORY] = [row, *st.session_state.get(HISTORY, [])][:KEPT]


def show_last(run: Analysis) -> None:
    """The last comparison of this session, if it belongs to this run."""
    last = st.session_state.get(LAST)
    if not last or last["run"] != run.run_id or not last["outcomes"]:
        st.info("Choose a prompt and a strength, then press Run. The model is loaded the first time.")
        return
    names = [outcome.name for outcome in last["outcomes"]]
    _fill(
        _frame(run, last["prompt"], last["layer"], last["strength"], names),
        last["outcomes"],
        intent_of(run, last["prompt"]),
        writing=False,
    )


def _frame(run: Analysis, prompt: str, layer: int, strength: float | None, names: Sequence[str]) -> list[Any]:
    """Headings and what each column is; returns the places of the replies."""
    st.subheader("Replies")
    st.code(state.shown(prompt, intent_of(run, prompt)), language=None, wrap_lines=True)
    places = []
    grid = st.grid(len(names), min_column_width=230, gap="medium")
    for name in names:
        with grid.cell():
            st.markdown(f"**{TITLES[name]}**")
            st.caption(column_text(name, layer, strength))
            places.append(st.empty())
    return places


def _fill(places: Sequence[Any], outcomes: Sequence[Outcome], intent: str, *, writing: bool) -> None:
    for place, outcome in zip(places, outcomes, strict=True):
        with place.container():
            st.code(state.shown(outcome.text, intent) or " ", language=None, wrap_lines=True)
            st.caption(f"{outcome.n_tokens} tokens" if writing else outcome_text(outcome))
