"""Charts of a training: loss, reward, refusal rates on validation prompts."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from pages.parts import theme
from rasslib.mitigation.curves import Curves
from rasslib.mitigation.jobs.asks import TrainAsk
from rasslib.mitigation.jobs.job import Job


def show(curves: Curves, method: str, key: str) -> None:
    """Both charts side by side; nothing where nothing was told yet.

    Args:
        curves: What was told.
        method: How it is trained, which says what the loss is.
        key: Of the charts.
    """
    if curves.empty:
        st.caption("Loss and refusal rates appear here with the first steps.")
        return
    grid = st.grid(2, min_column_width=320)
    with grid.cell():
        st.plotly_chart(loss_chart(curves, method), key=f"{key}-loss")
    with grid.cell():
        if curves.rates:
            st.plotly_chart(rates_chart(curves), key=f"{key}-rates")
            st.caption("Validation prompts, 95 % Wilson intervals; few prompts, so the intervals are wide.")
        else:
            st.caption("Refusal rates on validation prompts appear here when they are first measured.")
    if curves.no_signal:
        st.caption("Without signal: prompts whose replies all earned the same reward, so nothing was learnt from them.")


def method_of(job: Job) -> str:
    """How a job trains."""
    return job.ask.settings.method if isinstance(job.ask, TrainAsk) else ""


def loss_chart(curves: Curves, method: str) -> go.Figure:
    """Loss by step; with GRPO mean reward and the share of prompts without signal instead: its loss tells little."""
    figure = go.Figure()
    shown = (
        ("loss", () if curves.reward else curves.loss, theme.OTHERS[0], "solid"),
        ("mean reward", curves.reward, theme.OTHERS[2], "solid"),
        ("without signal", curves.no_signal, theme.OTHERS[1], "dot"),
    )
    for name, values, colour, dash in shown:
        if values:
            figure.add_scatter(
                x=[step for step, _ in values],
                y=[value for _, value in values],
                name=name,
                mode="lines+markers",
                line={"color": colour, "dash": dash},
                marker={"size": 4},
                hovertemplate=f"step %{{x}}: {name} %{{y:.3f}}<extra></extra>",
            )
    figure.update_xaxes(title="step")
    words = {"dpo": "loss, −log σ per pair", "grpo": "share of 1"}
    figure.update_yaxes(title=words.get(method, "loss, nats per reply token"))
    return _sized(figure)


def rates_chart(curves: Curves) -> go.Figure:
    """Share of validation prompts refused, by intent."""
    figure = go.Figure()
    for intent, colour in theme.INTENT_COLOURS.items():
        found = curves.of(intent)
        if not found:
            continue
        figure.add_scatter(
            x=[step for step, _ in found],
            y=[100 * one["rate"] for _, one in found],
            error_y={
                "array": [100 * (one["high"] - one["rate"]) for _, one in found],
                "arrayminus": [100 * (one["rate"] - one["low"]) for _, one in found],
                "thickness": 1,
            },
            name=f"{intent} (n = {max(one['n'] for _, one in found)})",
            mode="lines+markers",
            line={"color": colour, "dash": theme.INTENT_DASHES[intent]},
            marker={"symbol": theme.INTENT_SYMBOLS[intent], "size": 7},
            hovertemplate="step %{x}: %{y:.0f} % refused<extra>" + intent + "</extra>",
        )
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="refused, %", range=[-3, 103])
    return _sized(figure)


def _sized(figure: go.Figure) -> go.Figure:
    return figure.update_layout(
        height=320, margin={"l": 10, "r": 10, "t": 20, "b": 10}, legend={"orientation": "h", "y": -0.3}, showlegend=True
    )
