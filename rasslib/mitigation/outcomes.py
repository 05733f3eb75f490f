"""What one model does with the sets that arms are compared on: replies, refusal scores, prefill, utility."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rasslib.mitigation.held_out import HeldOut
from rasslib.mitigation.measure import behaviours, texts
from rasslib.mitigation.prefixes import attack_for
from rasslib.mitigation.speakers import Speaker
from rasslib.mitigation.utility import Utility, measure_utility
from rasslib.progress import Progress

BASE = "base"

Value = TypeVar("Value")


@dataclass(frozen=True)
class ArmModel:
    """One trained model of an arm.

    Attributes:
        arm: Name of the arm; several models of one arm are its seeds.
        adapter: Folder of its adapter, or of a whole model; None for the base itself.
        way: How it is steered besides, one of :data:`rasslib.mitigation.untrained.WAYS`; empty: not at all.
        draw: Which random directions a random control takes.
    """

    arm: str
    adapter: Path | None = None
    way: str = ""
    draw: int = 0


@dataclass(frozen=True)
class Outcome:
    """What one model did.

    Attributes:
        model: The model.
        direct: By set, behaviour of each prompt by id.
        prefilled: The same under a prefill, harmful sets only: what the model goes on to say after a compliant
            opening is judged.
        utility: What it costs in use; None where that was not asked for.
        scores: By set, the refusal score of each prompt by id; missing where it could not be read.
        steering: What is done to it besides its weights.
        facts: What has to be known to load it again.
    """

    model: ArmModel
    direct: dict[str, dict[str, str]]
    prefilled: dict[str, dict[str, str]] = field(default_factory=dict)
    utility: Utility | None = None
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
    steering: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


Loader = Callable[[ArmModel], Speaker]


def observe(
    model: ArmModel,
    sets: Sequence[HeldOut],
    load: Loader,
    *,
    prefill: bool = True,
    utility: bool = True,
    progress: Progress | None = None,
    mark: str = "",
) -> Outcome:
    """Ask one model everything; what it said is kept, so a stopped comparison goes on where it was.

    Args:
        model: The model.
        sets: What it is asked.
        load: Loads it.
        prefill: Also attack harmful prompts with compliant openings.
        utility: Also measure what it costs in use.
        progress: Called after each batch.
        mark: What its progress is called by, such as ``2/4``.

    Raises:
        ModelError: The model cannot be loaded.
        Stopped: ``progress`` asked to stop.
    """
    speaker = load(model)
    name = f"{mark} {model.arm}".strip()

    def ask(given: Sequence[HeldOut], openings: Mapping[str, str] | None = None) -> dict[str, dict[str, str]]:
        stage = f"{name}: {'replies under prefill' if openings else 'replies'}"
        return _by_set(given, behaviours(speaker.replies(_pooled(given), stage, progress, openings)))

    harmful = [one for one in sets if one.metric == "ASR"]
    ranked = sets if 0 < len(harmful) < len(sets) else []  # harmful against benign prompts
    return Outcome(
        model,
        ask(sets),
        ask(harmful, {i: attack_for(i) for i in _pooled(harmful)}) if prefill and harmful else {},
        measure_utility(speaker, name, progress) if utility else None,
        _by_set(ranked, speaker.scores(_pooled(ranked), f"{name}: refusal scores", progress)) if ranked else {},
        speaker.facts(_pooled(sets)),
        {name: value for name, value in speaker.subject.facts().items() if name != "steering"},
    )


def _pooled(sets: Sequence[HeldOut]) -> dict[str, str]:
    """The prompts of all sets by id: asked together, prompts of like length share a batch, and fewer are needed."""
    return {i: text for one in sets for i, text in texts(one.prompts).items()}


def _by_set(sets: Sequence[HeldOut], found: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    return {one.name: {i: found[i] for i in texts(one.prompts) if i in found} for one in sets}
