"""What was trained in this workspace: state, go on, where the adapter is, what it saw, what it does."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from pages.parts import errors, runs
from pages.parts.mitigation import live_charts, running, view
from rasslib.mitigation.adapters import PROVENANCE
from rasslib.mitigation.choices import arm_choices
from rasslib.mitigation.compare_tables import rate_words
from rasslib.mitigation.curves import of_events, of_history
from rasslib.mitigation.jobs.asks import TrainAsk
from rasslib.mitigation.jobs.job import FINISHED, RUNNING, Job, jobs
from rasslib.mitigation.jobs.starting import state_of
from rasslib.mitigation.live import read_live
from rasslib.mitigation.provenance import provenance_of
from rasslib.mitigation.words import STATES, end_words

ARMS_KEY = "mitigation-arms"
BASE_KEY = "mitigation-compare-base"


def show(busy: Job | None) -> None:
    """The list and the chosen training."""
    st.subheader("Trainings")
    found = {job.name: job for job in jobs(runs.workspace(), TrainAsk)}
    if not found:
        st.caption("None yet. A training writes its adapter into the workspace, and it can be compared here.")
        return
    states = {name: state_of(job) for name, job in found.items()}
    chosen = st.selectbox(
        "Training",
        list(found),
        # Labels must differ, and last while the state changes.
        format_func=lambda name: f"{found[name].ask.title} · {found[name].created[:10]} ({name.rpartition('-')[2]})",
        key="mitigation-training",
    )
    st.caption(errors.plain(f"State: {STATES[states[chosen]]}."))
    job = found[chosen]
    if states[chosen] == FINISHED and (job.adapter / PROVENANCE).is_file():
        _finished(job)
    elif states[chosen] != RUNNING:
        _broken_off(job, states[chosen], busy)


def _broken_off(job: Job, state: str, busy: Job | None) -> None:
    st.warning(errors.plain(end_words(job, state)), icon=":material/pause_circle:")
    if st.button("Go on", type="primary", disabled=busy is not None, key=f"mitigation-on-{job.name}"):
        running.begin(job)
        st.rerun()
    curves = of_events(read_live(job.live))
    if not curves.empty:
        live_charts.show(curves, live_charts.method_of(job), f"mitigation-was-{job.name}")


def _finished(job: Job) -> None:
    told = provenance_of(job.adapter)
    whole = isinstance(job.ask, TrainAsk) and job.ask.settings.full
    st.markdown("The model is in" if whole else "The adapter (PEFT format) is in")
    st.code(str(job.adapter), language=None)
    st.button("Compare it", key=f"mitigation-compare-{job.name}", on_click=_compare, args=(job,),
              icon=":material/balance:")  # fmt: skip
    measured = dict((told.get("measured") or {}).get("test split") or {})
    if measured:
        st.markdown("**Refused, held-out prompts of the test split**")
        st.dataframe(
            pd.DataFrame([{intent: rate_words(rate) for intent, rate in measured.items()}]),
            hide_index=True, key=f"mitigation-measured-{job.name}",
        )  # fmt: skip
        st.caption(
            "95 % Wilson intervals, judged by phrases. One seed: compare several before you conclude. Do not choose "
            "settings by this table: it is the test split; the chart below asks the validation split.",
        )
    training: dict[str, Any] = dict(told.get("training") or {})
    curves = of_history(training.get("history") or {})
    live_charts.show(curves, live_charts.method_of(job), f"mitigation-done-{job.name}")
    with st.expander("What it saw, and how it was made"):
        seen = pd.DataFrame([{"set": name, **one} for name, one in (training.get("exposure") or {}).items()])
        st.dataframe(seen, hide_index=True, key=f"mitigation-seen-{job.name}")
        st.json(told, expanded=1)


def _compare(job: Job) -> None:
    """Callback: put it among the arms, and open the comparison."""
    base = job.ask.base
    st.session_state[BASE_KEY] = base
    known = arm_choices(runs.workspace(), base).values()
    label = next((one.label for one in known if one.place == str(job.adapter)), None)
    arms = list(st.session_state.get(ARMS_KEY) or [])
    st.session_state[ARMS_KEY] = list(dict.fromkeys([*arms, label or str(job.adapter)]))
    view.go(view.COMPARE)
