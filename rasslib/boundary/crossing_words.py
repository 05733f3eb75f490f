"""What the search for a crossing found, in sentences."""

from __future__ import annotations

from rasslib.boundary.crossing import Crossing, CrossingSettings, Step


def answer_text(found: Crossing, settings: CrossingSettings) -> str:
    """The answer in one or two sentences."""
    if found.note:
        return found.note
    if not found.found:
        text = f"No crossing found within {_edits(settings.max_edits)}: the model still {found.behaviour}."
        if found.predicted_only:
            text += " Some changed prompts cross by their score, but their replies do not."
        return text
    return (
        f"With {_edits(len(found.edits))} the model goes from {found.behaviour} to {found.changed_behaviour}, "
        f"confirmed by its reply; the {settings.scored_by} goes from {found.score:+.2f} to {found.changed_score:+.2f} "
        f"(refusal is predicted above {found.threshold:+.2f})."
    )


def edit_text(old: str, new: str) -> str:
    """One edit in words."""
    return f"“{old}” replaced by “{new}”" if new else f"“{old}” taken out"


def searched_text(found: Crossing) -> str:
    """What was searched, and what may have been missed."""
    if not found.steps:
        return ""
    lines = "; ".join(_step(step) for step in found.steps)
    partly = [step for step in found.steps if not step.complete or step.kind == "replacements"]
    smaller = (
        "A smaller crossing was not missed among removals"
        if all(step.complete for step in found.steps if step.kind == "removals")
        else "A smaller crossing may have been missed"
    )
    others = ", but other words as replacements were not tried" if partly else ""
    rest = "" if not found.found else "; other crossings of this size and larger ones may exist"
    return f"Searched, smallest first: {lines}. {smaller} (as far as the score points to it){others}{rest}."


def _step(step: Step) -> str:
    how = f"all {step.tried}" if step.complete else f"{step.tried} of the"
    if step.kind == "replacements":
        how = f"{step.tried}"
    return f"{how} {step.kind} of {step.size}, {step.crossed} cross by their score, {step.answered} answered"


def _edits(n: int) -> str:
    return f"{n} edit" + ("" if n == 1 else "s")
