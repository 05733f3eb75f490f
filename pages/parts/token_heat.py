"""The heat map of one prompt: margin of every token at every layer."""

from __future__ import annotations

import html

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.parts import piece, theme
from rasslib.boundary.inspecting import Inspected
from rasslib.boundary.run import Analysis
from rasslib.boundary.token_margins import TokenMargins, token_margins

REACH = 3.0
LONGEST = 14
LABELS = 60


def show(run: Analysis, prompt: Inspected, layer: int) -> None:
    """The button, then the heat map."""
    st.caption("Where in the text, and from which layer on, does the model lean towards refusal?")
    if piece.hidden(prompt):
        return
    found = piece.on_button(
        "Read every token",
        "tokens",
        run,
        prompt,
        lambda lens: token_margins(lens, run, prompt.prompt),
        "Reading tokens",
    )
    if found is None:
        return
    only = st.toggle(
        "Only the prompt's own words",
        key="inspector-own-tokens",
        persist_state="session",
        help="Leaves out the tokens of the chat template before and after it.",
    )
    shown = found.own() if only else found
    st.plotly_chart(heat_figure(shown, run.layer, layer), width="stretch", key="inspector-heat")
    read = "" if shown.read < 0 else f" The framed column is the token the axis was fitted at ({run.position})."
    st.caption(
        "Colour: the token's projection, on the scale of the margin (0 is the boundary, cut at ±3). Away from the "
        "read position it is the same projection, not a calibrated margin, and the first token of a text is often "
        f"extreme in any model.{read} Solid line: layer {run.layer}, the chosen one; dashed: layer {layer} of the map. "
        "· is a space, ↵ a line break. The margin is this project's reading of RASS."
    )


def heat_figure(found: TokenMargins, chosen: int, shown: int) -> go.Figure:
    """Layers from bottom to top, tokens from left to right; token texts escaped."""
    texts = [html.escape(text) for text in found.tokens.texts]
    x = list(range(len(texts)))
    figure = go.Figure(
        go.Heatmap(
            z=found.z,
            x=x,
            y=list(range(len(found.z))),
            zmin=-REACH,
            zmax=REACH,
            colorscale=[list(stop) for stop in theme.MARGIN_SCALE],
            colorbar={"title": {"text": "margin"}, "thickness": 10},
            customdata=np.broadcast_to(np.array(texts, dtype=object), found.z.shape),
            hovertemplate="%{customdata}<br>layer %{y}, margin %{z:+.2f}<extra></extra>",
            hoverongaps=False,
        )
    )
    for layer, dash in {shown: "dash", chosen: "solid"}.items():
        figure.add_hline(y=layer, line={"width": 1.5, "dash": dash, "color": theme.BOUNDARY_LINE})
    if found.read >= 0:
        frame = {"color": theme.BOUNDARY_LINE, "width": 2}
        top = len(found.z) - 0.5
        figure.add_shape(type="rect", x0=found.read - 0.5, x1=found.read + 0.5, y0=-0.5, y1=top, line=frame)
    step = max(1, -(-len(x) // LABELS))
    ticks = x[::step]
    figure.update_xaxes(
        tickvals=ticks, ticktext=[_short(found.tokens.texts[i]) for i in ticks], tickangle=-60, showgrid=False
    )
    figure.update_yaxes(title="layer", showgrid=False)
    margin = {"l": 10, "r": 10, "t": 10, "b": 10}
    return figure.update_layout(height=min(640, 220 + 14 * len(found.z)), margin=margin, dragmode=False)


def _short(text: str) -> str:
    return html.escape(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
