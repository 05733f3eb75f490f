"""Charts of the boundary map: the scatter, and the strip on which the boundary is exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from pages.parts import theme
from pages.parts.hover import hover_text
from rasslib.boundary.projection import Projection

COLOURS = {
    "Intent": "intent",
    "Behaviour": "behaviour",
    "Margin": "margin",
    "Refusal score": "refusal_score",
    "Category": "category",
    "Language": "language",
    "Source": "source",
    "Overrefusal": "overrefusal",
}
NUMBERS = ("margin", "refusal_score")
KNOWN = {
    "intent": theme.INTENT_COLOURS,
    "behaviour": theme.BEHAVIOUR_COLOURS,
    "overrefusal": theme.YES_NO_COLOURS,
}


def selected_ids(event: Any) -> list[str]:
    """Ids of the selected points of a chart event, each once: points whose custom data begin with a text id.

    The custom data of a point are a list, a mapping with the key "0", or the bare value, by the shape of the figure.
    """
    found: dict[str, None] = {}
    for point in (event or {}).get("selection", {}).get("points", []):
        data = point.get("customdata")
        if isinstance(data, dict):
            data = data.get("0")
        elif isinstance(data, list | tuple):
            data = data[0] if data else None
        if isinstance(data, str):
            found[data] = None
    return list(found)


def labelled(table: pd.DataFrame) -> pd.DataFrame:
    """The table with words where the map needs them: no empty behaviour, yes and no for overrefusal."""
    return table.assign(
        behaviour=table["behaviour"].replace("", theme.NO_REPLY),
        overrefusal=np.where(table["overrefusal"], "yes", "no"),
        **{name: table[name].replace("", "(none)") for name in ("category", "source")},
    )


def map_figure(
    shown: pd.DataFrame, projection: Projection, colour: str, background: NDArray[np.float64], layer: int
) -> go.Figure:
    """The scatter.

    Args:
        shown: Prompts asked about, with ``x``, ``y``, ``margin`` at the layer, from :func:`labelled`.
        projection: Whose axes these are.
        colour: Column that colours.
        background: [m, 2] places of prompts that only the fit set holds.
        layer: Layer of the map.
    """
    figure = go.Figure()
    if len(background):
        marker = {"size": 4, "color": theme.BACKGROUND_POINT, "opacity": 0.45}
        figure.add_scatter(
            x=background[:, 0], y=background[:, 1], mode="markers", marker=marker, hoverinfo="skip", name="fit set only"
        )
    if colour in NUMBERS:
        for number, (behaviour, part) in enumerate(_groups(shown, "behaviour", theme.BEHAVIOUR_SYMBOLS)):
            figure.add_trace(_points(part, behaviour, _number_marker(shown, part, colour, number == 0)))
    else:
        values = sorted(shown[colour].astype(str).unique())
        for value, hue in theme.colours_of(values, KNOWN.get(colour, {})).items():
            figure.add_trace(_points(shown[shown[colour].astype(str) == value], value, {"color": hue}))
    name = projection.method.upper()
    shares = projection.explained
    titles = [f"{name} {k + 1}" + (f" ({shares[k]:.0%} of variance)" if shares else "") for k in range(2)]
    figure.update_layout(
        height=560,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": -0.12, "itemsizing": "constant"},
        dragmode="lasso",
        uirevision=f"{name}-{layer}",
    )
    figure.update_xaxes(title=titles[0], showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(title=titles[1], showticklabels=False, showgrid=False, zeroline=False)
    return figure


def strip_figure(shown: pd.DataFrame, tau: float) -> go.Figure:
    """Margins by intent: a histogram, the band shaded and the boundary at 0."""
    figure = go.Figure()
    low, high = float(shown["margin"].min()), float(shown["margin"].max())
    width = max((high - low) / 60, 1e-3)
    for intent, part in _groups(shown, "intent", theme.INTENT_COLOURS):
        figure.add_histogram(
            x=part["margin"],
            name=f"{intent} (n = {len(part)})",
            marker={"color": theme.INTENT_COLOURS[intent]},
            opacity=0.65,
            xbins={"start": low, "end": high + width, "size": width},
            hovertemplate="%{y} prompts, margin %{x}<extra>" + intent + "</extra>",
        )
    figure.add_vrect(x0=-tau, x1=tau, fillcolor=theme.BAND_FILL, line_width=0, layer="below")
    figure.add_vline(x=0, line={"dash": "dash", "width": 1.5, "color": theme.BOUNDARY_LINE})
    figure.update_layout(
        height=280,
        barmode="overlay",
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        legend={"orientation": "h", "y": -0.35},
    )
    figure.update_xaxes(title="margin", zeroline=False)
    figure.update_yaxes(title="prompts")
    return figure


def _groups(table: pd.DataFrame, column: str, order: dict[str, str]) -> list[tuple[str, pd.DataFrame]]:
    parts = [(name, table[table[column] == name]) for name in order]
    return [(name, part) for name, part in parts if len(part)]


def _number_marker(everything: pd.DataFrame, part: pd.DataFrame, column: str, bar: bool) -> dict[str, Any]:
    reach = float(np.nanmax(np.abs(everything[column]), initial=1e-9))
    return {
        "color": part[column],
        "colorscale": [list(stop) for stop in theme.MARGIN_SCALE],
        "cmin": -reach,
        "cmax": reach,  # symmetric, so that the middle colour is the boundary
        "showscale": bar,
        "colorbar": {"title": {"text": column.replace("_", " ")}, "thickness": 12},
    }


def _points(part: pd.DataFrame, name: str, marker: dict[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=part["x"],
        y=part["y"],
        mode="markers",
        name=f"{hover_text(name, 40)} ({len(part)})",
        customdata=[[prompt_id] for prompt_id in part["id"]],
        text=_hovers(part),
        hovertemplate="%{text}<extra></extra>",
        marker={
            "size": 8,
            "line": {"width": 0.6, "color": "rgba(90, 96, 105, 0.8)"},
            "symbol": [theme.BEHAVIOUR_SYMBOLS[behaviour] for behaviour in part["behaviour"]],
            **marker,
        },
        unselected={"marker": {"opacity": 0.15}},
    )


def _hovers(part: pd.DataFrame) -> Sequence[str]:
    return [
        f"{hover_text(str(row.prompt))}<br>{row.intent} · {row.behaviour} · margin {row.margin:+.2f}"
        for row in part.itertuples()
    ]
