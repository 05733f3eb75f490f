"""What is asked of a job: all that fixes its result, as plain JSON, so that it can go on after any end."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rasslib.errors import WorkspaceError
from rasslib.mitigation.adapters import start_at
from rasslib.mitigation.settings import AlignSettings
from rasslib.models.catalogue import ADAPTER_WEIGHTS

BASE_MODEL = "embedded-base"


@dataclass(frozen=True)
class TrainAsk:
    """A training.

    Attributes:
        settings: How; the recipe and the method are in it.
        base: The model that is trained: ``embedded-base``, a folder, a ``.gguf`` file or a hub id.
        template: Chat template.
        prompts: ``bundled``, or the path of a file.
        watch: Validation prompts of each intent asked along the way.
        candidates: File of candidates with margins; empty for those of the grammar.
        placed_by: Model that places the grammar's candidates.
        pool: How many the grammar makes.
        triggers: File of triggers; empty for those that come along.
        pairs: File of preference pairs of the studio, for DPO.
        start: Folder or shipped name of an adapter to train on; empty for fresh weights.
        content: Digest of what stands in the files that are named, so that a changed file is another training.
    """

    settings: AlignSettings = field(default_factory=AlignSettings)
    base: str = BASE_MODEL
    template: str = "auto"
    prompts: str = "bundled"
    watch: int = 8
    candidates: str = ""
    placed_by: str = "embedded"
    pool: int = 1500
    triggers: str = ""
    pairs: str = ""
    start: str = ""
    content: str = ""

    @property
    def arm(self) -> str:
        """What the arm is called in comparisons: its recipe, and its method where that is not SFT."""
        made, data = self.settings, "pairs" if self.pairs else self.settings.recipe
        return data if made.method == "sft" else f"{data}-{made.method}"

    @property
    def title(self) -> str:
        """For lists."""
        of = f" of {self.base}" if self.base != BASE_MODEL else ""
        on = f", on {Path(self.start).name}" if self.start else ""
        return f"{self.arm}, seed {self.settings.seed}{of}{on}"


@dataclass(frozen=True)
class CompareAsk:
    """A comparison.

    Attributes:
        arms: As ``rass compare --adapters`` takes them.
        sets: As ``rass compare --benchmarks`` takes them.
        files: File of each public set.
        base: The base of the adapters.
        template: Chat template.
        split: Of our own sets.
        limit: At most so many prompts of each set; 0 for all.
        prefill: Also attack with compliant openings.
        utility: Also measure fluency and short answers.
        moved: Prompts on which it is shown how the boundary moved; 0 for none.
        draws: Resamples.
        seed: Of the resamples.
    """

    arms: tuple[str, ...]
    sets: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    base: str = BASE_MODEL
    template: str = "auto"
    split: str = "test"
    limit: int = 0
    prefill: bool = True
    utility: bool = True
    moved: int = 0
    draws: int = 2000
    seed: int = 0

    @property
    def title(self) -> str:
        """For lists."""
        names = dict.fromkeys(one.partition("=")[0].rstrip("/").rpartition("/")[2] for one in self.arms)
        part = f", {self.limit} prompts a set" if self.limit else ""
        return f"base, {', '.join(names)} on {', '.join(self.sets)} ({self.split}{part})"


Ask = TrainAsk | CompareAsk
KINDS: dict[str, type[TrainAsk] | type[CompareAsk]] = {"train": TrainAsk, "compare": CompareAsk}


def as_json(ask: Ask) -> dict[str, Any]:
    """For the file of the job."""
    return {"kind": kind_of(ask), "ask": dataclasses.asdict(ask)}


def kind_of(ask: Ask) -> str:
    """``train`` or ``compare``."""
    return next(name for name, kind in KINDS.items() if isinstance(ask, kind))


def from_json(saved: Mapping[str, Any]) -> Ask:
    """What :func:`as_json` gave.

    Raises:
        WorkspaceError: It is none of ours, or of another version.
        TrainingError: Its settings make no sense any more.
    """
    try:
        given = dict(saved["ask"])
        if saved["kind"] == "train":
            return TrainAsk(**{**given, "settings": AlignSettings(**given["settings"])})
        return CompareAsk(**{**given, "arms": tuple(given["arms"]), "sets": tuple(given["sets"])})
    except (KeyError, TypeError) as error:
        raise WorkspaceError("A saved training or comparison is of another version; start it anew.") from error


def with_content(ask: TrainAsk) -> TrainAsk:
    """The same with the digest of its files; those that are not there are told when the training begins."""
    digest = hashlib.sha256()
    folder = start_at(ask.start) if ask.start else None
    named = [Path(text).expanduser() for text in (ask.prompts, ask.candidates, ask.triggers, ask.pairs) if text]
    files = [path for path in (*named, *([folder / ADAPTER_WEIGHTS] if folder else [])) if path.is_file()]
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return dataclasses.replace(ask, content=digest.hexdigest()[:16] if files else "")


def name_of(ask: Ask) -> str:
    """Name of the job's folder: the same ask has the same one."""
    digest = hashlib.sha256(json.dumps(as_json(ask), sort_keys=True).encode()).hexdigest()[:12]
    return f"{kind_of(ask)}-{digest}"
