"""Charts of the boundary report (plotly), readable on a light and on a dark background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

COLOURS = {"harmful": "#D55E00", "borderline": "#E69F00", "harmless": "#2A86C8", "benign": "#009E73"}
SERIES = ("#2A86C8", "#D55E00", "#009E73", "#CC5A9B", "#E69F00", "#56B4E9", "#7A68C8", "#B8A90F", "#8A6D4B")
GREY = "#8A8F98"
BAND = "rgba(138, 143, 152, 0.18)"


def refusal_curve(report: Mapping[str, Any]) -> go.Figure:
    """Share refused against the calibrated margin, by intent, with Wilson intervals."""
    figure = go.Figure()
    for place, (name, curve) in enumerate((n, c) for n, c in report["curves"].items() if n != "benign"):
        bins = [b for b in curve["bins"] if b["n"]]
        figure.add_scatter(
            x=[(b["left"] + b["right"]) / 2 + 0.03 * (place - 1) for b in bins],
            y=[b["rate"] for b in bins],
            error_y={
                "array": [b["high"] - b["rate"] for b in bins],
                "arrayminus": [b["rate"] - b["low"] for b in bins],
                "thickness": 1,
            },
            customdata=[[b["refused"], b["n"]] for b in bins],
            hovertemplate="%{customdata[0]} of %{customdata[1]} refused<extra>" + name + "</extra>",
            name=f"{name} (n = {curve['n']})",
            mode="lines+markers",
            line={"color": COLOURS.get(name, GREY)},
        )
    figure.add_vrect(-report["tau"], report["tau"], fillcolor=BAND, line_width=0, layer="below")
    figure.add_vline(0, line={"dash": "dash", "color": GREY, "width": 1})
    return _plain(figure, "calibrated margin", "share refused").update_yaxes(range=[-0.02, 1.02], tickformat=".0%")


def reliability_chart(report: Mapping[str, Any]) -> go.Figure:
    """Predicted against observed share of refusals on held-out prompts; the diagonal is perfect."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dash", "color": GREY, "width": 1}, showlegend=False
    )
    found = {
        "one-pass predictor": (report["predictor"].get("all_intents") or {}).get("reliability"),
        "margin alone": report["calibration"].get("reliability"),
    }
    for (name, bins), colour in zip(found.items(), SERIES, strict=False):
        if not bins:
            continue
        figure.add_scatter(
            x=[b["mean_predicted"] for b in bins],
            y=[b["rate"] for b in bins],
            error_y={
                "array": [b["high"] - b["rate"] for b in bins],
                "arrayminus": [b["rate"] - b["low"] for b in bins],
                "thickness": 1,
            },
            customdata=[b["n"] for b in bins],
            hovertemplate="n = %{customdata}<extra>" + name + "</extra>",
            name=f"{name} (n = {sum(b['n'] for b in bins)})",
            mode="lines+markers",
            line={"color": colour},
        )
    figure = _plain(figure, "predicted probability of refusal", "share refused")
    return figure.update_xaxes(range=[-0.02, 1.02]).update_yaxes(range=[-0.02, 1.02])


def layer_chart(axes: Sequence[Mapping[str, Any]], position: str) -> go.Figure:
    """Validation AUC by layer of every axis and method at one read position."""
    figure = go.Figure()
    shown = [a for a in axes if a["position"] == position and a["auc_by_layer"]]
    for row, colour in zip(shown, SERIES * 2, strict=False):
        figure.add_scatter(
            y=row["auc_by_layer"], name=f"{row['axis']}, {row['method']}", mode="lines", line={"color": colour}
        )
        if row["layer"] is not None:
            figure.add_scatter(
                x=[row["layer"]],
                y=[row["auc_validation"]],
                mode="markers",
                marker={"color": colour, "size": 9, "symbol": "diamond"},
                showlegend=False,
                hovertemplate="chosen on validation: layer %{x}<extra></extra>",
            )
    return _plain(figure, "layer (output of block i)", "validation AUC")


def causal_chart(causal: Mapping[str, Any]) -> go.Figure:
    """Refusal score by layer: of harmful prompts under ablation, of harmless ones under addition; random controls."""
    figure = go.Figure()
    tried = [c for c in causal["candidates"] if c["effect"]]
    layers = [c["layer"] for c in tried]
    for key, name, colour in (
        ("bypass", "harmful, direction ablated", "#D55E00"),
        ("induce", "harmless, direction added", "#2A86C8"),
    ):
        figure.add_scatter(
            x=layers, y=[c["effect"][key] for c in tried], name=name, mode="lines+markers", line={"color": colour}
        )
    control = causal["control_bypass"]
    if control:
        figure.add_hrect(control["low"], control["high"], fillcolor="#D55E00", opacity=0.15, line_width=0)
    spread = [(c["layer"], c["control_induce"]) for c in tried if c["control_induce"]]
    if spread:
        figure.add_scatter(
            x=[layer for layer, _ in spread],
            y=[s["mean"] for _, s in spread],
            error_y={
                "array": [s["high"] - s["mean"] for _, s in spread],
                "arrayminus": [s["mean"] - s["low"] for _, s in spread],
            },
            mode="markers",
            name="harmless, random direction added (min to max)",
            marker={"color": GREY, "symbol": "x"},
        )
    for kind in ("harmful", "harmless"):
        dots = {"dash": "dot", "color": GREY, "width": 1}
        figure.add_hline(causal[f"base_{kind}"], line=dots, annotation_text=f"{kind}, unchanged")
    if causal["layer"] is not None:
        figure.add_vline(causal["layer"], line={"color": GREY, "width": 1})
    return _plain(figure, "layer", "mean refusal score")


def cosine_chart(cosines: Mapping[str, Any]) -> go.Figure:
    """Cosines between axes and methods at one layer."""
    figure = go.Figure(
        go.Heatmap(
            z=cosines["between_axes"],
            x=cosines["names"],
            y=cosines["names"],
            zmin=-1,
            zmax=1,
            colorscale=[[0, "#1F6FB2"], [0.5, "#E8E8E8"], [1, "#C24E00"]],
            texttemplate="%{z:.2f}",
            colorbar={"title": "cosine"},
        )
    )
    return _plain(figure, None, None).update_yaxes(autorange="reversed")


def _plain(figure: go.Figure, x: str | None, y: str | None) -> go.Figure:
    return figure.update_layout(
        xaxis_title=x,
        yaxis_title=y,
        height=380,
        margin={"l": 10, "r": 10, "t": 24, "b": 10},
        legend={"orientation": "h", "y": -0.25},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
