"""The trade-off of arms: mean RR against mean ASR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from pages.parts import theme
from pages.parts.hover import hover_text
from rasslib.mitigation.compare_tables import interval_words, percent
from rasslib.mitigation.trade_off import ArmPoint, points

SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "pentagon", "triangle-down", "hexagon")
PLACES = ("top right", "bottom right", "top left", "bottom left")
"""Of names beside their points, in turn: arms that lie close to each other stay readable."""
NAMED = 4
"""More arms than this have no names beside their points and no filled ellipses; legend and pointer tell them."""
THEIR_SYMBOLS = {"untuned": "circle-open", "Alpaca": "square-open", "RT": "diamond-open"}


def figure(result: Mapping[str, Any], shape: str, theirs: bool) -> go.Figure | None:
    """The chart; None where no arm has both means.

    Args:
        result: A comparison.
        shape: ``ellipses`` or ``crosses``.
        theirs: Whether the published points are drawn too.
    """
    found = points(result)
    if not found:
        return None
    drawn = go.Figure()
    if theirs:
        _published(drawn, result["published"]["rows"])
    for number, point in enumerate(found):
        colour = theme.BOUNDARY_LINE if point.arm == "base" else theme.OTHERS[number % (len(theme.OTHERS) - 1)]
        # From the tenth arm on colours come again, with another symbol each.
        symbol = SYMBOLS[(number + number // (len(theme.OTHERS) - 1)) % len(SYMBOLS)]
        crowded = len(found) > NAMED and point.arm != "base"
        look = _Look(colour, "star" if point.arm == "base" else symbol, PLACES[number % len(PLACES)], crowded)
        _arm(drawn, point, look, shape)
    drawn.update_xaxes(title="mean RR, % (benign refused)", range=[-3, 103], zeroline=False)
    drawn.update_yaxes(title="mean ASR, % (harmful not refused)", range=[-3, 106], zeroline=False)
    return drawn.update_layout(
        height=480, margin={"l": 10, "r": 10, "t": 20, "b": 10}, legend={"orientation": "h", "y": -0.2}, showlegend=True
    )


@dataclass(frozen=True)
class _Look:
    colour: str
    symbol: str
    place: str
    crowded: bool


def _arm(drawn: go.Figure, point: ArmPoint, look: _Look, shape: str) -> None:
    colour = look.colour
    name = hover_text(point.arm, 40)
    xs, ys = point.ellipse() if shape == "ellipses" else ([], [])
    if xs:
        drawn.add_scatter(
            x=_percent(xs), y=_percent(ys), mode="lines", fill="none" if look.crowded else "toself",
            line={"color": colour, "width": 1}, opacity=0.6 if look.crowded else 0.35,
            showlegend=False, legendgroup=name, hoverinfo="skip",
        )  # fmt: skip
    bars: dict[str, Any] = {}
    if not xs:
        for axis, value, (low, high) in (
            ("error_x", point.rr, point.rr_limits),
            ("error_y", point.asr, point.asr_limits),
        ):
            bars[axis] = {
                "array": [100 * (high - value)],
                "arrayminus": [100 * (value - low)],
                "thickness": 1.3,
                "color": colour,
            }
    seeds = f", {point.seeds} seeds" if point.seeds > 1 else ""
    drawn.add_scatter(
        x=[100 * point.rr],
        y=[100 * point.asr],
        mode="markers" if look.crowded else "markers+text",
        text=[name],
        textposition=look.place,
        textfont={"color": colour},
        name=f"{name}{seeds}",
        legendgroup=name,
        marker={"color": colour, "size": 11, "symbol": look.symbol},
        hovertext=[
            f"{name}{seeds}<br>mean RR {interval_words(point.rr, point.rr_limits)}, n = {point.n[0]}"
            f"<br>mean ASR {interval_words(point.asr, point.asr_limits)}, n = {point.n[1]}"
        ],
        hoverinfo="text",
        **bars,
    )


def _published(drawn: go.Figure, rows: list[Mapping[str, Any]]) -> None:
    for benign, symbol in THEIR_SYMBOLS.items():
        part = [row for row in rows if row["benign"] == benign]
        if not part:
            continue
        drawn.add_scatter(
            x=[100 * row["mean_rr"] for row in part],
            y=[100 * row["mean_asr"] for row in part],
            mode="markers",
            name=f"theirs: {benign}",
            marker={
                "symbol": [f"{symbol}-dot" if row["prefill"] else symbol for row in part],
                "size": 9,
                "color": theme.BOUNDARY_LINE,
            },
            hovertext=[
                f"theirs, table {row['table']}: {hover_text(str(row['method']))}, {hover_text(str(row['model']))}, "
                f"{hover_text(benign)}<br>mean RR {percent(row['mean_rr'])}<br>mean ASR {percent(row['mean_asr'])}"
                + (" under prefill" if row["prefill"] else "")
                for row in part
            ],
            hoverinfo="text",
        )


def _percent(values: list[float]) -> list[float]:
    return [100 * value for value in values]
