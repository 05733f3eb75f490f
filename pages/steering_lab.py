"""Steering lab: one prompt, answered with and without a push along the refusal direction."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import entry, errors, prompt_picker, runs, steering_columns
from rasslib.boundary.run import Analysis
from rasslib.steering.controlling import direction_at, known_layer
from rasslib.steering.lab_words import layer_text, size_text

ADD, ABLATE = "Add", "Ablate"
HISTORY = "lab-history"


def main() -> None:
    """The page."""
    entry.through_app()
    st.title("Steering lab")
    st.caption(
        "Push one prompt along the refusal direction and watch the reply change. The same push with a random direction "
        "of the same norm shows what any push would do."
    )
    run = runs.current_run()
    picked = prompt_picker.pick_prompt(run, "lab")
    strength, layer, control, limit = _settings(run)
    row = st.container(horizontal=True)
    pressed = row.button("Run", type="primary", disabled=picked is None, width=120)
    stop_place = row.empty()
    with errors.told():
        if pressed and picked is not None:
            with stop_place:
                st.button("Stop", key="lab-stop", help="Stops after the current token and keeps the text so far.")
            steering_columns.run_columns(run, picked.prompt, layer, strength, 0 if control else None, limit)
            st.rerun()  # the layer is known now, and what is shown about it
        else:
            steering_columns.show_last(run)
    _history()


def _settings(run: Analysis) -> tuple[float | None, int | None, bool, int]:
    """Strength (None: ablate), layer (None: the controlling one), whether the control runs too, limit in tokens."""
    known = known_layer(run)
    grid = st.grid(3, min_column_width=230, gap="large")
    mode_place, strength_place, other = (grid.cell() for _ in range(3))
    with other:
        layer = st.selectbox(
            "Layer",
            [None, *range(run.n_layers)],
            format_func=lambda i: layer_text(i, known.layer if known else None, run.layer),
            key="lab-layer",
            help="Where the direction is from, and where it is added. The layer that reads refusal best need not be "
            "the one that controls it, so the best readers are tried out on validation prompts once.",
        )
        limit = st.number_input("Token limit", 8, 512, 48, 8, key="lab-limit", persist_state="session")
    number = layer if layer is not None else known.layer if known else run.layer
    with mode_place:
        mode = st.segmented_control(
            "Mode",
            [ADD, ABLATE],
            default=ADD,
            required=True,
            key="lab-mode",
            persist_state="session",
            help="Add: push along the direction at one layer. Ablate: take the direction out everywhere.",
        )
        control = st.toggle("Random control", value=True, key="lab-control", persist_state="session")
    with strength_place:
        strength = st.slider(
            "Strength, in class gaps",
            -2.0,
            2.0,
            -1.0,
            0.1,
            key="lab-strength",
            persist_state="session",
            disabled=mode == ABLATE,
            help="1 adds the whole difference of the class means: it moves the margin by 2, from the harmless "
            "mean to the harmful one.",
        )
        if mode == ABLATE:
            st.caption("Takes out the component along the direction at every layer; there is no strength to choose.")
        else:
            st.caption(size_text(number, *_direction(run.run_id, number, run), strength))
    if layer is None:
        st.caption(known.reason if known else "The first run tries out which layer controls refusal (under a minute).")
    return (strength if mode == ADD else None), layer, control, int(limit)


@st.cache_data(show_spinner=False, max_entries=64)
def _direction(run_id: str, layer: int, _run: Analysis) -> tuple[float, float]:  # noqa: ARG001 (names the run)
    """Gap of the class means at a layer, and mean norm of the residual stream."""
    direction, norm = direction_at(_run, layer)
    return direction.gap, norm


def _history() -> None:
    rows = st.session_state.get(HISTORY, [])
    st.subheader("Comparisons of this session")
    if not rows:
        st.caption("Each finished run is kept here as one line, until you close this browser tab.")
        return
    scores = {
        f"{name} score": st.column_config.NumberColumn(f"{name} score", format="%+.2f")
        for name in ("baseline", "steered", "control")
    }
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        column_config={"prompt": st.column_config.TextColumn("prompt", width="medium"), **scores},
        key="lab-history-table",
    )
    st.caption("One prompt and one greedy reply each: examples, not a rate. Score: refusal score, 0 means p = 1/2.")
    if st.button("Clear comparisons"):
        st.session_state[HISTORY] = []
        st.rerun()


main()
