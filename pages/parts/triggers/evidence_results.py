"""What the three kinds of evidence found: charts, sentences, tables."""

from __future__ import annotations

import streamlit as st

from pages.parts import errors
from pages.parts.triggers import charts
from rasslib.triggers.evidence import Behavioural, Causal, Representational
from rasslib.triggers.evidence_words import (
    level_table,
    nearness_table,
    rows_of,
    swap_table,
    swap_text,
    trend_text,
)


def behavioural(found: Behavioural, key: str = "triggers") -> None:
    """Rates over triggers and levels by arm, the trend, and the table; ``key`` starts the keys of its elements."""
    st.plotly_chart(charts.level_rates(found), width="stretch", key=f"{key}-levels-chart")
    for arm in found.arms:
        st.write(errors.plain(trend_text(arm)))
    st.dataframe(
        level_table(found),
        hide_index=True,
        width="stretch",
        key=f"{key}-levels-table",
        column_config={
            "model": "Model",
            "version": "Version",
            "refused": "Refused (95 % Wilson interval)",
            "n": st.column_config.NumberColumn("Judged"),
            "invalid": st.column_config.NumberColumn("Invalid"),
            "against_base": "Against the base model (95 % interval for pairs)",
        },
    )
    st.caption(
        f"{found.n_triggers:,} triggers of the splits {', '.join(found.splits)}; greedy replies cut at "
        f"{found.reply_tokens} tokens. The first model is the untuned one: what it refuses by itself is no effect of "
        "safety training, so read the differences."
    )


def representational(found: Representational) -> None:
    """Box plots by k for a read position and cosine, then every AUC with its controls."""
    positions = list(dict.fromkeys(row.position for row in found.rows))
    grid = st.grid(3, min_column_width=190)
    position = grid.selectbox("Read position", positions, key="triggers-near-position")
    cosine = grid.segmented_control(
        "Cosine", ["raw", "centred"], default="raw", required=True, key="triggers-near-cosine",
        help="Centred: the mean state is taken off first; a large common part inflates raw cosines.",
    )  # fmt: skip
    kinds = list(dict.fromkeys(row.anchors for row in found.rows))
    anchors = grid.segmented_control(
        "Anchors", kinds, default=kinds[0], required=True, key="triggers-near-anchors",
        help="Control: as many prompts that are no triggers.",
    )  # fmt: skip
    rows = rows_of(found, str(position), str(anchors), cosine == "centred")
    if rows:
        st.plotly_chart(charts.nearness_boxes(rows), width="stretch", key="triggers-boxes")
    st.dataframe(
        nearness_table(found),
        hide_index=True,
        width="stretch",
        key="triggers-near-table",
        column_config={
            "position": "Read position",
            "cosine": "Cosine",
            "refused": "Refused",
            "answered": "Answered",
            "auc": "AUC, triggers",
            "auc_within": "AUC within intents",
            "p": "Permutation test (within intents)",
            "auc_control": "AUC, control anchors",
            "beyond_control": "Beyond the control",
            "auc_beyond_length": "AUC beyond length",
        },
    )
    layers = f"{found.layers[0]} to {found.layers[-1]}" if found.layers else "none"
    length = found.length_auc
    st.caption(
        "Mean cosine to the k nearest triggers, averaged over the layers "
        f"{layers}; {found.n_anchors} anchors of each kind. Boxes: quartiles, whiskers: 5th and 95th percentile. "
        f"Length alone reaches an AUC of {length.value:.3f} ({length.low:.3f}–{length.high:.3f}). 95 % bootstrap "
        "intervals. A correlation: what triggers cause is told below."
    )


def causal(found: Causal) -> None:
    """Refusal rates before, after and in the control; the prompts behind them."""
    swaps = [swap for swap in (found.insertion, found.removal) if swap is not None]
    if swaps:
        st.plotly_chart(charts.swap_rates(found), width="stretch", key="triggers-swaps")
    for swap in swaps:
        st.write(errors.plain(swap_text(swap)))
    for note in found.notes:
        st.caption(errors.plain(note))
    if found.phrases:
        st.caption(errors.plain(f"Triggers put in: {', '.join(found.phrases)}."))
    table = swap_table(found)
    if table.empty:
        st.info("No prompt could be changed: see the notes above.")
        return
    with st.expander("The prompts"):
        st.dataframe(table, hide_index=True, width="stretch", height=360, key="triggers-swaps-table")
