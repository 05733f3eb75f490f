"""Start: choose a model and prompts, find the boundary, read the findings; or open a run that is there."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts import entry, errors, job, model_source, prompt_source, runs
from pages.parts.findings import show_findings
from pages.parts.model import ModelChoice
from pages.parts.prompt_source import Source
from rasslib.boundary.run import Analysis
from rasslib.prompts import assign_splits

FIT_BUNDLED, FIT_SAME = "The bundled set", "The train split of these prompts"
STEPS = (
    ("1. Read", "The model reads every prompt once, and its inner state is kept layer by layer."),
    ("2. Fit", "One axis runs from harmless to harmful prompts; its midpoint is the boundary."),
    ("3. Place", "Every prompt gets a margin: how far on which side of the boundary it lies."),
)


def main() -> None:
    """The page."""
    entry.through_app()
    st.title("Where does your model start to refuse?")
    found = None
    with errors.told(ends=False):
        found = runs.find_run()
    _messages()
    pending = job.current()
    if pending is not None:
        _working(pending, found)
        return
    if found is not None:
        show_findings(found)
        _unfinished(found)
        with st.expander("Start another run"):
            _new_run()
        _list_runs(found.run_id)
        return
    st.write(
        "This app shows where prompts fall on a model's safety decision boundary: what it refuses, what it answers, "
        "and which harmless prompts it refuses by mistake. Choose a model and prompts, and read the findings in a few "
        "minutes."
    )
    for column, (name, about) in zip(st.columns(3), STEPS, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{name}**")
            st.write(about)
    _new_run()


def _messages() -> None:
    """What the last pass left to say."""
    if error := st.session_state.pop("job-error", None):
        st.error(errors.plain(error), icon=":material/error:")
    if st.session_state.pop("job-stopped", False):
        st.info("Stopped. What was finished is kept; start again to go on from there.", icon=":material/pause_circle:")


def _new_run() -> None:
    choice = model_source.choose_model()
    source = prompt_source.choose_prompts()
    fit, fitted = FIT_BUNDLED, None
    if source is not None and not source.bundled:
        fit = st.radio(
            "Fit the axes on",
            [FIT_BUNDLED, FIT_SAME],
            key="fit",
            horizontal=True,
            help="On the bundled set, all of your prompts are test data. Fitting on your own needs harmful and "
            "harmless ones among them.",
        )
        if fit == FIT_BUNDLED:
            fitted = prompt_source.bundled_prompts()
    if st.button("Find the boundary", type="primary", disabled=choice is None or source is None, key="find"):
        if choice is not None and source is not None:
            with errors.told():
                job.begin(_job(choice, source, fitted))
        st.rerun()
    st.caption("Minutes on a laptop, most of them for the replies. Results stay on this machine.")


def _job(choice: ModelChoice, source: Source, fitted: pd.DataFrame | None) -> job.Job:
    """The work; without a fit set the prompts are fitted on themselves."""
    prompts = source.prompts
    if fitted is None and prompts["split"].nunique() == 1:
        prompts = assign_splits(prompts)
    return job.Job(choice, prompts, prompts if fitted is None else fitted, f"{choice.model} on {source.name}")


def _working(pending: job.Job, found: Analysis | None) -> None:
    """Findings above, if they are of this work, and the work below them."""
    if found is not None and pending.run_id == found.run_id:
        show_findings(found)
        st.subheader("Still running: replies for the behaviour axis")
        st.caption("The findings above stand. You can read on, but another page or switch interrupts; it goes on here.")
    else:
        st.subheader(f"Working: {errors.plain(pending.title)}")
    job.work(pending)


def _unfinished(found: Analysis) -> None:
    if found.summary.get("complete", True):
        return
    st.info("This run has no behaviour axis yet: replies to the train prompts are missing.")
    if st.button("Generate the remaining replies", key="complete"):
        with errors.told():
            job.begin(job.second_phase(found))
        st.rerun()


def _list_runs(current: str) -> None:
    others = [run for run in runs.finished_runs() if run.run_id != current]
    if not others:
        return
    st.subheader("Other runs")
    for run in others[:20]:
        name, button = st.columns([5, 1], vertical_alignment="center")
        name.write(errors.plain(runs.label(run)))
        button.button("Open", key=f"open-{run.run_id}", on_click=runs.open_from_list, args=(run.run_id,))


main()
