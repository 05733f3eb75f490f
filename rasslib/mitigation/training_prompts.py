"""The prompt set of a training by its name: one that comes along, or a file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from rasslib.mitigation.settings import TrainingError
from rasslib.prompts import SETS, assign_splits, read_prompts


def training_prompts(name: str, notes: list[str] | None = None) -> pd.DataFrame:
    """The prompts; a file without splits gets them by seed, so that something is held out.

    Args:
        name: ``bundled``, ``parallel``, or the path of a file.
        notes: Gets a sentence on every row of a file that was left out or changed.

    Raises:
        PromptError: The file cannot be read.
        TrainingError: No file is named.
    """
    if name in SETS:
        return SETS[name]()
    if not name.strip():
        raise TrainingError("No prompts are named: take the bundled ones, or give the path of a file.")
    found = read_prompts(Path(name).expanduser(), default_intent="unlabelled")
    told = [] if notes is None else notes
    told += [*found.notes, *(f"Row {row.row} was left out: {row.reason}." for row in found.dropped.itertuples())]
    if set(found.prompts["split"]) != {"test"}:  # which is what readers fill in where there is none
        return found.prompts
    told.append("The file has no splits, so they were assigned by seed: what is held out is not trained on.")
    return assign_splits(found.prompts)
