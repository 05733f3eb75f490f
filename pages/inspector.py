"""Prompt inspector: one prompt, where it lies, what the model does with it, and what it is read like."""

from __future__ import annotations

from typing import cast

import pandas as pd
import streamlit as st

from pages.parts import (
    compare_prompts,
    crossing_search,
    entry,
    errors,
    model,
    prompt_facts,
    prompt_picker,
    runs,
    state,
    token_heat,
    word_push,
)
from pages.parts.inspector_charts import margin_chart, margin_strip, ring_map
from rasslib.boundary.bands import class_bands
from rasslib.boundary.inspecting import Inspected, inspect_row, inspect_text, nearest_by_behaviour, place_on_pca
from rasslib.boundary.prompt_words import map_text, reply_text
from rasslib.boundary.run import Analysis

NEIGHBOURS = 6
TABS = ["Place and neighbours", "Every token", "Which word", "Compare", "Closest crossing"]


def main() -> None:
    """The page."""
    entry.through_app()
    st.title("Prompt inspector")
    st.caption("One prompt: where it lies on the boundary, what the model answered, and which prompts it is read like.")
    run = runs.current_run()
    picked = prompt_picker.pick_prompt(run, "inspector")
    if picked is None:
        st.stop()
    with errors.told():
        if picked.row is not None:
            prompt: Inspected | None = inspect_row(run, picked.row)
        else:
            prompt = _typed(run, picked.prompt)
        if prompt is None:
            st.stop()
        st.code(state.shown(prompt.prompt, prompt.intent), language=None, wrap_lines=True)
        prompt_facts.facts(run, prompt)
        _reply(run, prompt)
        layer = st.slider(
            "Layer of the map, the strip and the nearest prompts",
            0,
            run.n_layers - 1,
            run.layer,
            key=f"inspector-layer-{run.run_id}",
            help=f"Layer {run.layer} was chosen on validation prompts; margins quoted elsewhere are read there.",
        )
        place, tokens, words, compare, crossing = st.tabs(TABS)
        with place:
            _overview(run, prompt, layer)
        with tokens:
            token_heat.show(run, prompt, layer)
        with words:
            word_push.show(run, prompt)
        with compare:
            compare_prompts.show(run, prompt, layer)
        with crossing:
            crossing_search.show(run, prompt)


def _overview(run: Analysis, prompt: Inspected, layer: int) -> None:
    neighbours = nearest_by_behaviour(run, prompt, layer, NEIGHBOURS)
    grid = st.grid(2, min_column_width=440, gap="large")
    with grid.cell():
        _place(run, prompt, layer, [row for table in neighbours.values() for row in table["row"].tolist()])
    with grid.cell():
        _margins(run, prompt, layer)
    for behaviour, table in neighbours.items():
        _neighbours(layer, table, behaviour)
    st.caption(
        f"Cosine of the activations at layer {layer}, in all dimensions, with the mean of all prompts taken off: "
        "measured in the model, not on the map. Prompts without a judged reply are in neither table."
    )


def _typed(run: Analysis, text: str) -> Inspected | None:
    """A typed prompt, read by the model once and then kept in the session."""
    kept = st.session_state.get("inspector-typed")
    if kept is not None and kept[:2] == (run.run_id, text):
        return cast(Inspected, kept[2])
    name = errors.plain(str(run.summary["model"]["name"]))
    st.caption(f"The model {name} reads and answers it now; the first time it has to be loaded.")
    if not st.button("Inspect this prompt", type="primary"):
        return None
    lens = model.lens_for(run)
    with st.spinner("Reading and answering the prompt"):
        found = inspect_text(lens, run, text)
    st.session_state["inspector-typed"] = (run.run_id, text, found)
    return found


def _reply(run: Analysis, prompt: Inspected) -> None:
    st.subheader("Reply")
    if not prompt.behaviour:
        st.info(
            "The model has not answered this prompt yet: the run read it, but only to fit the axis. "
            "Type it in above to have it answered."
        )
        return
    st.code(state.shown(prompt.reply, prompt.intent) or "(empty)", language=None, wrap_lines=True)
    st.caption(errors.plain(reply_text(prompt, int(run.summary["settings"]["reply_tokens"]))))


def _place(run: Analysis, prompt: Inspected, layer: int, near: list[int]) -> None:
    st.subheader("Place on the map")
    method = st.segmented_control(
        "Map", ["UMAP", "PCA"], default="UMAP", required=True, key="inspector-map", persist_state="session"
    )
    with st.spinner("Drawing the map (the first UMAP takes about 20 seconds)"):
        projection = run.projection(layer, method.lower())
    own = None if prompt.row is not None else place_on_pca(run, prompt, layer, projection)
    figure = ring_map(run, projection, layer, prompt.row, own, near)
    st.plotly_chart(figure, width="stretch", key=f"inspector-map-{method}-{layer}")
    st.caption(map_text(prompt, projection, own is not None))
    st.plotly_chart(margin_strip(run, prompt, layer), width="stretch", key=f"inspector-strip-{layer}")
    st.caption(
        f"Margin of every held-out prompt at layer {layer}; 0 is the boundary. The line is this prompt "
        f"({prompt.margins[layer]:+.2f})."
    )


def _margins(run: Analysis, prompt: Inspected, layer: int) -> None:
    st.subheader("Margin by layer")
    bands = class_bands(run)
    st.plotly_chart(margin_chart(prompt.margins, bands, run.layer, layer), width="stretch", key="inspector-margins")
    shown = "; ".join(f"{band.intent}: n = {band.n}, {band.which}" for band in bands)
    st.caption(
        f"Line: this prompt. Bands: 10–90 % of each class ({shown}); dotted: their means. "
        "−1 and +1 are the class means of the train split, 0 is the boundary. "
        f"Layer i is the output of block i; layer {run.layer} is the chosen one. "
        "The margin is this project's reading of RASS (arXiv 2505.18325): a projection, not a safety verdict."
    )


def _neighbours(layer: int, neighbours: pd.DataFrame, behaviour: str) -> None:
    st.subheader(f"Nearest {behaviour} prompts")
    if neighbours.empty:
        st.caption(f"No other prompt of this run was {'refused' if behaviour == 'refused' else 'answered'}.")
        return
    st.dataframe(
        state.shown_table(neighbours),
        hide_index=True,
        width="stretch",
        column_order=["prompt", "cosine", "margin", "intent", "split"],
        column_config={
            "prompt": st.column_config.TextColumn("Prompt", width="large"),
            "cosine": st.column_config.NumberColumn("Cosine", format="%.3f"),
            "margin": st.column_config.NumberColumn(f"Margin at layer {layer}", format="%+.2f"),
            "intent": "Intent",
            "split": "Split",
        },
        key=f"inspector-neighbours-{behaviour}",
    )


main()
