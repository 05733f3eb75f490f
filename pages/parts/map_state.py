"""What the boundary map keeps in the session: the selection, pins, the layer in play, and the link."""

from __future__ import annotations

import zlib
from typing import Any

import streamlit as st

from pages.parts import state
from pages.parts.charts import COLOURS, selected_ids
from rasslib.boundary.map_link import NAMES, MapLink, from_query, to_query
from rasslib.boundary.run import Analysis

VIEW_NAMES = {"umap": "UMAP", "pca": "PCA", "axis": "Axis"}
VIEW, COLOUR, SEARCH, REGEX, CONTOURS = "view", "colour", "map-search", "map-regex", "map-contours"
SLICE, PLAYING, CHART = "map-slice", "map-playing", "map-chart"
_NEXT_LAYER, _RESTORED, _EPOCH, _PINS, _ROWS = "map-next-layer", "map-restored", "map-epoch", "map-pins", "map-rows"
_BASE, _SIGNATURE, _TAKEN = "map-base", "map-signature", "map-taken"
PINS_SHOWN = 20


def layer_key(run: Analysis) -> str:
    """Key of the layer's slider: another run may have other layers."""
    return f"layer-{run.run_id}"


def show_key(column: str) -> str:
    """Key of the filter of a column."""
    return f"map-show-{column}"


def restore(run: Analysis) -> None:
    """Before the first widget: take over the layer in play, and, once a session and run, the link."""
    session = st.session_state
    if (layer := session.pop(_NEXT_LAYER, None)) is not None:
        session[layer_key(run)] = layer
    if session.get(_RESTORED) == run.run_id:
        return
    session[_RESTORED] = run.run_id
    query = {name: st.query_params.get_all(name) for name in NAMES}
    if not any(query.values()):
        return
    link = from_query(query, run.n_layers, run.prompts["id"].tolist(), MapLink("umap", run.layer))
    session[VIEW] = VIEW_NAMES[link.view]
    session[layer_key(run)] = link.layer
    session[COLOUR] = next(name for name, column in COLOURS.items() if column == link.colour)
    session[SEARCH], session[REGEX], session[CONTOURS] = link.search, link.regex, link.contours
    session[show_key(filter_column(link.colour))] = list(link.show)
    session[SLICE] = link.slice
    select(run, list(link.selected), slice_name=link.slice)


def filter_column(colour: str) -> str:
    """The column whose values the filter above the map shows or hides."""
    return "behaviour" if colour in ("margin", "refusal_score") else colour


def write_link(link: MapLink) -> None:
    """Bring the address bar in line with what is seen."""
    query = to_query(link)
    for name in NAMES:
        wanted = query.get(name, [])
        values = [wanted] if isinstance(wanted, str) else wanted
        if st.query_params.get_all(name) == values:
            continue
        if values:
            st.query_params[name] = values
        else:
            st.query_params.pop(name, None)


def select(run: Analysis, ids: list[str], slice_name: str = "") -> None:
    """Make this the selection; the map is drawn anew with it."""
    state.select_on_map(run.run_id, ids)
    st.session_state[_EPOCH] = st.session_state.get(_EPOCH, 0) + 1
    st.session_state[SLICE] = slice_name


def chart_key(run: Analysis, parts: Any) -> tuple[str, list[str] | None]:
    """Key of the chart, and the selection to draw on it.

    A chart shows by itself what was just selected on it; drawing that as well would make it another chart and lose
    the zoom. Once anything else changes, the selection becomes part of the drawing.

    Args:
        run: The run.
        parts: All that the drawing depends on besides the selection.
    """
    session = st.session_state
    signature = f"{run.run_id}-{zlib.crc32(repr((parts, session.get(_EPOCH, 0))).encode()):08x}"
    if session.get(_SIGNATURE) != signature:
        session[_SIGNATURE] = signature
        session[_BASE] = state.selected_on_map(run.run_id)
        session[_TAKEN] = []
    session[CHART] = f"map-{signature}"
    return session[CHART], session[_BASE] or None


def take_selection(run: Analysis) -> None:
    """Make what is selected on the chart now the selection; before anything is drawn.

    An empty event counts only as the answer to one that was not: a chart that was just drawn has no selection.
    """
    session = st.session_state
    key = session.get(CHART)
    if key is None or str(session.get(_SIGNATURE, "")).rpartition("-")[0] != run.run_id:
        return
    ids = selected_ids(session.get(key))
    if ids != session.get(_TAKEN, []):
        session[_TAKEN] = ids
        session[SLICE] = ""
        state.select_on_map(run.run_id, ids)


def pins(run: Analysis) -> list[str]:
    """Ids of pinned prompts of this run, in the order of pinning."""
    return list(st.session_state.get(_PINS, {}).get(run.run_id, []))


def set_pins(run: Analysis, ids: list[str]) -> None:
    """Pin these, each once, at most 20."""
    st.session_state[_PINS] = st.session_state.get(_PINS, {}) | {run.run_id: list(dict.fromkeys(ids))[:PINS_SHOWN]}


def rows_key(ids: list[str]) -> str:
    """Key of the table: a table of other prompts starts without chosen rows."""
    return f"{_ROWS}-{zlib.crc32(' '.join(ids).encode('utf-8', 'surrogatepass')):08x}-{st.session_state.get(_EPOCH, 0)}"


def chosen_rows(ids: list[str]) -> list[str]:
    """Ids of the rows chosen in the table of these prompts."""
    event = st.session_state.get(rows_key(ids)) or {}
    rows = event.get("selection", {}).get("rows", [])
    return [ids[row] for row in rows if isinstance(row, int) and 0 <= row < len(ids)]


def play(run: Analysis, playing: bool) -> None:
    """Start (from the first layer, if at the last) or stop moving through the layers."""
    st.session_state[PLAYING] = playing
    if playing and st.session_state.get(layer_key(run)) == run.n_layers - 1:
        st.session_state[_NEXT_LAYER] = 0


def go_on(run: Analysis, layer: int) -> None:
    """While playing: the next layer on the next pass; at the last one it ends."""
    if layer + 1 >= run.n_layers:
        st.session_state[PLAYING] = False
    else:
        st.session_state[_NEXT_LAYER] = layer + 1
    st.rerun()
