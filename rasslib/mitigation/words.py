"""Sentences of the page Mitigation: arms, methods, what lies ahead, how a job ended."""

from __future__ import annotations

from rasslib.mitigation.jobs.asks import TrainAsk
from rasslib.mitigation.jobs.job import FAILED, FINISHED, KILLED, RUNNING, STOPPED, Job
from rasslib.mitigation.outlook import Outlook
from rasslib.mitigation.provenance import METHOD_NOTES
from rasslib.mitigation.recipes import RECIPES
from rasslib.mitigation.settings import AlignSettings

ARMS = tuple(name for name in RECIPES if name != "none")
"""Arms that train something."""
READING = (
    "α as the make-up of a batch, and the arms of RASS by margin and band, are this project's reading of the papers "
    "(arXiv 2603.11388 and 2505.18325)."
)
STATES = {
    RUNNING: "running",
    FINISHED: "finished",
    STOPPED: "stopped",
    FAILED: "broke off",
    KILLED: "was cut off",
}


def arm_words(name: str) -> str:
    """``trigger: Triggers of the harmful prompts.``"""
    return f"{name}: {RECIPES[name].about}"


def method_words(name: str) -> str:
    """A method in a few words."""
    return METHOD_NOTES[name]


def duration(seconds: float) -> str:
    """``about 40 min``."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"


def composition_words(ahead: Outlook, settings: AlignSettings) -> str:
    """How the batches are composed, in a sentence."""
    if not ahead.composed:
        return f"{ahead.steps:,} steps of {ahead.batch} examples; every example comes {settings.epochs} times."
    harmful = round(ahead.seen[0].in_batch)
    if len(ahead.seen) == 1:
        return f"{ahead.steps:,} steps of {harmful} harmful prompts each, and no benign ones."
    return (
        f"{ahead.steps:,} steps of {ahead.batch} examples: {harmful} harmful and {ahead.batch - harmful} benign in "
        f"each (α = {harmful / ahead.batch:.2g})."
    )


def time_words(seconds: float | None, method: str) -> str:
    """How long it may take, and where that is from."""
    if seconds is None:
        more = " GRPO writes its own replies at every step, several times the work of SFT." if method == "grpo" else ""
        return (
            "How long it takes is not known before its first steps: no training of this method and base was timed "
            f"here. On a processor count with tens of minutes to hours.{more}"
        )
    return (
        f"It will take {duration(seconds)}, by trainings timed before (here, or the shipped adapters' on two processor "
        "cores), and some minutes before and after it, for the base model's own replies and the measuring. Leave it "
        "running: a reload or another page does not end it, closing the app stops it with its state saved."
    )


def saved_words(ahead: Outlook) -> str:
    """What a stop and a kill cost."""
    if ahead.between_saves == 1:
        return "Its state is saved at every step: a stop or a kill loses at most the step at hand."
    return (
        f"A stop saves its state first. A kill or a power cut loses at most {ahead.between_saves} steps, and where "
        "steps are slow only the last seconds."
    )


def end_words(job: Job, state: str) -> str:
    """How a job that is not running ended, and what to do."""
    said = str(job.outcome().get("said") or "")
    if state == KILLED:
        what = "Its last saved state is kept" if isinstance(job.ask, TrainAsk) else "The replies so far are kept"
        return f"Its process was cut off before it could say why. {what}: go on from there."
    if state == FINISHED:
        return "It was finished, but its adapter is gone: go on to train it again."
    return said
