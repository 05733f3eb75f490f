"""Charts of the trigger page: lexicon bars, rates by level, nearness to triggers, causal swaps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.parts import theme
from pages.parts.hover import hover_text
from rasslib.refusal.rates import Rate
from rasslib.triggers.evidence import Behavioural, Causal, Nearness
from rasslib.triggers.lexicon import Entry

CUE, PLAIN, CONTROL = theme.INTENT_COLOURS["borderline"], theme.INTENT_COLOURS["harmful"], theme.BACKGROUND_POINT
_MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
_TICK = 40


def lexicon_bars(entries: Sequence[Entry]) -> go.Figure:
    """Mean change of the refusal score by phrase with its interval, the strongest on top."""
    figure = go.Figure()
    names = [_tick(one.phrase, number) for number, one in enumerate(entries, 1)]
    for label, cue, colour in (("moves refusal alone (benign cue)", True, CUE), ("other phrases", False, PLAIN)):
        chosen = [(name, one) for name, one in zip(names, entries, strict=True) if one.benign_cue is cue]
        if not chosen:
            continue
        change = np.array([one.change for _, one in chosen])
        figure.add_bar(
            orientation="h",
            y=[name for name, _ in chosen],
            x=change,
            name=f"{label} (n = {len(chosen)})",
            marker={"color": colour},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": np.array([one.high for _, one in chosen]) - change,
                "arrayminus": change - np.array([one.low for _, one in chosen]),
            },
            customdata=[
                f"{hover_text(one.phrase)}<br>{one.change:+.2f} ({one.low:+.2f} … {one.high:+.2f}), measured on "
                f"{one.measured} of {one.n} prompts<br>{one.harmful} harmful, {one.benign} benign"
                for _, one in chosen
            ],
            hovertemplate="%{customdata}<extra></extra>",
        )
    figure.update_layout(
        height=110 + 22 * len(entries),
        margin=_MARGIN,
        bargap=0.25,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], title=None)
    return figure.update_xaxes(title="change of the refusal score (log-odds)")


def level_rates(found: Behavioural) -> go.Figure:
    """Refusal rate by level, one line an arm, with Wilson intervals; the harmful prompts beside them."""
    names = ["harmful prompt", "trigger", "level 1", "level 2", "level 3"]
    figure = go.Figure()
    for number, arm in enumerate(found.arms):
        rates = (arm.harmful, *arm.levels)
        _rates(figure, names[: len(rates)], rates, hover_text(arm.name, 60), theme.OTHERS[number % len(theme.OTHERS)])
    return _percent(figure)


def nearness_boxes(rows: Sequence[Nearness]) -> go.Figure:
    """Box plots of nearness by k: refused against answered, from the quartiles."""
    figure = go.Figure()
    for behaviour, field in (("refused", "refused"), ("complied", "answered")):
        boxes = [getattr(row, field) for row in rows]
        figure.add_box(
            x=[f"k = {row.k}" for row in rows],
            lowerfence=[box.low for box in boxes],
            q1=[box.q1 for box in boxes],
            median=[box.median for box in boxes],
            q3=[box.q3 for box in boxes],
            upperfence=[box.high for box in boxes],
            name=f"{field} (n = {boxes[0].n if boxes else 0})",
            marker={"color": theme.BEHAVIOUR_COLOURS[behaviour]},
            boxpoints=False,
        )
    figure.update_layout(height=380, boxmode="group", margin=_MARGIN, legend={"orientation": "h", "y": -0.15})
    return figure.update_yaxes(title="mean cosine of the k nearest")


def swap_rates(found: Causal) -> go.Figure:
    """Refusal rates before, after, and in the control, of what was put in and what was taken out."""
    figure = go.Figure()
    colours = (theme.BACKGROUND_POINT, theme.BEHAVIOUR_COLOURS["refused"], theme.INTENT_COLOURS["harmless"])
    swaps = [swap for swap in (found.insertion, found.removal) if swap is not None]
    for (name, field), colour in zip(
        (("before", "before"), ("trigger", "after"), ("phrase without effect", "control")), colours, strict=True
    ):
        _rates(figure, [swap.kind for swap in swaps], [getattr(swap, field) for swap in swaps], name, colour)
    return _percent(figure)


def _rates(figure: go.Figure, names: Sequence[str], rates: Sequence[Rate], label: str, colour: str) -> None:
    share = 100 * np.array([rate.rate for rate in rates])
    figure.add_bar(
        x=list(names),
        y=share,
        name=label,
        marker={"color": colour},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": 100 * np.array([rate.high for rate in rates]) - share,
            "arrayminus": share - 100 * np.array([rate.low for rate in rates]),
        },
        customdata=[f"{rate.refused} of {rate.n}" for rate in rates],
        hovertemplate="%{x}: %{y:.0f} %, %{customdata}<extra></extra>",
    )


def _percent(figure: go.Figure) -> go.Figure:
    figure.update_layout(height=360, barmode="group", margin=_MARGIN, legend={"orientation": "h", "y": -0.15})
    return figure.update_yaxes(title="% refused", range=[0, 105])


def _tick(phrase: str, number: int) -> str:
    """A label that is unique, since two long phrases may begin alike, and that holds no tag of its own."""
    return f"{number}. {hover_text(phrase, _TICK, _TICK * 2)}"
