"""RASS candidates: benign prompts near the boundary, curated by hand and downloaded."""

from __future__ import annotations

import streamlit as st

from pages.parts import curation_table, entry, errors, runs
from rasslib.boundary.run import Analysis
from rasslib.prompts import to_csv_bytes
from rasslib.rass.candidate_words import POLICY_TEXT, percent, share_text, verdict_text
from rasslib.rass.control import Yield, benign_pool, selection_yield
from rasslib.rass.exports import file_name, kept_table, selection_table


def main() -> None:
    """The page."""
    entry.through_app()
    st.title("RASS candidates")
    st.caption(
        "Benign prompts near the model's safety boundary: the ones to look at first when a model refuses too much. "
        "Band and policies are this project's reading of RASS (arXiv 2505.18325)."
    )
    run = runs.current_run()
    pool = benign_pool(run.prompts)
    policy, n, tau, only_test = _settings(run, len(pool))
    with errors.told():
        if only_test:
            pool = pool[pool["split"] == "test"]
        found = selection_yield(pool, policy, n, tau)
        _shares(found, policy, "held-out test prompts" if only_test else "all splits, train included")
        st.subheader("Curate")
        set_name, curator = curation_table.who(run)
        curation_table.edit(run, found.picked, set_name, curator)
        _downloads(run, found, set_name, curator)


def _settings(run: Analysis, size: int) -> tuple[str, int, float, bool]:
    """Policy, how many, half-width of the band, and whether held-out prompts only."""
    grid = st.grid(4, min_column_width=210, gap="medium", vertical_alignment="bottom")
    one, two, three, four = (grid.cell() for _ in range(4))
    policy = one.selectbox(
        "Selection policy",
        list(POLICY_TEXT),
        format_func=lambda name: POLICY_TEXT[name],
        key="rass-policy",
        persist_state="session",
    )
    tau = two.slider(
        "Half-width of the band, τ",
        0.05,
        2.0,
        min(max(run.tau, 0.05), 2.0),
        0.05,
        key=f"rass-tau-{run.run_id}",
        persist_state="session",
        disabled=policy != "band",
        help="In the band: margin within ±τ. The boundary is 0, the class means are −1 and +1.",
    )
    n = three.number_input("How many", 1, max(size, 1), min(50, max(size, 1)), key=f"rass-n-{run.run_id}")
    only_test = four.toggle(
        "Held-out only",
        value=False,
        key="rass-held-out",
        persist_state="session",
        help="Only prompts that neither the axis nor the layer was chosen with: use it when you report a share.",
    )
    return policy, int(n), float(tau), only_test


def _shares(found: Yield, policy: str, which: str) -> None:
    st.subheader("Share of overrefusals")
    grid = st.grid(3, min_column_width=210)
    names = ("Selected", "Random draw, same size", "Whole pool")
    for name, rate in zip(names, (found.rate, found.drawn, found.pool), strict=True):
        with grid.cell():
            st.metric(name, percent(rate))
            st.caption(share_text(rate))
    st.caption(f"{verdict_text(found, policy)} Pool: benign prompts of this run with a reply ({which}).")


def _downloads(run: Analysis, found: Yield, set_name: str, curator: str) -> None:
    entries = run.workspace.database.curation(set_name, curator)
    kept = kept_table(run, set_name, entries)
    selected = selection_table(run, found.picked, entries)
    st.caption(
        f"Kept in “{errors.plain(set_name)}”: {len(kept)} prompts of this run, "
        f"{int(selected['keep'].sum())} of them in this selection. Every edit is saved at once and survives a reload."
    )
    row = st.container(horizontal=True)
    row.download_button(
        "Download kept (CSV)",
        lambda: to_csv_bytes(kept),
        file_name(set_name, "kept"),
        "text/csv",
        type="primary",
        on_click="ignore",
        disabled=kept.empty,
    )
    row.download_button(
        "Download selection (CSV)",
        lambda: to_csv_bytes(selected),
        file_name(set_name, "selection"),
        "text/csv",
        on_click="ignore",
    )


main()
