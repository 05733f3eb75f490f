"""How the boundary moved in each arm of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasslib.boundary.analysis import analyze
from rasslib.mitigation.moving import Moved, as_json, how_moved
from rasslib.mitigation.outcomes import BASE, ArmModel
from rasslib.models import load, resolve
from rasslib.models.catalogue import ADAPTER_CONFIG
from rasslib.progress import Progress
from rasslib.prompts import load_bundled, thinned
from rasslib.workspace import Workspace


def moved_arms(
    models: Sequence[ArmModel],
    base: str,
    template: str,
    device: str | None,
    workspace: Workspace,
    progress: Progress,
    most: int | None = None,
) -> dict[str, Moved]:
    """What moved between the base and the first model of every arm, on the bundled prompts.

    The base is read and analysed first, unless its run is in the workspace; of its replies only those are asked for
    that the choice of the layer and the report need.

    Args:
        models: The arms.
        base: Their base.
        template: Chat template.
        device: Where the models run.
        workspace: Keeps the run of the base.
        progress: Told of the reading.
        most: At most so many of the bundled prompts, with the shares of every intent, split and category.
    """
    bundled = load_bundled()
    bundled = bundled if most is None or most >= len(bundled) else thinned(bundled, most)
    before = load(resolve(base, None, template), device=device, dtype="float32", progress=progress)
    run = analyze(
        before, bundled, bundled, workspace, None, progress, title=f"{base} on bundled prompts", complete=False
    )
    found: dict[str, Moved] = {}
    for one in models:
        if one.arm == BASE or one.arm in found or one.adapter is None or one.way:
            continue
        whole = not (one.adapter / ADAPTER_CONFIG).is_file()
        spec = resolve(str(one.adapter), None, template) if whole else resolve(base, one.adapter, template)
        after = load(spec, device=device, dtype="float32", progress=progress)
        found[one.arm] = how_moved(run, after, progress)
    return found


def moves(
    models: Sequence[ArmModel],
    base: str,
    template: str,
    device: str | None,
    workspace: Workspace,
    progress: Progress,
) -> dict[str, Any]:
    """The same for JSON, on all bundled prompts."""
    return as_json(moved_arms(models, base, template, device, workspace, progress))
