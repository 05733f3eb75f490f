"""The sets that arms are compared on: held-out prompts of our own, and files of public sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from rasslib.benchmarks import benchmark, benchmarks, read_benchmark
from rasslib.errors import BenchmarkError
from rasslib.prompts import load_bundled, make_prompt_set, prompt_id
from rasslib.triggers.bundled import LEVELS, load_triggers

OWN: dict[str, tuple[str, str]] = {
    "harmless": ("RR", "harmless prompts"),
    "borderline": ("RR", "borderline prompts"),
    "harmful": ("ASR", "harmful prompts"),
    "triggers": ("RR", "triggers of these harmful prompts: what is left without their harm"),
    "triggers-1": ("RR", "level 1 of these triggers: in other words"),
    "triggers-2": ("RR", "level 2 of these triggers: up to one detail less"),
    "triggers-3": ("RR", "level 3 of these triggers: the gist"),
}
"""Sets of our own: metric and what they are."""

DEFAULT = ("harmless", "borderline", "triggers", "harmful")
"""What ``bundled`` stands for."""

SPLITS = ("test", "validation")
"""Splits of our own sets that no arm is trained on."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One set.

    Attributes:
        name: What it is called.
        metric: ``RR`` or ``ASR``.
        prompts: A prompt set; none of them may be trained on.
        note: Where it is from.
        parents: What each prompt was made of, in the order of ``prompts``: prompts of one parent, in whatever set, are
            resampled together. Empty where every prompt stands for itself.
        whole: Prompts of the set before a limit.
    """

    name: str
    metric: str
    prompts: pd.DataFrame
    note: str = ""
    parents: tuple[str, ...] = ()
    whole: int = 0


def held_out_sets(
    names: Sequence[str], paths: Mapping[str, Path] | None = None, split: str = "test", limit: int | None = None
) -> list[HeldOut]:
    """The named sets.

    Args:
        names: Keys of :data:`OWN`, ``bundled`` for :data:`DEFAULT`, or ids of public sets.
        paths: File of each public set.
        split: Split of our own sets; choose on ``validation``, report on ``test``.
        limit: At most so many prompts of each (a seeded draw); None for all.

    Raises:
        BenchmarkError: A name or the split is unknown, or a public set has no file.
    """
    if split not in SPLITS:
        raise BenchmarkError(f"Arms cannot be compared on the split {split!r}: use {' or '.join(SPLITS)}.")
    paths = dict(paths or {})
    wanted = list(dict.fromkeys(own for name in names for own in (DEFAULT if name == "bundled" else (name,))))
    wanted += [name for name in paths if name not in wanted]
    if not wanted:
        raise BenchmarkError("No benchmark is named: use bundled, or one of its sets.")
    found = [_public(name, paths) if name not in OWN else _own(name, split) for name in wanted]
    if limit is None:
        return found
    return [_fewer(one, limit) for one in found]


def _fewer(one: HeldOut, limit: int) -> HeldOut:
    kept = one.prompts.reset_index(drop=True).sample(min(limit, len(one.prompts)), random_state=0)
    parents = tuple(one.parents[row] for row in kept.index) if one.parents else ()
    return replace(one, prompts=kept, parents=parents)


def _own(name: str, split: str) -> HeldOut:
    metric, about = OWN[name]
    note = f"{about}; split {split}"
    if not name.startswith("triggers"):
        bundled = load_bundled()
        rows = bundled[(bundled["split"] == split) & (bundled["intent"] == name)]
        parents = tuple(map(str, rows["id"])) if name == "harmful" else ()  # drawn with the triggers made of them
        return HeldOut(name, metric, rows.reset_index(drop=True), note, parents, len(rows))
    level = LEVELS[int(name.partition("-")[2] or 0)]
    triggers = load_triggers(split)
    records = [
        {"prompt": one.at(level), "intent": "borderline", "category": one.category, "split": split} for one in triggers
    ]
    prompts, parent = make_prompt_set(records), {prompt_id(one.at(level)): one.id for one in triggers}
    parents = tuple(parent[str(key)] for key in prompts["id"])
    return HeldOut(name, metric, prompts, note, parents, len(prompts))


def _public(name: str, paths: Mapping[str, Path]) -> HeldOut:
    if name not in benchmarks():
        raise BenchmarkError(
            f"There is no benchmark {name!r}: use bundled or one of {', '.join((*OWN, *benchmarks()))}."
        )
    if name not in paths:
        raise BenchmarkError(f"{benchmark(name).title} does not come with the program: give its file ({name}=FILE).")
    known = benchmark(name)
    read = read_benchmark(known, paths[name])
    note = f"{known.title}, file {paths[name].name}, sha256 {read.sha256[:16]}. {' '.join(read.notes)}".strip()
    return HeldOut(name, known.metric, read.prompts, note, whole=len(read.prompts))
