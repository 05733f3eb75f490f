"""The closest crossing of a prompt of a run: threshold, replacement words, replies, and where the answer is kept."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from rasslib.boundary.analysis import settings_of
from rasslib.boundary.crossing import OPPOSITE, Behave, Crossing, CrossingSettings, Step, find_crossing
from rasslib.boundary.inspecting import Inspected, nearest_by_behaviour
from rasslib.boundary.pieces import pieces_of
from rasslib.boundary.predicting_texts import saved_predictor
from rasslib.boundary.reading import read_replies, reply_key
from rasslib.boundary.run import Analysis
from rasslib.boundary.scoring import predicted_scorer, refusal_scorer
from rasslib.errors import WorkspaceError
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.prompts import prompt_id
from rasslib.refusal import PhraseJudge
from rasslib.workspace.files import atomic_json, make_folder, read_json

NEUTRAL = ("thing", "person", "place", "book", "make", "use", "describe", "good", "ordinary", "gently")
"""Harmless words for the place of a noun, a verb, an adjective or an adverb (which one fits is not looked at)."""

FROM_NEIGHBOURS = 10
"""Replacement words from the nearest prompts with which the model does the opposite."""

VERSION = 1
_NEAR = 12
PREDICTED = "one-pass predictor"


def search_settings(run: Analysis, max_edits: int) -> CrossingSettings:
    """Settings of a search: by the run's one-pass predictor where its report was made, else by the refusal score."""
    if saved_predictor(run) is not None:
        return CrossingSettings(max_edits=max_edits, threshold=0.0, scored_by=PREDICTED)
    return CrossingSettings(max_edits=max_edits, threshold=score_threshold(run))


def score_threshold(run: Analysis) -> float:
    """The refusal score that best separates refused from complied replies of the run; 0 where it cannot be told.

    The middle of the widest-scoring cut by balanced accuracy, on prompts outside the test split; where these show one
    behaviour only, 0 (p = 1/2).
    """
    table = run.prompts[run.prompts["split"] != "test"]
    scores = table["refusal_score"].to_numpy(dtype=float)
    refused = (table["behaviour"] == "refused").to_numpy() & np.isfinite(scores)
    complied = (table["behaviour"] == "complied").to_numpy() & np.isfinite(scores)
    if not refused.any() or not complied.any():
        return 0.0
    values = np.unique(scores[refused | complied])
    cuts = (values[1:] + values[:-1]) / 2
    if not len(cuts):
        return 0.0
    right = [(scores[refused] > c).mean() + (scores[complied] <= c).mean() for c in cuts]
    best = np.flatnonzero(np.isclose(right, max(right)))
    return float(cuts[best[len(best) // 2]])


def replacement_words(run: Analysis, prompt: Inspected, layer: int | None = None) -> list[str]:
    """Neutral words, then words of the nearest prompts with which the model does the opposite, most frequent first."""
    other = OPPOSITE.get(prompt.behaviour)
    if other is None:
        return list(NEUTRAL)
    near = nearest_by_behaviour(run, prompt, run.layer if layer is None else layer, _NEAR)[other]
    own = {piece.text.casefold() for piece in pieces_of(prompt.prompt)}
    counts = Counter(
        word
        for text in near["prompt"]
        for word in dict.fromkeys(piece.text.casefold() for piece in pieces_of(text))
        if word not in own and (len(word) > 3 or not word.isascii())
    )
    return list(dict.fromkeys([*NEUTRAL, *(word for word, _ in counts.most_common(FROM_NEIGHBOURS))]))


def behaviour_by_reply(lens: Lens, run: Analysis) -> Behave:
    """What the model does with a text: its greedy reply, kept in the workspace, and the judge's word on it."""
    tokens = settings_of(run).reply_tokens
    judge = PhraseJudge()

    def behave(text: str) -> str:
        name = prompt_id(text)
        read_replies(lens, {name: text}, run.workspace, tokens)
        reply = run.workspace.database.get_replies(reply_key(lens.key, tokens), [name])[name]
        return judge.judge(reply.text, finished=reply.finished).behaviour

    return behave


def closest_crossing(
    lens: Lens, run: Analysis, prompt: Inspected, settings: CrossingSettings, progress: Progress | None = None
) -> Crossing:
    """Search, and keep the answer in the run's folder.

    Args:
        lens: The run's model.
        run: The run.
        prompt: The prompt.
        settings: How far to go.
        progress: Told of scored prompts and finished sizes; it may stop the search, whose scores and replies are kept.

    Raises:
        AnalysisError: The prompt has no word.
    """
    score = refusal_scorer(lens, settings_of(run).openers, run.workspace, progress, "Scoring changed prompts")
    saved = saved_predictor(run) if settings.scored_by == PREDICTED else None
    if saved is not None:
        score = predicted_scorer(lens, run, saved, progress)
    found = find_crossing(
        prompt.prompt,
        score,
        behaviour_by_reply(lens, run),
        words=replacement_words(run, prompt),
        settings=settings,
        progress=progress,
    )
    path = _path(run, prompt, settings)
    make_folder(path.parent)
    atomic_json(path, {**asdict(found), "changed_score": found.changed_score if found.found else None})
    return found


def kept_crossing(run: Analysis, prompt: Inspected, settings: CrossingSettings) -> Crossing | None:
    """What an earlier search with these settings found; None where there was none or its file is damaged."""
    path = _path(run, prompt, settings)
    if not path.is_file():
        return None
    try:
        return _read(read_json(path))
    except (WorkspaceError, KeyError, TypeError, ValueError):
        return None


def _read(saved: dict[str, Any]) -> Crossing:
    edits: Sequence[Sequence[str]] = saved["edits"]
    value = saved["changed_score"]
    return Crossing(
        **{
            **saved,
            "changed_score": float("nan") if value is None else float(value),
            "edits": tuple((str(old), str(new)) for old, new in edits),
            "steps": tuple(Step(**step) for step in saved["steps"]),
        }
    )


def _path(run: Analysis, prompt: Inspected, settings: CrossingSettings) -> Path:
    # The text itself: ids leave out spacing, but the edits are those of this text.
    what = json.dumps([VERSION, prompt.prompt, asdict(settings)], sort_keys=True)
    return run.folder / "crossings" / f"{hashlib.sha256(what.encode()).hexdigest()[:16]}.json"
