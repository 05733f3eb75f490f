"""Which models a comparison names: ``shipped``, names of shipped adapters, folders, or NAME=FOLDER."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rasslib.errors import ModelError
from rasslib.mitigation.adapters import CONFIG
from rasslib.mitigation.outcomes import BASE, ArmModel, Loader
from rasslib.models.catalogue import resolve, shipped_adapters
from rasslib.models.loading import Pretrained, load_pretrained
from rasslib.progress import Progress

SHIPPED = "shipped"


def named_arms(entries: Sequence[str]) -> list[ArmModel]:
    """The models of a comparison; the base always comes first.

    Args:
        entries: ``shipped`` (all that come with the program), the name of one, a folder (its name is the arm's), or
            ``NAME=FOLDER``. A name given again is another seed of the same arm.

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
            name, place = Path(entry).name, entry
        path = shipped[place] if place in shipped else Path(place).expanduser()
        if place in shipped and (Path(place) / CONFIG).is_file():
            raise ModelError(
                f"{place!r} is both a shipped adapter and a folder here; write NAME=./{place} for the folder, or go to "
                "another folder for the shipped one."
            )
        if name in shipped and path != shipped[name]:
            raise ModelError(f"{name} is a shipped adapter; give {place!r} another name, such as {name}-own={place}.")
        if not any((path / file).is_file() for file in (CONFIG, "config.json")):
            known = ", ".join(shipped) or "none"
            raise ModelError(
                f"There is no adapter or model at {place!r}: give a folder with {CONFIG} (shipped: {known})."
            )
        if name == BASE:
            raise ModelError(f"An arm cannot be named {BASE}, which is the untrained model; give it another name.")
        found.append(ArmModel(name, path.resolve()))
    return list(dict.fromkeys(found))


def loader(base: str, template: str = "auto", device: str | None = None, progress: Progress | None = None) -> Loader:
    """Loads the models of a comparison over a base, in float32."""

    def load(arm: ArmModel) -> Pretrained:
        whole = arm.adapter is not None and not (arm.adapter / CONFIG).is_file()
        spec = resolve(str(arm.adapter), None, template) if whole else resolve(base, arm.adapter, template)
        return load_pretrained(spec, device=device, dtype="float32", progress=progress)

    return load
