"""Compare: choose, run, watch, stop, go on; and the comparisons of this workspace."""

from __future__ import annotations

import streamlit as st

from pages.parts import errors, runs
from pages.parts.mitigation import compare_form, compare_results, running
from rasslib.errors import RassError
from rasslib.mitigation.along import Along, comparisons_along
from rasslib.mitigation.jobs.asks import CompareAsk
from rasslib.mitigation.jobs.doing import RESULT
from rasslib.mitigation.jobs.job import FINISHED, RUNNING, Job, jobs, make_job
from rasslib.mitigation.jobs.starting import state_of
from rasslib.mitigation.words import STATES, end_words

CHOSEN = "mitigation-comparison"
_NEXT = "mitigation-comparison-next"
ALONG = "along:"  # no name of a job holds a colon


def show() -> None:
    """The panel."""
    running.message()
    busy = running.running()
    if busy is not None:
        running.show(busy)
    found = {job.name: job for job in jobs(runs.workspace(), CompareAsk)}
    along = _along()
    with st.expander("Compare arms", expanded=busy is None and not found):
        _form(busy)
    st.subheader("Comparisons")
    if not found:
        st.caption(
            "None of yours yet. Compare adapters with the untrained base above: refusals of benign prompts (RR), "
            "harmful prompts not refused (ASR), and what the training cost."
            + " Those below come along, so there is something to read meanwhile."
            * bool(along)
        )
    if not (found or along):
        return
    wanted = st.session_state.pop(_NEXT, None)
    if wanted in found:
        st.session_state[CHOSEN] = wanted
    states = {name: state_of(job) for name, job in found.items()}
    chosen = st.selectbox(
        "Comparison",
        [*found, *along],
        format_func=lambda name: (
            f"{along[name].title} · comes along"
            if name in along
            else f"{found[name].ask.title} · {STATES[states[name]]} · {found[name].created[:10]}"
        ),
        key=CHOSEN,
        persist_state="session",
    )
    if chosen in along:
        compare_results.show(along[chosen].result, along[chosen].name, along[chosen].moved)
    else:
        _one(found[chosen], states[chosen], busy)


def _along() -> dict[str, Along]:
    """Comparisons that come along; a damaged installation keeps nobody from making their own."""
    try:
        return {f"{ALONG}{name}": one for name, one in comparisons_along().items()}
    except RassError as error:
        st.error(errors.plain(str(error)), icon=":material/error:")
        return {}


def _form(busy: Job | None) -> None:
    try:
        ask = compare_form.choose()
    except RassError as error:
        st.error(errors.plain(str(error)), icon=":material/error:")
        return
    ready = bool(ask.sets) and bool(ask.arms)
    if st.button("Compare", type="primary", disabled=busy is not None or not ready, key="mitigation-compare-start"):
        job = make_job(runs.workspace(), ask)
        running.begin(job)
        st.session_state[_NEXT] = job.name
        st.rerun()
    if busy is not None:
        st.caption("One at a time: the job above takes all cores.")
    elif not ready:
        st.caption("Choose at least one arm and one set.")


def _one(job: Job, state: str, busy: Job | None) -> None:
    if state not in (FINISHED, RUNNING):
        st.warning(errors.plain(end_words(job, state)), icon=":material/pause_circle:")
        if st.button("Go on", type="primary", disabled=busy is not None, key=f"mitigation-on-{job.name}"):
            running.begin(job)
            st.rerun()
    if (job.folder / RESULT).is_file():
        compare_results.of_job(job)
