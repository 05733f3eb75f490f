"""What the charts of the boundary map share, and the strip on which the boundary is exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pages.parts import theme

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
        **{name: table[name].replace("", "(none)") for name in ("category", "source", "language")},
    )


def strip_figure(shown: pd.DataFrame, tau: float) -> go.Figure:
    """Margins by intent: a histogram, the band shaded and the boundary at 0."""
    figure = go.Figure()
    known = shown.loc[np.isfinite(shown["margin"]), "margin"]
    low, high = (float(known.min()), float(known.max())) if len(known) else (-1.0, 1.0)
    width = max((high - low) / 60, 1e-3)
    for intent, part in groups_of(shown, "intent", theme.INTENT_COLOURS):
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


def groups_of(table: pd.DataFrame, column: str, order: dict[str, str]) -> list[tuple[str, pd.DataFrame]]:
    """The parts of a table by the value of a column, in a fixed order, empty ones left out."""
    parts = [(name, table[table[column] == name]) for name in order]
    return [(name, part) for name, part in parts if len(part)]
