"""How the boundary moved in each arm of a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from rasslib.boundary.analysis import analyze
from rasslib.errors import AnalysisError, ModelError
from rasslib.mitigation.moving import Moved, how_moved
from rasslib.mitigation.outcomes import BASE, ArmModel
from rasslib.models import load, resolve
from rasslib.models.catalogue import ADAPTER_CONFIG
from rasslib.models.names import public_name
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
) -> tuple[dict[str, Moved], dict[str, str]]:
    """What moved between the base and the first model of every arm, on the bundled prompts; and why not, by arm.

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
    whole = load_bundled()
    bundled = whole if most is None else thinned(whole, most)
    before = load(resolve(base, None, template), device=device, dtype="float32", progress=progress)
    title = f"{public_name(base)} on {'' if len(bundled) == len(whole) else f'{len(bundled)} '}bundled prompts"
    run = analyze(before, bundled, bundled, workspace, None, progress, title=title, complete=False)
    found, missing = dict[str, Moved](), dict[str, str]()
    for one in models:
        if one.arm == BASE or one.arm in found or one.adapter is None or one.way:
            continue
        alone = not (one.adapter / ADAPTER_CONFIG).is_file()
        spec = resolve(str(one.adapter), None, template) if alone else resolve(base, one.adapter, template)
        after = load(spec, device=device, dtype="float32", progress=progress)
        try:
            found[one.arm] = how_moved(run, after, progress)
        except (AnalysisError, ModelError) as error:  # the others can still be told
            missing[one.arm] = str(error)
    return found, missing
