"""Charts of one prompt: its ring on the map, its line in the margin strip, its margin by layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pages.parts import hover, state, theme
from rasslib.boundary.bands import ClassBand
from rasslib.boundary.findings import held_out
from rasslib.boundary.inspecting import Inspected
from rasslib.boundary.projection import Projection
from rasslib.boundary.run import Analysis

ACCENT = "#8B5CD6"  # the prompt itself: a colour no intent, behaviour or margin has
STRIP_ORDER = ("harmless", "borderline", "harmful")


def ring_map(
    run: Analysis,
    projection: Projection,
    layer: int,
    row: int | None,
    own: tuple[float, float] | None,
    near: Sequence[int],
) -> go.Figure:
    """The map coloured by margin; a large ring on the prompt, small rings on its nearest prompts."""
    xy, table = projection.xy, run.prompts
    figure = go.Figure(
        go.Scatter(
            x=xy[:, 0],
            y=xy[:, 1],
            mode="markers",
            marker={
                "size": 7,
                "color": run.margins[:, layer].astype(float),
                "cmin": -2,
                "cmid": 0,
                "cmax": 2,
                "colorscale": [list(stop) for stop in theme.MARGIN_SCALE],
                "colorbar": {"title": {"text": "margin"}, "thickness": 10, "len": 0.8},
                "opacity": 0.75,
            },
            text=[hover.hover_text(prompt) for prompt in state.shown_table(table)["prompt"]],
            hovertemplate="%{text}<br>margin %{marker.color:+.2f}<extra></extra>",
            name="prompts",
        )
    )
    figure.add_trace(_rings(xy[list(near)], 13, 1.5, "nearest prompts"))
    if row is not None:
        figure.add_trace(_rings(xy[[row]], 22, 3, "this prompt"))
    if own is not None:
        cross = {"symbol": "x-thin", "size": 16, "color": ACCENT, "line": {"width": 3, "color": ACCENT}}
        figure.add_trace(go.Scatter(x=[own[0]], y=[own[1]], mode="markers", marker=cross, name="this prompt"))
    bare = {"showticklabels": False, "title": None, "zeroline": False}
    return _plain(figure, 380).update_xaxes(**bare).update_yaxes(**bare)


def margin_strip(run: Analysis, prompt: Inspected, layer: int) -> go.Figure:
    """Margins of the held-out prompts by intent, one row each, with the prompt as a line."""
    figure = go.Figure()
    rows = held_out(run.prompts)
    for number, intent in enumerate(STRIP_ORDER):
        z = run.margins[(rows & (run.prompts["intent"] == intent)).to_numpy(), layer].astype(float)
        jitter = np.random.default_rng(0).uniform(-0.28, 0.28, len(z))
        figure.add_trace(
            go.Scatter(
                x=z,
                y=number + jitter,
                mode="markers",
                marker={"size": 5, "opacity": 0.6, "color": theme.INTENT_COLOURS[intent]},
                hovertemplate=f"{intent}, margin %{{x:+.2f}}<extra></extra>",
                name=intent,
            )
        )
    figure.add_vline(x=0, line={"width": 1, "dash": "dot", "color": theme.BOUNDARY_LINE})
    figure.add_vline(x=float(prompt.margins[layer]), line={"width": 2.5, "color": ACCENT})
    figure.update_yaxes(tickvals=list(range(len(STRIP_ORDER))), ticktext=list(STRIP_ORDER), showgrid=False)
    return _plain(figure, 170).update_xaxes(title="margin")


def margin_chart(margins: NDArray[np.float32], bands: Sequence[ClassBand], chosen: int, shown: int) -> go.Figure:
    """The prompt's margin at every layer, on the bands of both classes."""
    figure = go.Figure()
    for band in bands:
        x = list(range(len(band.mean)))
        colour = theme.INTENT_COLOURS[band.intent]
        figure.add_trace(
            go.Scatter(
                x=[*x, *x[::-1]],
                y=[*band.high, *band.low[::-1]],
                fill="toself",
                fillcolor=colour,
                opacity=0.22,
                line={"width": 0},
                hoverinfo="skip",
                name=f"{band.intent}, 10–90 %",
            )
        )
        line = {"width": 1.5, "dash": "dot", "color": colour}
        name = f"{band.intent}, mean"
        figure.add_trace(go.Scatter(x=x, y=band.mean, mode="lines", line=line, showlegend=False, name=name))
    layers = list(range(len(margins)))
    line = {"width": 3, "color": ACCENT}
    figure.add_trace(go.Scatter(x=layers, y=margins.astype(float), mode="lines+markers", line=line, name="this prompt"))
    figure.add_hline(y=0, line={"width": 1, "dash": "dot", "color": theme.BOUNDARY_LINE})
    for layer, dash in {shown: "dash", chosen: "solid"}.items():
        figure.add_vline(x=layer, line={"width": 1, "dash": dash, "color": theme.BOUNDARY_LINE})
    figure.update_layout(legend={"orientation": "h", "y": -0.2}, hovermode="x unified")
    figure.update_traces(hovertemplate="%{y:+.2f}", selector={"mode": "lines+markers"})
    return _plain(figure, 420, legend=True).update_xaxes(title="layer").update_yaxes(title="margin")


def _rings(xy: NDArray[np.float64], size: int, width: float, name: str) -> go.Scatter:
    marker = {"symbol": "circle-open", "size": size, "color": ACCENT, "line": {"width": width, "color": ACCENT}}
    return go.Scatter(x=xy[:, 0], y=xy[:, 1], mode="markers", marker=marker, hoverinfo="skip", name=name)


def _plain(figure: go.Figure, height: int, *, legend: bool = False) -> go.Figure:
    margin = {"l": 10, "r": 10, "t": 10, "b": 10}
    return figure.update_layout(height=height, margin=margin, showlegend=legend, dragmode=False)
