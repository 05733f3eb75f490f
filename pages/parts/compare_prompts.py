"""Two prompts side by side: their words, their margins by layer, their scores and replies."""

from __future__ import annotations

from typing import cast

import plotly.graph_objects as go
import streamlit as st

from pages.parts import errors, prompt_facts, prompt_picker, shaded, state
from pages.parts.inspector_charts import ACCENT, margin_chart
from rasslib.boundary.bands import class_bands
from rasslib.boundary.comparing import word_difference
from rasslib.boundary.inspecting import Inspected, inspect_row, inspect_text
from rasslib.boundary.run import Analysis

OTHER = "#B8A90F"


def show(run: Analysis, prompt: Inspected, layer: int) -> None:
    """The other prompt's chooser, then both."""
    st.caption("Choose a second prompt, such as the same request with one word changed.")
    picked = prompt_picker.pick_prompt(run, "inspector-other")
    if picked is None:
        return
    other = inspect_row(run, picked.row) if picked.row is not None else _typed(run, picked.prompt)
    if other is None:
        return
    if (
        state.shown(prompt.prompt, prompt.intent) == prompt.prompt
        and state.shown(other.prompt, other.intent) == other.prompt
    ):
        differing = word_difference(prompt.prompt, other.prompt)
    else:
        differing = tuple([(state.shown(p.prompt, p.intent), False)] for p in (prompt, other))  # type: ignore[assignment]
    grid = st.grid(2, min_column_width=340, gap="large")
    for name, one, parts in zip(("This prompt", "The other prompt"), (prompt, other), differing, strict=True):
        with grid.cell():
            st.markdown(f"**{name}**")
            shaded.show(shaded.marked(parts))
            prompt_facts.facts(run, one)
    figure = two_margins(run, prompt, other, layer)
    st.plotly_chart(figure, width="stretch", key="inspector-compare-margins")
    st.caption(
        "Violet stretches are in one of the two prompts only. Violet line: this prompt; olive: the other; bands and "
        f"lines as in the chart of the first tab. Layer {run.layer} is the chosen one."
    )


def two_margins(run: Analysis, prompt: Inspected, other: Inspected, layer: int) -> go.Figure:
    """Margins of both at every layer, on the bands of both classes."""
    figure = margin_chart(prompt.margins, class_bands(run), run.layer, layer)
    line = {"width": 3, "color": OTHER, "dash": "dashdot"}
    layers = list(range(len(other.margins)))
    figure.add_trace(
        go.Scatter(
            x=layers,
            y=other.margins.astype(float),
            mode="lines+markers",
            line=line,
            marker={"symbol": "square", "color": OTHER},
            name="the other prompt",
            hovertemplate="%{y:+.2f}",
        )
    )
    figure.update_traces(line={"color": ACCENT}, selector={"name": "this prompt"})
    return figure


def _typed(run: Analysis, text: str) -> Inspected | None:
    """The second prompt, read once and kept in the session."""
    from pages.parts import model

    kept = st.session_state.get("inspector-other-typed")
    if kept is not None and kept[:2] == (run.run_id, text):
        return cast(Inspected, kept[2])
    if not st.button("Read the second prompt", type="primary"):
        return None
    found = None
    with errors.told(ends=False):
        lens = model.lens_for(run)
        with st.spinner("Reading and answering the second prompt"):
            found = inspect_text(lens, run, text)
        st.session_state["inspector-other-typed"] = (run.run_id, text, found)
    return found
