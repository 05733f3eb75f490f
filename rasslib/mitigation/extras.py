"""What a recipe takes beside the prompt set, found where the user says or made."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from rasslib.mitigation.candidates import Candidates, place_candidates, read_candidates
from rasslib.mitigation.recipes import NEED_CANDIDATES, Extra
from rasslib.mitigation.settings import AlignSettings
from rasslib.progress import Progress
from rasslib.triggers.bundled import Trigger, read_triggers


def extra_of(
    settings: AlignSettings,
    prompts: pd.DataFrame,
    *,
    candidates: Path | None,
    triggers: Path | None,
    tau: float | None,
    placed_by: str,
    pool: int,
    workspace: Path | None,
    device: str | None,
    progress: Progress,
) -> Extra:
    """Candidates and triggers of a training.

    Args:
        settings: Its recipe says what is needed.
        prompts: The prompt set.
        candidates: A file of candidates with margins; None lets the grammar make some.
        triggers: A file of triggers; None for those that come with the program.
        tau: Half-width of the band for a file of candidates.
        placed_by: Model that places the grammar's candidates: one that refuses.
        pool: How many the grammar makes.
        workspace: Folder where that model's run is kept.
        device: Where that model runs.
        progress: Told of its reading.

    Raises:
        RassError: A file cannot be read, or the model cannot be loaded or analysed.
    """
    given: tuple[Trigger, ...] | None = None
    if triggers is not None:
        given = tuple(one for one in read_triggers(triggers, prompts) if one.split == "train")
    if settings.recipe not in NEED_CANDIDATES:
        return Extra(None, given)
    if candidates is not None:
        return Extra(read_candidates(candidates, tau), given)
    return Extra(_of_grammar(placed_by, pool, settings.seed, workspace, device, progress), given)


def _of_grammar(
    placed_by: str, pool: int, seed: int, workspace: Path | None, device: str | None, progress: Progress
) -> Candidates:
    from rasslib.boundary.analysis import analyze
    from rasslib.models import load, resolve
    from rasslib.models.names import spoken_name
    from rasslib.prompts import load_bundled
    from rasslib.workspace import Workspace

    lens, bundled = load(resolve(placed_by), device=device, progress=progress), load_bundled()
    run = analyze(
        lens, bundled, bundled, Workspace(workspace), None, progress, title=f"{spoken_name(lens)} on bundled prompts"
    )
    return place_candidates(lens, run, pool, seed, progress=progress)
