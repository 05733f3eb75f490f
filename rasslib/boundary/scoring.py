"""Scores of changed prompts: the function that attribution and the search for a crossing are written against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rasslib.boundary.reading import score_key, score_openers
from rasslib.models.lens import Lens
from rasslib.progress import Progress, Silent
from rasslib.prompts import prompt_id
from rasslib.refusal import refusal_score
from rasslib.workspace import Workspace

Score = Callable[[Sequence[str]], NDArray[np.float64]]
"""Texts of prompts → [n] numbers that are larger the more the model is expected to refuse."""

CHUNK = 64
"""Prompts between two stops; what is scored is in the workspace by then."""


def refusal_scorer(
    lens: Lens, openers: Sequence[str], workspace: Workspace, progress: Progress | None = None, stage: str = "Scoring"
) -> Score:
    """The refusal score as a :data:`Score`; what was scored once is taken from the workspace.

    Args:
        lens: The model.
        openers: Refusal openers.
        workspace: Where scores are kept.
        progress: Told of each chunk.
        stage: What the work is called.
    """
    progress = progress or Silent()
    ids = score_openers(lens, openers)
    key = score_key(lens.key, ids)

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        names = [prompt_id(text) for text in texts]
        known = workspace.database.get_scores(key, names)
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in known}
        todo = list(missing)
        for start in range(0, len(todo), CHUNK):
            part = todo[start : start + CHUNK]
            values = refusal_score(lens.next_token_logits([missing[name] for name in part]), ids).tolist()
            found = dict(zip(part, values, strict=True))
            workspace.database.put_scores(key, found)
            known = {**known, **found}
            progress.update(stage, len(names) - len(todo) + start + len(part), len(names))
        return np.array([known[name] for name in names], dtype=np.float64)

    return score
