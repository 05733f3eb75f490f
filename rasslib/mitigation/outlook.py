"""What a training will do, told before it starts: how its batches are composed, how often each set is seen, how long.

No model is asked, so sets are counted before prompts without a usable reply are left out; what was really seen stands
in the provenance of the adapter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rasslib.mitigation.composing import parts, steps_of
from rasslib.mitigation.recipes import NEED_CANDIDATES, Extra, find_recipe
from rasslib.mitigation.recipes.arm import HARMFUL, Arm
from rasslib.mitigation.settings import AlignSettings

REPLIES = {"sft": 1.0, "p-sft": 1.0, "dpo": 8 / 3}
"""Work of a step beside that of SFT: DPO trains on two replies, and the base reads both once more (a third of a
training pass each). GRPO writes its replies itself; how long that takes shows in its first steps."""


@dataclass(frozen=True)
class Seen:
    """How much of a set is seen.

    Attributes:
        group: The set.
        examples: Prompts in it; None where they are selected later.
        in_batch: Of each batch.
        draws: Of the whole training.
    """

    group: str
    examples: int | None
    in_batch: float
    draws: int

    @property
    def passes(self) -> float | None:
        """How often the set is gone through."""
        return self.draws / self.examples if self.examples else None


@dataclass(frozen=True)
class Outlook:
    """What a training will do.

    Attributes:
        steps: Optimiser steps.
        batch: Examples of a batch.
        seen: By set.
        between_saves: Steps between two saved states: what a kill may cost.
        composed: Whether batches have a fixed make-up.
    """

    steps: int
    batch: int
    seen: tuple[Seen, ...]
    between_saves: int
    composed: bool

    def table(self) -> pd.DataFrame:
        """For reading."""
        return pd.DataFrame(
            [
                {
                    "set": one.group,
                    "prompts": one.examples,
                    "in a batch": round(one.in_batch, 1),
                    "draws": one.draws,
                    "passes": None if one.passes is None else round(one.passes, 2),
                }
                for one in self.seen
            ]
        ).astype({"prompts": "Int64", "passes": "Float64"})


def outlook(prompts: pd.DataFrame, settings: AlignSettings) -> Outlook:
    """What a training on these prompts will do.

    Raises:
        TrainingError: The recipe finds too little, or its settings make no sense.
    """
    recipe = find_recipe(settings.recipe)
    sizes = _sizes(recipe, prompts, settings)
    sized = [size for size in sizes.values() if size is not None]
    total = sum(sized) if len(sized) == len(sizes) else 0
    if not recipe.composed:
        steps = math.ceil(settings.epochs * total / settings.batch_size)
        seen = [
            Seen(name, size, settings.batch_size * (size or 0) / max(1, total), settings.epochs * (size or 0))
            for name, size in sizes.items()
        ]
        return Outlook(steps, settings.batch_size, tuple(seen), _between(steps, settings), False)
    harmful, benign = parts(settings.batch_size, settings.harmful_share)
    n = sizes.pop(HARMFUL) or 0
    steps = settings.steps or steps_of(settings.epochs, n, settings.batch_size, settings.harmful_share)
    seen = [Seen(HARMFUL, n, harmful, harmful * steps)]
    known = sum(size or 0 for size in sizes.values())
    for name, size in sizes.items():
        share = (size or 0) / known if known else 1 / len(sizes)
        seen.append(Seen(name, size, benign * share, round(benign * share * steps)))
    batch = harmful + (benign if sizes else 0)
    return Outlook(steps, batch, tuple(seen), _between(steps, settings), True)


def seconds(ahead: Outlook, settings: AlignSettings, base: str, told: Iterable[Mapping[str, Any]]) -> float | None:
    """How long the steps may take, by trainings that were measured; None where none is like it.

    Args:
        ahead: What it will do.
        settings: How.
        base: The model that is trained.
        told: Provenance of adapters, the most telling ones first.
    """
    for one in told:
        made, training = dict(one.get("settings") or {}), dict(one.get("training") or {})
        method = str(made.get("method", "sft"))
        same = method == settings.method
        if (one.get("base") or {}).get("name") != base or not (same or {method, settings.method} <= set(REPLIES)):
            continue
        steps = int(training.get("steps") or 0) - int(training.get("resumed_at") or 0)
        batch = int(training.get("batch") or made.get("batch_size") or 0)
        if steps > 0 and batch > 0 and training.get("seconds"):
            work = 1.0 if same else REPLIES[settings.method] / REPLIES[method]
            return float(training["seconds"]) / (steps * batch) * work * ahead.steps * ahead.batch
    return None


def _sizes(recipe: Any, prompts: pd.DataFrame, settings: AlignSettings) -> dict[str, int | None]:
    """Prompts of each set, the harmful one first; None where candidates have to be placed first."""
    if not isinstance(recipe, Arm):
        counts = recipe.wanted(prompts, settings)["intent"].value_counts()
        return {HARMFUL: int(counts.get("harmful", 0)), "generic": int(counts.get("harmless", 0))}
    if settings.recipe in NEED_CANDIDATES:
        refusals = find_recipe("refusals").wanted(prompts, settings)
        size = settings.benign_size or len(refusals)
        shares = {part.group: part.share for part in recipe.benign}
        later = {name: None if share is None else round(size * share) for name, share in shares.items()}
        return {HARMFUL: len(refusals), **later}
    rows = recipe.wanted(prompts, settings, Extra())
    counts = rows["group"].value_counts()
    found: dict[str, int | None] = {HARMFUL: int(counts.get(HARMFUL, 0))}
    size = settings.benign_size or int(counts.get(HARMFUL, 0))
    for part in recipe.benign:
        here = int(counts.get(part.group, 0))
        found[part.group] = here if part.share is None else min(here, round(size * part.share))
    return found


def _between(steps: int, settings: AlignSettings) -> int:
    return max(1, math.ceil(steps / settings.checkpoints))
