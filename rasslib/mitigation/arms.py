"""Which models a comparison names: shipped adapters, folders, NAME=FOLDER, or ways to steer without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rasslib.benchmarks.subject import Subject
from rasslib.errors import ModelError
from rasslib.mitigation.jobs.asks import BASE_MODEL
from rasslib.mitigation.outcomes import BASE, ArmModel, Loader
from rasslib.mitigation.speakers import Speaker
from rasslib.mitigation.untrained import WAYS, steered_by
from rasslib.models.catalogue import ADAPTER_CONFIG, resolve, shipped_adapters
from rasslib.models.loading import load
from rasslib.progress import Progress
from rasslib.workspace import Workspace

SHIPPED = "shipped"


def named_arms(entries: Sequence[str], base: str = BASE_MODEL) -> list[ArmModel]:
    """The models of a comparison; the base always comes first.

    Args:
        entries: ``shipped`` (all that come with the program), the name of one, a folder (its name is the arm's), one of
            :data:`WAYS`, ``WAY@ADAPTER`` or ``WAY@base``, and ``NAME=`` before any of them but the first. A name given
            again is another seed of the same arm. A way alone steers what refuses: the shipped model ``generic`` where
            the base is the embedded one, else the base.
        base: What the adapters are of.

    Raises:
        ModelError: There is no such adapter, or no adapter is shipped.
    """
    shipped = shipped_adapters()
    found = [ArmModel(BASE)]
    for entry in (one.strip() for one in entries):
        if entry in ("", BASE):
            continue
        if entry == SHIPPED:
            found += [ArmModel(name, path) for name, path in shipped.items()]
            continue
        name, mark, place = entry.partition("=")
        if not mark:
            way, of = _way(entry)
            name, place = (f"{way}@{Path(of).name}" if of else way) or Path(entry).name, entry
        if name == BASE:
            raise ModelError(f"An arm cannot be named {BASE}, which is the untrained model; give it another name.")
        way, of = _way(place)
        if way and not of:
            of = "generic" if base == BASE_MODEL and "generic" in shipped else BASE
        adapter = None if way and of == BASE else _folder(name, of if way else place, shipped, bool(way))
        found.append(ArmModel(name, adapter, way))
    return list(dict.fromkeys(found))


def _way(entry: str) -> tuple[str, str]:
    """The way to steer and what is steered; empty where there is none."""
    way, _, of = entry.partition("@")
    return (way, of) if way in WAYS else ("", "")


def _folder(name: str, place: str, shipped: Mapping[str, Path], steered: bool) -> Path:
    """Where an adapter or a model is.

    Raises:
        ModelError: Nowhere, or it cannot be told which one is meant.
    """
    path = shipped[place] if place in shipped else Path(place).expanduser()
    if place in shipped and (Path(place) / ADAPTER_CONFIG).is_file():
        raise ModelError(
            f"{place!r} is both a shipped adapter and a folder here; write NAME=./{place} for the folder, or go to "
            "another folder for the shipped one."
        )
    if name in shipped and (steered or path != shipped[name]):
        raise ModelError(f"{name} is a shipped adapter; give {place!r} another name, such as {name}-own={place}.")
    if not any((path / file).is_file() for file in (ADAPTER_CONFIG, "config.json")):
        known = ", ".join(shipped) or "none"
        raise ModelError(
            f"There is no adapter or model at {place!r}: give a folder with {ADAPTER_CONFIG} (shipped: {known}), or "
            f"one of {', '.join(WAYS)}."
        )
    return path.resolve()


def loader(
    base: str,
    template: str = "auto",
    device: str | None = None,
    progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> Loader:
    """Loads the models of a comparison over a base, in float32.

    Args:
        base: The base.
        template: Chat template.
        device: Where they run.
        progress: Told of loading, and of what steering has to compute first.
        workspace: Where replies and runs are kept; the settings' own by default.
    """
    place = workspace or Workspace()

    def load_arm(arm: ArmModel) -> Speaker:
        whole = arm.adapter is not None and not (arm.adapter / ADAPTER_CONFIG).is_file()
        spec = resolve(str(arm.adapter), None, template) if whole else resolve(base, arm.adapter, template)
        lens = load(spec, device=device, dtype="float32", progress=progress)
        return steered_by(lens, place, arm.way, progress) if arm.way else Speaker(Subject(lens), place.database)

    return load_arm
