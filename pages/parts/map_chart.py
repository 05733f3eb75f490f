"""The scatter of the boundary map."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from pages.parts import theme
from pages.parts.charts import KNOWN, groups_of
from pages.parts.hover import hover_text
from rasslib.boundary.map_link import NUMBERS
from rasslib.boundary.maps import MapView

MANY = 3000
"""From here on points are drawn by WebGL."""
DIM = 0.13


@dataclass(frozen=True)
class Marks:
    """What is marked on the map.

    Attributes:
        bright: Ids that stay as they are while others are greyed; None greys nothing.
        rings: Ids of rows chosen in the table.
        pins: Labels of pinned prompts by id.
    """

    bright: Collection[str] | None = None
    rings: Collection[str] = ()
    pins: Mapping[str, str] = field(default_factory=dict)


def map_figure(
    shown: pd.DataFrame,
    view: MapView,
    colour: str,
    background: NDArray[np.float64],
    *,
    tau: float,
    marks: Marks = Marks(),
    contours: bool = False,
) -> go.Figure:
    """The scatter.

    Args:
        shown: Prompts drawn, with ``x``, ``y``, ``margin`` at the layer, from :func:`pages.parts.charts.labelled`.
        view: Whose axes these are.
        colour: Column that colours.
        background: [m, 2] places of prompts that only the fit set holds.
        tau: Half-width of the band.
        marks: What is marked.
        contours: Also draw the density of the prompts.
    """
    figure = go.Figure()
    kind = go.Scattergl if len(shown) + len(background) > MANY else go.Scatter
    if len(background):
        marker = {"size": 4, "color": theme.BACKGROUND_POINT, "opacity": 0.35}
        figure.add_trace(
            kind(
                x=background[:, 0],
                y=background[:, 1],
                mode="markers",
                marker=marker,
                hoverinfo="skip",
                name=f"fit set only ({len(background):,})",
            )
        )
    if contours and len(shown) > 2:
        figure.add_trace(_density(shown))
    if colour in NUMBERS:
        for number, (behaviour, part) in enumerate(groups_of(shown, "behaviour", theme.BEHAVIOUR_SYMBOLS)):
            figure.add_trace(_points(kind, part, behaviour, _number_marker(shown, part, colour, number == 0), marks))
    else:
        values = sorted(shown[colour].astype(str).unique())
        for value, hue in theme.colours_of(values, KNOWN.get(colour, {})).items():
            figure.add_trace(_points(kind, shown[shown[colour].astype(str) == value], value, {"color": hue}, marks))
    _add_rings(figure, shown, marks)
    _add_boundary(figure, shown, background, view, tau)
    figure.update_layout(
        height=580,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        # The filter above the map hides values, so that the counts stay true: the legend itself only explains.
        legend={"orientation": "h", "y": -0.16, "itemsizing": "constant", "itemclick": False, "itemdoubleclick": False},
        dragmode="lasso",
        hoverlabel={"align": "left"},
    )
    exact = view.view == "axis"
    figure.update_xaxes(title=view.titles[0], showticklabels=exact, showgrid=False, zeroline=False)
    figure.update_yaxes(title=view.titles[1], showticklabels=False, showgrid=False, zeroline=False)
    return figure


def _points(kind: Any, part: pd.DataFrame, name: str, marker: dict[str, Any], marks: Marks) -> Any:
    many = len(part) >= MANY
    opacity: Any = 0.6 if many else 0.9
    if marks.bright is not None:
        opacity = np.where(part["id"].isin(marks.bright), 0.95, DIM).tolist()
    return kind(
        x=part["x"],
        y=part["y"],
        mode="markers",
        name=f"{hover_text(name, 40)} ({len(part):,})",
        customdata=[[prompt_id] for prompt_id in part["id"]],
        text=_hovers(part),
        hovertemplate="%{text}<extra></extra>",
        marker={
            "size": 5 if many else 8,
            "line": {"width": 0 if many else 0.6, "color": theme.POINT_EDGE},
            "symbol": [theme.BEHAVIOUR_SYMBOLS[behaviour] for behaviour in part["behaviour"]],
            "opacity": opacity,
            **marker,
        },
        selected={"marker": {"opacity": 0.95}},
        unselected={"marker": {"opacity": DIM}},
    )


def _number_marker(everything: pd.DataFrame, part: pd.DataFrame, column: str, bar: bool) -> dict[str, Any]:
    values = everything[column].to_numpy(dtype=np.float64)
    reach = float(np.max(np.abs(values[np.isfinite(values)]), initial=1e-9))
    return {
        "color": part[column],
        "colorscale": [list(stop) for stop in theme.MARGIN_SCALE],
        "cmin": -reach,
        "cmax": reach,  # symmetric, so that the middle colour is the boundary
        "showscale": bar,
        "colorbar": {"title": {"text": column.replace("_", " ")}, "thickness": 12},
    }


def _density(shown: pd.DataFrame) -> go.Histogram2dContour:
    return go.Histogram2dContour(
        x=shown["x"],
        y=shown["y"],
        ncontours=8,
        nbinsx=30,
        nbinsy=30,
        contours={"coloring": "none"},
        line={"color": theme.BOUNDARY_LINE, "width": 1, "smoothing": 1.2},
        showscale=False,
        hoverinfo="skip",
        name="density",
        showlegend=False,
    )


def _add_rings(figure: go.Figure, shown: pd.DataFrame, marks: Marks) -> None:
    for ids, name, hue, size in (
        (set(marks.rings), "chosen in the table", theme.RING, 16),
        (set(marks.pins), "pinned", theme.PIN, 20),
    ):
        part = shown[shown["id"].isin(ids)]
        if part.empty:
            continue
        # No custom data and no hover: a click goes through to the point inside.
        figure.add_scatter(
            x=part["x"],
            y=part["y"],
            mode="markers",
            name=f"{name} ({len(part)})",
            hoverinfo="skip",
            marker={"symbol": "circle-open", "size": size, "color": hue, "line": {"width": 2.5, "color": hue}},
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
        for row in part.itertuples():
            if row.id in marks.pins and name == "pinned":
                figure.add_annotation(
                    x=row.x,
                    y=row.y,
                    text=marks.pins[str(row.id)],
                    showarrow=True,
                    arrowhead=0,
                    arrowcolor=theme.PIN,
                    ax=28,
                    ay=-28,
                    bgcolor=theme.LABEL_FILL,
                    bordercolor=theme.PIN,
                    font={"color": theme.LABEL_TEXT, "size": 12},
                )


def _add_boundary(
    figure: go.Figure, shown: pd.DataFrame, background: NDArray[np.float64], view: MapView, tau: float
) -> None:
    dashed = {"dash": "dash", "width": 2, "color": theme.BOUNDARY_LINE}
    if view.view == "axis":
        figure.add_vrect(x0=-tau, x1=tau, fillcolor=theme.BAND_FILL, line_width=0, layer="below")
        figure.add_vline(x=0, line=dashed)
        return
    places = np.concatenate([shown[["x", "y"]].to_numpy(dtype=np.float64), background])
    if view.line is None or not len(places):
        return
    low, high = places.min(axis=0), places.max(axis=0)
    room = 0.05 * np.maximum(high - low, 1e-9)
    found = view.line.segment(tuple(low - room), tuple(high + room))
    if found is not None:
        (x0, y0), (x1, y1) = found
        figure.add_shape(type="line", x0=x0, y0=y0, x1=x1, y1=y1, line=dashed, name="boundary")


def _hovers(part: pd.DataFrame) -> list[str]:
    return [
        f"{_wrapped(str(row['prompt']))}<br>{row['intent']} · {row['behaviour']} · margin "
        + (f"{row['margin']:+.2f}" if np.isfinite(row["margin"]) else "unknown")
        for row in part[["prompt", "intent", "behaviour", "margin"]].to_dict("records")
    ]


@lru_cache(maxsize=30_000)
def _wrapped(prompt: str) -> str:
    return hover_text(prompt, 160)
