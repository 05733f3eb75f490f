"""Which models a comparison names: shipped adapters, folders, NAME=FOLDER, or ways to steer without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rasslib.benchmarks.subject import Subject
from rasslib.errors import ModelError
from rasslib.mitigation.jobs.asks import BASE_MODEL
from rasslib.mitigation.outcomes import BASE, ArmModel, Loader
from rasslib.mitigation.provenance import provenance_of
from rasslib.mitigation.speakers import Speaker
from rasslib.mitigation.untrained import RANDOM, WAYS, steered_by
from rasslib.models.catalogue import ADAPTER_CONFIG, ADAPTER_WEIGHTS, resolve, shipped_adapters
from rasslib.models.loading import load
from rasslib.progress import Progress
from rasslib.workspace import Workspace

SHIPPED = "shipped"


def named_arms(entries: Sequence[str], base: str = BASE_MODEL) -> list[ArmModel]:
    """The models of a comparison; the base always comes first.

    Args:
        entries: ``shipped`` (all that come with the program), the name of one, a folder (its name is the arm's), one of
            :data:`WAYS`, ``WAY@ADAPTER`` or ``WAY@base``, and ``NAME=`` before any of them but the first. A name given
            again is another seed of the same arm, a random control given again takes other directions. A way alone
            steers what refuses: the shipped model ``generic`` where the base is the embedded one, else the base. What
            is steered takes part itself.
        base: What the adapters are of.

    Raises:
        ModelError: There is no such adapter, it is not whole, or it cannot be told which one is meant.
    """
    if base == "embedded":
        raise ModelError(
            "The model embedded is embedded-base with the adapter generic: compare over embedded-base, where generic "
            "is an arm."
        )
    shipped = shipped_adapters()
    found, folders = [ArmModel(BASE)], dict[str, Path]()
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
        if not mark and adapter is not None and folders.setdefault(name, adapter) != adapter:
            raise ModelError(
                f"Two folders are called {name} ({folders[name]} and {adapter}): say NAME=FOLDER of both, with one "
                "name only if they are seeds of one arm."
            )
        draw = sum(one.arm == name for one in found) if way.endswith(RANDOM) else 0
        found.append(ArmModel(name, adapter, way, draw))
    return list(dict.fromkeys([*found, *_steered(found, shipped)]))


def _steered(found: Sequence[ArmModel], shipped: Mapping[str, Path]) -> list[ArmModel]:
    """What is steered, where it is no arm yet.

    Raises:
        ModelError: It would be called as another arm is.
    """
    missing = [one.adapter for one in found if one.way and one.adapter is not None]
    missing = [path for path in dict.fromkeys(missing) if not any(one.adapter == path and not one.way for one in found)]
    added: list[ArmModel] = []
    for path in missing:
        name = next((name for name, place in shipped.items() if place.resolve() == path), path.name)
        if (name in shipped and shipped[name].resolve() != path) or any(one.arm == name for one in (*found, *added)):
            raise ModelError(f"What is steered takes part too, and {name} is another arm: say NAME={path} as well.")
        added.append(ArmModel(name, path))
    return added


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
    if (path / ADAPTER_CONFIG).is_file() and not (path / ADAPTER_WEIGHTS).is_file():
        raise ModelError(f"The adapter at {place!r} holds no {ADAPTER_WEIGHTS}: copy it again, or train it again.")
    return path.resolve()


def check_base(arm: ArmModel, base: str, fingerprint: str) -> None:
    """Check that an adapter was trained on this base, as far as it tells.

    Raises:
        ModelError: It was not.
    """
    if arm.adapter is None or not (arm.adapter / ADAPTER_CONFIG).is_file():
        return
    made_for = provenance_of(arm.adapter).get("base", {}).get("fingerprint")
    if made_for and made_for != fingerprint:
        raise ModelError(
            f"The adapter of {arm.arm} was trained on another model than {base} (weights {made_for}, here "
            f"{fingerprint}): name its own base, or leave it out."
        )


def loader(
    base: str,
    template: str = "auto",
    device: str | None = None,
    progress: Progress | None = None,
    workspace: Workspace | None = None,
    arms: Sequence[ArmModel] = (),
) -> Loader:
    """Loads the models of a comparison over a base, in float32.

    An adapter that was trained on another model is told as soon as the base is loaded.

    Args:
        base: The base.
        template: Chat template.
        device: Where they run.
        progress: Told of loading, and of what steering has to compute first.
        workspace: Where replies and runs are kept; the settings' own by default.
        arms: All that will be loaded.
    """
    place = workspace or Workspace()

    def load_arm(arm: ArmModel) -> Speaker:
        whole = arm.adapter is not None and not (arm.adapter / ADAPTER_CONFIG).is_file()
        spec = resolve(str(arm.adapter), None, template) if whole else resolve(base, arm.adapter, template)
        lens = load(spec, device=device, dtype="float32", progress=progress)
        if arm.adapter is None:
            for one in arms:
                check_base(one, base, lens.fingerprint)
        return (
            steered_by(lens, place, arm.way, progress, arm.draw) if arm.way else Speaker(Subject(lens), place.database)
        )

    return load_arm
