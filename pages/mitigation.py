"""Mitigation: train overrefusal away, and see what it cost; arms side by side."""

from __future__ import annotations

import streamlit as st

from pages.parts import entry, errors
from pages.parts.mitigation import compare_panel, train_panel, view
from rasslib.mitigation.words import READING


def main() -> None:
    """The page."""
    entry.through_app()
    st.title("Mitigation")
    st.caption(
        "Which training data keep a model from refusing what it should answer, and what does it cost in safety? Train "
        "arms that share everything but their benign data, and compare them on held-out prompts."
    )
    with errors.told(ends=False):
        if view.choose() == view.COMPARE:
            compare_panel.show()
        else:
            st.caption(errors.plain(READING))
            train_panel.show()


main()
