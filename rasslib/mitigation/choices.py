"""What can be compared here: shipped and trained adapters, our own sets, and public ones whose file is here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rasslib.benchmarks import benchmarks
from rasslib.benchmarks.sources import find_file, folder_of
from rasslib.benchmarks.words import SUFFIXES
from rasslib.errors import BenchmarkError
from rasslib.mitigation.adapters import PROVENANCE
from rasslib.mitigation.jobs.asks import BASE_MODEL, TrainAsk, name_of
from rasslib.mitigation.jobs.job import jobs
from rasslib.mitigation.untrained import WAYS
from rasslib.models.catalogue import shipped_adapters
from rasslib.workspace import Workspace


@dataclass(frozen=True)
class ArmChoice:
    """A model that can be compared.

    Attributes:
        label: For people; each once.
        arm: What its arm is called.
        place: Name of a shipped adapter or of a way to steer, or a folder.
        made: Names how it was trained, but for the seed; empty for what was not trained here.
    """

    label: str
    arm: str
    place: str
    made: str = ""


def arm_choices(workspace: Workspace, base: str = BASE_MODEL) -> dict[str, ArmChoice]:
    """Shipped adapters, then those trained in this workspace on the same base, newest first; by label."""
    found: list[ArmChoice] = []
    if base == BASE_MODEL:
        found += [ArmChoice(f"{name} (shipped)", name, name) for name in shipped_adapters()]
    for job in jobs(workspace, TrainAsk):
        if isinstance(job.ask, TrainAsk) and job.ask.base == base and (job.adapter / PROVENANCE).is_file():
            label = f"{job.ask.title} ({job.name.rpartition('-')[2]})"
            found.append(ArmChoice(label, job.ask.arm, str(job.adapter), _made(job.ask)))
    return {one.label: one for one in found}


def is_label(text: str) -> bool:
    """Whether this is how the page calls an adapter or a way to steer, and no folder."""
    return re.fullmatch(r".+ \((shipped|not trained|[0-9a-f]{12})\)", text) is not None


def way_choices() -> dict[str, ArmChoice]:
    """What needs no training, by label."""
    return {f"{way} (not trained)": ArmChoice(f"{way} (not trained)", way, way) for way in WAYS}


def entries(chosen: Iterable[str], known: Mapping[str, ArmChoice], together: bool) -> tuple[str, ...]:
    """What is compared, as ``rass compare --adapters`` takes it.

    Args:
        chosen: Labels of ``known``, or folders and NAME=FOLDER as typed.
        known: See :func:`arm_choices`.
        together: Adapters whose trainings differ in the seed alone are one arm; else each is an arm of its own.
    """
    found: list[str] = []
    used, made = set[str](), dict[str, str]()
    for text in dict.fromkeys(one.strip() for one in chosen):
        one = known.get(text)
        if one is None:
            found += [text] if text else []
        elif one.place == one.arm:
            found.append(one.place)
            used.add(one.arm)
        else:
            name = made.get(one.made) if together else None
            if name is None:
                own = f"{one.arm}-own" if one.arm in shipped_adapters() else one.arm
                name = made[one.made] = _unused(own, used)
            used.add(name)
            found.append(f"{name}={one.place}")
    return tuple(found)


def _made(ask: TrainAsk) -> str:
    """Names all that was asked of a training but its seed."""
    return name_of(replace(ask, settings=replace(ask.settings, seed=0), watch=0))


def _unused(name: str, used: set[str]) -> str:
    number, free = 1, name
    while free in used:
        number += 1
        free = f"{name}-{number}"
    return free


def public_files(workspace: Workspace) -> dict[str, Path]:
    """Files of public sets that were fetched or uploaded on the page Benchmarks, by id."""
    folder = folder_of(workspace)
    given = {
        name: path
        for name in benchmarks()
        for end in SUFFIXES
        if (path := folder / "uploads" / f"{name}{end}").is_file()
    }
    found: dict[str, Path] = {}
    for name, one in benchmarks().items():
        try:
            found[name] = find_file(one, given, folder)
        except BenchmarkError:
            continue
    return found


def typed_files(text: str) -> dict[str, str]:
    """Files of public sets as typed, NAME=FILE one a line.

    Raises:
        BenchmarkError: A line is not of that form, or there is no such set or file.
    """
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, mark, file = (part.strip() for part in line.partition("="))
        if not mark or not file:
            raise BenchmarkError(f"{line!r} should be written NAME=FILE, such as xstest=/data/xstest.csv.")
        if name not in benchmarks():
            raise BenchmarkError(f"There is no benchmark {name!r}: the page Benchmarks lists their ids.")
        if not Path(file).expanduser().is_file():
            raise BenchmarkError(f"There is no file {file}: check the path of {name}.")
        found[name] = str(Path(file).expanduser())
    return found


def asked(n_prompts: Sequence[int], n_harmful: Sequence[int], models: int, prefill: bool, utility: int) -> int:
    """Replies that a comparison needs.

    Args:
        n_prompts: Prompts of each set.
        n_harmful: Prompts of each harmful set, asked again under prefill.
        models: How many models, the base among them.
        prefill: Whether there is a prefill attack.
        utility: Short questions.
    """
    return models * (sum(n_prompts) + (sum(n_harmful) if prefill else 0) + utility)
