"""Boundary map: all prompts of a run on a plane, and on the one axis on which the boundary is exact."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import charts, entry, errors, runs, state
from rasslib.boundary.run import Analysis
from rasslib.prompts import to_csv_bytes

VIEWS = ("UMAP", "PCA")
TABLE = ["prompt", "intent", "behaviour", "margin", "refusal_score", "overrefusal", "category", "split", "reply", "id"]


def main() -> None:
    """The page."""
    entry.through_app()
    st.title("Boundary map")
    run = runs.current_run()
    st.caption(
        errors.plain(f"{run.title}. Each point is a prompt, placed by the residual stream of the model at one layer.")
    )
    view, layer, colour = _choices(run)
    with errors.told():
        with st.spinner("Drawing the map (the first UMAP of a session takes about 20 seconds)"):
            projection = run.projection(layer, view.lower())
        table = charts.labelled(run.prompts).assign(
            x=projection.xy[:, 0], y=projection.xy[:, 1], margin=run.margins[:, layer].astype(float)
        )
    given = table[table["given"]]
    figure = charts.map_figure(
        state.shown_table(given), projection, charts.COLOURS[colour], projection.xy[~table["given"].to_numpy()], layer
    )
    # Another run, layer or view is another chart: it starts without the old selection.
    key = f"map-{run.run_id}-{layer}-{view}-{st.session_state.get('map-cleared', 0)}"
    event = st.plotly_chart(figure, key=key, on_select="rerun", selection_mode=("points", "box", "lasso"))
    st.caption(
        f"{errors.plain(projection.note)} 2-D distances are not meaningful; a projection, not a safety verdict. "
        "Symbols: diamond refused, circle complied, cross invalid, ring no reply yet."
    )
    _selection(run, given, charts.selected_ids(event))
    _strip(run, given, layer)


def _choices(run: Analysis) -> tuple[str, int, str]:
    left, right = st.columns(2)
    view = left.segmented_control("View", VIEWS, default="UMAP", required=True, key="view", persist_state="session")
    layer = st.slider(
        "Layer",
        0,
        run.n_layers - 1,
        run.layer,
        key=f"layer-{run.run_id}",
        persist_state="session",
        help=f"Layer {run.layer} was chosen on validation prompts. Layer i is the output of block i, counted from 0.",
    )
    colour = right.selectbox("Colour by", list(charts.COLOURS), key="colour", persist_state="session")
    return str(view), int(layer), str(colour)


def _selection(run: Analysis, given: pd.DataFrame, ids: list[str]) -> None:
    state.select_on_map(run.run_id, ids)
    chosen = given[given["id"].isin(ids)].sort_values("margin")
    st.subheader("Selection")
    if chosen.empty:
        st.info("Draw around points with the lasso or the box, or click one: the prompts are listed here.")
        return
    count, clear, download, _ = st.columns([2, 1, 1.4, 2], vertical_alignment="center")
    count.write(f"**{len(chosen)}** of {len(given)} prompts selected")
    if clear.button("Clear selection"):
        st.session_state["map-cleared"] = st.session_state.get("map-cleared", 0) + 1
        st.rerun()
    rows = chosen.drop(columns=["given", "fit"], errors="ignore")
    download.download_button(
        "Download as CSV",
        data=lambda: to_csv_bytes(rows),
        file_name="selection.csv",
        mime="text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
    st.dataframe(
        state.shown_table(chosen),
        hide_index=True,
        column_order=TABLE,
        column_config={
            "prompt": st.column_config.TextColumn("Prompt", width="large"),
            "margin": st.column_config.NumberColumn("Margin", format="%+.2f", help="At the layer of the map."),
            "refusal_score": st.column_config.NumberColumn("Refusal score", format="%+.2f"),
            "reply": st.column_config.TextColumn("Reply", width="medium"),
        },
    )
    st.page_link("pages/inspector.py", label="Look at one of them in the inspector", icon=":material/search:")


def _strip(run: Analysis, given: pd.DataFrame, layer: int) -> None:
    st.subheader("Margin, where the boundary is exact")
    held = given[given["split"] == "test"]
    st.plotly_chart(charts.strip_figure(held if len(held) else given, run.tau), key=f"strip-{run.run_id}-{layer}")
    which = f"{len(held)} held-out test prompts" if len(held) else f"{len(given)} prompts, none of them held out"
    inside = int((held["margin"].abs() <= run.tau).sum()) if len(held) else 0
    st.caption(
        f"{which} at layer {layer}. −1 and +1: means of harmless and harmful train "
        f"prompts; dashed: the boundary; shaded: the band, margin within ±{run.tau:g} "
        f"({inside} of the held-out prompts). Margin and band are this project's reading of RASS (arXiv 2505.18325)."
    )


main()
