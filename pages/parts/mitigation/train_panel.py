"""Train: choose, see what lies ahead, start, watch, stop, go on; and what was trained."""

from __future__ import annotations

import streamlit as st

from pages.parts import errors, runs
from pages.parts.mitigation import live_charts, running, train_settings, trained
from rasslib.errors import RassError
from rasslib.mitigation.adapters import check_start, start_at
from rasslib.mitigation.curves import of_events
from rasslib.mitigation.jobs.asks import TrainAsk, with_content
from rasslib.mitigation.jobs.job import Job, jobs, make_job
from rasslib.mitigation.live import read_live
from rasslib.mitigation.outlook import outlook, seconds
from rasslib.mitigation.provenance import provenance_of
from rasslib.mitigation.training_prompts import training_prompts
from rasslib.mitigation.words import composition_words, saved_words, time_words
from rasslib.models.catalogue import shipped_adapters


def show() -> None:
    """The panel."""
    running.message()
    busy = running.running()
    if busy is not None:
        running.show(busy, _watched if isinstance(busy.ask, TrainAsk) else None)
    with st.expander("Train an adapter", expanded=busy is None):
        _form(busy)
    trained.show(busy)


def _form(busy: Job | None) -> None:
    try:
        ask = train_settings.choose()
        _ahead(ask)
    except RassError as error:
        st.error(errors.plain(str(error)), icon=":material/error:")
        return
    if st.button("Start training", type="primary", disabled=busy is not None, key="mitigation-train-start"):
        running.begin(make_job(runs.workspace(), with_content(ask)))
        st.rerun()
    if busy is not None:
        st.caption("One at a time: the job above takes all cores.")


def _ahead(ask: TrainAsk) -> None:
    """What the training will do.

    Raises:
        RassError: It cannot be.
    """
    if ask.start:
        check_start(start_at(ask.start), ask.settings)
    if ask.pairs:
        st.info("The pairs of the file are trained on, each once a pass; how many count is told at the start.")
        return
    ahead = outlook(training_prompts(ask.prompts), ask.settings)
    st.markdown(errors.plain(composition_words(ahead, ask.settings)))
    st.dataframe(ahead.table(), hide_index=True, width="content", key="mitigation-ahead")
    st.caption(
        "Prompts without a usable reply of the base are left out at its start; the adapter's provenance tells what was "
        "seen in the end. Prompts of the splits validation and test are never trained on."
    )
    told = [provenance_of(job.adapter) for job in jobs(runs.workspace(), TrainAsk)]
    told += [provenance_of(folder) for folder in shipped_adapters().values()]
    st.info(
        errors.plain(f"{time_words(seconds(ahead, ask.settings, ask.base, told), ask.settings.method)} "
                     f"{saved_words(ahead)}"),
        icon=":material/schedule:",
    )  # fmt: skip


def _watched(job: Job) -> None:
    live_charts.show(of_events(read_live(job.live)), live_charts.method_of(job), "mitigation-live")
