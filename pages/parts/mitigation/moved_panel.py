"""How the boundary moved: the same prompts in the same projection before and after, and the change by intent."""

from __future__ import annotations

import math
from collections.abc import Mapping

import plotly.graph_objects as go
import streamlit as st

from pages.parts import errors, state, theme
from pages.parts.charts import groups_of
from pages.parts.hover import hover_text
from rasslib.mitigation.compare_facts import moved_table
from rasslib.mitigation.compare_words import MARGIN
from rasslib.mitigation.moving import Moved
from rasslib.prompts import to_csv_bytes


def show(found: Mapping[str, Moved]) -> None:
    """The panel, of one arm or more."""
    st.markdown("**How the boundary moved**")
    arm = st.segmented_control(
        "Arm", list(found), default=next(iter(found)), required=True, key="mitigation-moved-arm",
        format_func=errors.plain,
    )  # fmt: skip
    moved = found[str(arm)]
    grid = st.grid(2, min_column_width=260)
    intents = [name for name in theme.INTENT_COLOURS if (moved.table["intent"] == name).any()]
    with grid.cell():
        chosen = st.pills("Intents", intents, selection_mode="multi", default=intents, key="mitigation-moved-intents")
    with grid.cell():
        most = st.slider("Arrows of each intent", 5, 200, 40, 5, key="mitigation-moved-most",
                         help="The first by id, which is a fixed random order; all count in the table.")  # fmt: skip
    st.plotly_chart(arrows(moved, list(chosen), int(most)), key="mitigation-moved-chart")
    x, y = moved.explained
    told = "" if math.isnan(moved.cosine) else f" The axis fitted anew has cosine {moved.cosine:.2f} with the old one."
    st.caption(
        f"Test prompts before and after (arrow head), on the main axes of the prompts before "
        f"({100 * x:.0f} % and {100 * y:.0f} % of the variance), layer {moved.layer}. Long dashes: where the boundary "
        f"before cuts the plane through their mean. A projection is not a safety verdict.{told}"
    )
    st.dataframe(moved_table(moved.by_intent()), hide_index=True, key="mitigation-moved-table")
    st.caption(MARGIN)
    st.download_button(
        "Prompts before and after (CSV)", to_csv_bytes(moved.table), "moved.csv", "text/csv", on_click="ignore",
        icon=":material/download:", key="mitigation-moved-csv",
    )  # fmt: skip


def arrows(moved: Moved, intents: list[str], most: int) -> go.Figure:
    """A line with an arrow head a prompt."""
    figure = go.Figure()
    shown = moved.table[moved.table["intent"].isin(intents)].sort_values("id").groupby("intent").head(most)
    for intent, part in groups_of(shown, "intent", theme.INTENT_COLOURS):
        xs: list[float | None] = []
        ys: list[float | None] = []
        texts: list[str] = []
        for row in part.to_dict("records"):
            xs += [row["x"], row["x_after"], None]
            ys += [row["y"], row["y_after"], None]
            words = hover_text(state.shown(str(row["prompt"]), intent))
            texts += [f"{words}<br>margin {row['before']:+.2f} → {row['after']:+.2f}"] * 2 + [""]
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="lines+markers",
            name=f"{intent} (n = {len(part)})",
            line={"color": theme.INTENT_COLOURS[intent], "width": 1, "dash": theme.INTENT_DASHES[intent]},
            marker={
                "symbol": [theme.INTENT_SYMBOLS[intent], "arrow", "circle"] * len(part),
                "size": [5, 9, 1] * len(part),
                "angleref": "previous",
                "color": theme.INTENT_COLOURS[intent],
            },
            opacity=0.75,
            hovertext=texts,
            hoverinfo="text",
        )
    if moved.line is not None:
        (x0, y0), (x1, y1) = moved.line
        figure.add_scatter(
            x=[x0, x1], y=[y0, y1], mode="lines", name="boundary before", hoverinfo="skip",
            line={"dash": "longdash", "color": theme.BOUNDARY_LINE, "width": 1.5},
        )  # fmt: skip
    figure.update_xaxes(title="first axis", zeroline=False)
    figure.update_yaxes(title="second axis", zeroline=False)
    return figure.update_layout(
        height=520, margin={"l": 10, "r": 10, "t": 20, "b": 10}, legend={"orientation": "h", "y": -0.2}, showlegend=True
    )
