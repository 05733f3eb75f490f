"""The numbers of one prompt, side by side."""

from __future__ import annotations

import math

import streamlit as st

from rasslib.boundary.inspecting import Inspected, probability
from rasslib.boundary.prompt_words import side_text, use_text
from rasslib.boundary.run import Analysis


def facts(run: Analysis, prompt: Inspected) -> None:
    """Four numbers side by side, and what the prompt was used for."""
    margin = float(prompt.margins[run.layer])
    columns = st.grid(4, min_column_width=150)
    columns.metric(f"Margin, layer {run.layer}", f"{margin:+.2f}", side_text(margin, run.tau), delta_color="off",
                      delta_arrow="off")  # fmt: skip
    score = prompt.refusal_score
    columns.metric(
        "Refusal score",
        "not read" if math.isnan(score) else f"{score:+.2f}",
        None if math.isnan(score) else f"p = {probability(score):.2f}",
        delta_color="off",
        delta_arrow="off",
        help="Log-odds that the reply opens like a refusal, read from the next-token probabilities. 0 means p = 1/2.",
    )
    columns.metric("Behaviour", prompt.behaviour or "no reply yet", help="What the model did, by its reply.")
    columns.metric("Intent", prompt.intent or "not labelled", help="The human label; never inferred from behaviour.")
    st.caption(use_text(prompt))
