"""Does another judge see the replies the same way? Agreement on a sample, with its interval."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import errors, progress, runs, state
from rasslib.benchmarks.agreement import JudgeAgreement, compare_judges
from rasslib.benchmarks.choosing import JudgeChoice, make_judge
from rasslib.benchmarks.evaluations import AGREEMENT, Evaluation, Evaluations
from rasslib.benchmarks.judges import JUDGES

_FOUND = "benchmarks-agreement"


def show(evaluation: Evaluation) -> None:
    """Choose the other judge, ask it, and show where both differ."""
    st.markdown("**Does a second judge agree?**")
    st.caption(errors.plain(f"The judge of this evaluation: {evaluation.manifest['judge']['name']}."))
    grid = st.grid(3, min_column_width=230)
    with grid.cell():
        kind = st.segmented_control(
            "Second judge", JUDGES, default="endpoint", required=True, key="benchmarks-second",
            help="phrases: known refusals near the start. endpoint: a language model (RASS_JUDGE_MODEL). hub: a "
            "classifier.",
        )  # fmt: skip
    with grid.cell():
        named = st.text_input(
            "Second classifier: folder or hub id", key="benchmarks-second-model", disabled=kind != "hub"
        )
    with grid.cell():
        n = st.number_input("Replies to compare", 10, 10_000, 200, 10, key="benchmarks-second-n")
    if st.button("Compare judges", key="benchmarks-second-go"):
        st.session_state.pop(_FOUND, None)
        with errors.told(ends=False):
            place = runs.workspace()
            model = str(evaluation.manifest.get("model", {}).get("name", ""))
            judge = make_judge(JudgeChoice(str(kind), named), place, model)
            found = compare_judges(evaluation, judge, int(n), progress=progress.page_progress())
            Evaluations(place).agreed(evaluation, judge.version, found.as_dict())
            st.session_state[_FOUND] = (evaluation.id, found)
    about, found = st.session_state.get(_FOUND, ("", None))
    if about == evaluation.id and isinstance(found, JudgeAgreement):
        _show(found)
    elif kept := evaluation.manifest.get(AGREEMENT):
        for one in kept.values():
            st.write(errors.plain(f"Measured before, of {one['sample']:,} replies drawn: {one['text']}"))


def _show(found: JudgeAgreement) -> None:
    st.write(errors.plain(f"Of {found.sample:,} replies drawn: {found.text()}"))
    st.dataframe(
        pd.DataFrame(found.table).T.fillna(0).astype(int).rename_axis(f"{found.first} (rows), {found.second}"),
        key="benchmarks-second-table",
    )
    if len(found.disputed):
        st.caption("Replies on which they differ")
        st.dataframe(
            state.shown_table(found.disputed),
            hide_index=True,
            column_order=["prompt", "reply", "behaviour", "other", "language"],
            key="benchmarks-second-disputed",
        )
