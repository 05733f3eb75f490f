"""Charts of a study of languages (plotly), readable on a light and on a dark background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from rasslib.benchmarks.language_tables import BASES, RANDOM, change, marked_names
from rasslib.benchmarks.languages import FIT, name_of

COLOURS = {"harmful": "#D55E00", "borderline": "#E69F00", "harmless": "#2A86C8"}
GREY = "#8A8F98"
SHARES = ((0.0, "#C24E00"), (0.5, "#C8C8C8"), (1.0, "#1F6FB2"))
"""AUC: grey at a coin toss, blue where the axis tells the classes apart, orange where it is turned round."""


def rates_chart(study: Mapping[str, Any]) -> go.Figure:
    """Rate of refusal by language and intent with Wilson intervals; languages that cannot be judged are marked."""
    figure, names = go.Figure(), marked_names(study)
    for intent, colour in COLOURS.items():
        rows = [(one, one["rates"][intent]) for one in study["languages"] if one["rates"].get(intent, {}).get("n")]
        if not rows:
            continue
        figure.add_bar(
            x=[names[one["language"]] for one, _ in rows],
            y=[rate["rate"] for _, rate in rows],
            error_y={
                "array": [rate["high"] - rate["rate"] for _, rate in rows],
                "arrayminus": [rate["rate"] - rate["low"] for _, rate in rows],
                "thickness": 1.2,
            },
            customdata=[[rate["refused"], rate["n"], rate["invalid"]] for _, rate in rows],
            hovertemplate="%{customdata[0]} of %{customdata[1]} refused, %{customdata[2]} invalid<extra>"
            + intent
            + "</extra>",
            marker={"color": colour, "opacity": [1.0 if one["verdict"] == FIT else 0.35 for one, _ in rows]},
            name=intent,
        )
    figure.update_layout(barmode="group", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})
    figure.update_yaxes(title="share refused", range=[0, 1.02], tickformat=".0%")
    return _plain(figure, 380)


def transfer_chart(study: Mapping[str, Any], measure: str) -> go.Figure:
    """AUC of the axis of each language (rows) in each language (columns); hovers give interval and counts."""
    cells = {(cell["source"], cell["target"]): cell for cell in study["transfer"]["cells"][measure]}
    names = marked_names(study)
    sources = list(dict.fromkeys(source for source, _ in cells))
    targets = list(dict.fromkeys(target for _, target in cells))
    values = [[_auc(cells.get((source, target)), "value") for target in targets] for source in sources]
    hovers = [[_told(cells.get((source, target))) for target in targets] for source in sources]
    return _matrix(
        values,
        hovers,
        [names.get(source, name_of(source)) if source else RANDOM for source in sources],
        [names.get(target, name_of(target)) for target in targets],
        {"zmin": 0.0, "zmax": 1.0, "colorscale": [list(stop) for stop in SHARES], "colorbar": {"title": "AUC"}},
        ".2f",
    )


def causal_chart(study: Mapping[str, Any], effect: str) -> go.Figure:
    """Change of the refusal score by the axis of each language (rows) in each language (columns).

    Args:
        study: With causal effects.
        effect: ``bypass`` (harmful prompts, direction ablated) or ``induce`` (harmless prompts, direction added).
    """
    targets = study["transfer"]["causal"]["targets"]
    sources = list(dict.fromkeys(cell["source"] for target in targets for cell in target["cells"]))
    base, named = BASES[effect], marked_names(study)
    values: list[list[float | None]] = []
    hovers: list[list[str]] = []
    for source in sources:
        row, told = [], []
        for target in targets:
            cell = next((one for one in target["cells"] if one["source"] == source), {"effect": None})
            found = change(cell["effect"], effect, target[base])
            row.append(None if found is None else found["change"])
            told.append(_effect(target, cell, effect, base, found))
        values.append(row)
        hovers.append(told)
    reach = max((abs(v) for row in values for v in row if v is not None), default=1.0) or 1.0
    colours = {
        "zmin": -reach,
        "zmax": reach,
        "colorscale": [list(stop) for stop in reversed([(1 - at, hue) for at, hue in SHARES])],
        "colorbar": {"title": "log-odds"},
    }
    columns = [named.get(target["target"], name_of(target["target"])) for target in targets]
    rows = [named.get(source, name_of(source)) for source in sources]
    return _matrix(values, hovers, rows, columns, colours, "+.1f")


def _effect(
    target: Mapping[str, Any], cell: Mapping[str, Any], effect: str, base: str, found: Mapping[str, Any] | None
) -> str:
    if found is None:
        return "no effect could be measured"
    text = f"refusal score {target[base]:+.2f} → {target[base] + found['change']:+.2f}"
    if found["low"] is not None:
        text += f"<br>change {found['change']:+.2f} ({found['low']:+.2f} to {found['high']:+.2f})"
    control = target["control_bypass"] if effect == "bypass" else cell.get("control_induce")
    if control:
        text += f"<br>random directions: {control['low'] - target[base]:+.2f} to {control['high'] - target[base]:+.2f}"
    n = target["n_harmful"] if effect == "bypass" else target["n_harmless"]
    return f"{text}<br>{n} prompts"


def _matrix(
    values: Sequence[Sequence[float | None]],
    hovers: Sequence[Sequence[str]],
    rows: Sequence[str],
    columns: Sequence[str],
    colours: Mapping[str, Any],
    form: str,
) -> go.Figure:
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=list(columns),
            y=list(rows),
            text=[["" if v is None else format(v, form) for v in row] for row in values],
            texttemplate="%{text}",
            customdata=hovers,
            hovertemplate="axis: %{y}, prompts: %{x}<br>%{customdata}<extra></extra>",
            hoverongaps=False,
            xgap=2,
            ygap=2,
            **colours,
        )
    )
    figure.update_xaxes(title="prompts in", side="bottom", showgrid=False)
    figure.update_yaxes(title="axis fitted in", autorange="reversed", showgrid=False)
    return _plain(figure, 160 + 40 * len(rows))


def _auc(cell: Mapping[str, Any] | None, part: str) -> float | None:
    return None if cell is None or cell["auc"] is None else float(cell["auc"][part])


def _told(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "not measured"
    if cell["auc"] is None:
        return str(cell["reason"])
    auc = cell["auc"]
    return f"AUC {auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})<br>{auc['n_pos']} against {auc['n_neg']}"


def _plain(figure: go.Figure, height: int) -> go.Figure:
    return figure.update_layout(height=height, margin={"l": 10, "r": 10, "t": 10, "b": 10}, dragmode=False)
