"""Scores of changed prompts: the function that attribution and the search for a crossing are written against."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from rasslib.boundary.predicting_texts import SavedPredictor, predict_texts
from rasslib.boundary.reading import score_key, score_openers
from rasslib.boundary.run import Analysis
from rasslib.models.lens import Lens
from rasslib.progress import Progress, Silent
from rasslib.prompts import prompt_id
from rasslib.refusal import refusal_score
from rasslib.workspace import Workspace
from rasslib.workspace.database import Database

Score = Callable[[Sequence[str]], NDArray[np.float64]]
"""Texts of prompts → [n] numbers that are larger the more the model is expected to refuse."""

CHUNK = 64
"""Prompts between two stops; what is scored is in the workspace by then."""


def predicted_scorer(
    lens: Lens, run: Analysis, saved: SavedPredictor, progress: Progress | None = None, stage: str = "Predicting"
) -> Score:
    """The one-pass predictor's log-odds as a :data:`Score`; arguments as in :func:`refusal_scorer`."""
    digest = hashlib.sha256(json.dumps(saved.predictor.as_dict(), sort_keys=True).encode()).hexdigest()[:10]
    key = f"{lens.key}-predictor-{digest}"
    return kept_score(
        run.workspace.database, key, lambda texts: predict_texts(lens, run, saved, texts).tolist(), progress, stage
    )


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
    ids = score_openers(lens, openers)

    def read(texts: Sequence[str]) -> list[float]:
        return [float(x) for x in refusal_score(lens.next_token_logits(texts), ids)]

    return kept_score(workspace.database, score_key(lens.key, ids), read, progress, stage)


def kept_score(
    database: Database, key: str, read: Callable[[Sequence[str]], list[float]], progress: Progress | None, stage: str
) -> Score:
    """A score that reads only what the workspace does not hold yet, some prompts at a time.

    Args:
        database: Where scores are kept.
        key: Names what they depend on besides the prompt.
        read: Scores texts, each on its own.
        progress: Told of each chunk.
        stage: What the work is called.
    """
    told = progress or Silent()

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        names = [prompt_id(text) for text in texts]
        known = database.get_scores(key, names)
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in known}
        todo = list(missing)
        for start in range(0, len(todo), CHUNK):
            part = todo[start : start + CHUNK]
            found = dict(zip(part, read([missing[name] for name in part]), strict=True))
            database.put_scores(key, found)
            known = {**known, **found}
            told.update(stage, len(names) - len(todo) + start + len(part), len(names))
        return np.array([known[name] for name in names], dtype=np.float64)

    return score
