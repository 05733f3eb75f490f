"""The evaluation that was asked for: kept in the session until it is done or stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from pages.parts import errors, model, progress, runs
from rasslib.benchmarks.choosing import JudgeChoice, make_judge
from rasslib.benchmarks.runner import evaluate
from rasslib.benchmarks.settings import EvaluationSettings
from rasslib.benchmarks.sources import read_sources
from rasslib.benchmarks.subject import subject_of
from rasslib.errors import RassError
from rasslib.steering.recipe import Recipe

_JOB, _MESSAGE, DONE = "benchmarks-job", "benchmarks-message", "benchmarks-done"


@dataclass(frozen=True)
class Job:
    """What to evaluate, on what, and how; ``recipe`` steers the model."""

    choice: model.ModelChoice
    names: tuple[str, ...]
    given: Mapping[str, Path]
    settings: EvaluationSettings
    judge: JudgeChoice
    language: str = "en"
    columns: Mapping[str, str] = field(default_factory=dict)
    recipe: Recipe | None = None


def begin(job: Job) -> None:
    """Start on the next pass."""
    st.session_state[_JOB] = job
    st.session_state.pop(_MESSAGE, None)


def current() -> Job | None:
    """What is still to be done."""
    found = st.session_state.get(_JOB)
    return found if isinstance(found, Job) else None


def stop() -> None:
    """Give up; what was finished is kept."""
    st.session_state.pop(_JOB, None)
    st.session_state[_MESSAGE] = (False, "Stopped. What was finished is kept; the same button goes on from there.")


def work(job: Job) -> None:
    """Evaluate here, then start the page over with the result or with what went wrong."""
    st.button("Stop", on_click=stop, icon=":material/stop_circle:", key="benchmarks-stop")
    st.caption(progress.KEPT)
    told = progress.page_progress()
    progress.clear_below()
    try:
        place = runs.workspace()
        sources = read_sources(job.names, job.given, place, job.columns, job.language)
        judge = make_judge(job.judge, place, job.choice.model)
        subject = subject_of(model.lens_of(job.choice, told), place, job.recipe, progress=told)
        found = evaluate(subject, sources, judge, place, job.settings, told)
    except RassError as error:
        st.session_state[_MESSAGE] = (True, str(error))
    else:
        st.session_state[DONE] = found.id
    st.session_state.pop(_JOB, None)
    st.rerun()


def message() -> None:
    """What the last pass left to say."""
    is_error, text = st.session_state.pop(_MESSAGE, (False, ""))
    if text and is_error:
        st.error(errors.plain(text), icon=":material/error:")
    elif text:
        st.info(errors.plain(text), icon=":material/pause_circle:")
