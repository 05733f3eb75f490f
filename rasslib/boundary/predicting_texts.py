"""The saved one-pass predictor of a run, applied to any text: P(refused) from one read of the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rasslib.boundary.axis_table import tolerant_margins
from rasslib.boundary.directions import Direction
from rasslib.boundary.features import Features, make_features
from rasslib.boundary.predicting import Predictor
from rasslib.boundary.reading import score_openers
from rasslib.boundary.run import Analysis
from rasslib.boundary.storage import load_directions, save_directions
from rasslib.models.lens import Lens
from rasslib.models.likelihood import encode_openers, read_openers
from rasslib.progress import Progress
from rasslib.refusal import refusal_score
from rasslib.workspace.files import atomic_json, read_json

PREDICTOR = "predictor.json"
AXES = "predictor-axes"


@dataclass(frozen=True, eq=False)
class SavedPredictor:
    """A predictor with what it reads.

    Attributes:
        predictor: The fitted predictor.
        openers: Texts of the openers, in the order it was fitted with.
        axes: (axis, position) → directions of every layer.
    """

    predictor: Predictor
    openers: tuple[str, ...]
    axes: dict[tuple[str, str], tuple[Direction, ...]]


def save_predictor(
    run: Analysis,
    predictor: Predictor,
    openers: Sequence[str],
    axes: Mapping[tuple[str, str], Sequence[Direction]],
) -> None:
    """Keep a predictor with its run: directions first, so that a predictor on disk is always whole."""
    model = run.summary["model"]
    meta = {"fingerprint": model["fingerprint"], "model": model["name"], "template_hash": model["template_hash"]}
    for (axis, position), directions in axes.items():
        save_directions(run.folder / AXES / f"{axis}-{position}", directions, meta)
    atomic_json(
        run.folder / PREDICTOR,
        {"predictor": predictor.as_dict(), "openers": list(openers), "axes": [list(key) for key in axes]},
    )


def saved_predictor(run: Analysis) -> SavedPredictor | None:
    """The predictor kept with a run; None before its report was made.

    Raises:
        WorkspaceError, AnalysisError: It is there and damaged.
    """
    if not (run.folder / PREDICTOR).is_file():
        return None
    saved: dict[str, Any] = read_json(run.folder / PREDICTOR)
    axes = {}
    for axis, position in saved["axes"]:
        found, _ = load_directions(
            run.folder / AXES / f"{axis}-{position}", fingerprint=run.summary["model"]["fingerprint"]
        )
        axes[str(axis), str(position)] = tuple(found)
    return SavedPredictor(Predictor.from_dict(saved["predictor"]), tuple(saved["openers"]), axes)


def predict_texts(
    lens: Lens, run: Analysis, saved: SavedPredictor, texts: Sequence[str], progress: Progress | None = None
) -> NDArray[np.float64]:
    """Log-odds of a refusal of each text, [n]: 0 where refusal is a coin toss.

    Only what the predictor was built on is read: no activations where it needs none.

    Args:
        lens: The run's model.
        run: The run.
        saved: Its predictor.
        texts: n prompts.
        progress: Told after each batch.
    """
    names = saved.predictor.names
    margins: dict[tuple[str, str], NDArray[np.float64]] = {}
    scores: NDArray[np.float64] | None = None
    openers = score_openers(lens, run.summary["settings"]["openers"])
    needed = {key for key in saved.axes if any(n.startswith(f"margin/{key[0]}/{key[1]}/") for n in names)}
    if needed:
        positions = sorted({position for _, position in needed})
        capture = lens.capture(texts, positions=positions, with_logits=True, progress=progress)
        assert capture.logits is not None
        scores = refusal_score(capture.logits, openers).numpy()
        margins = {key: tolerant_margins(capture.activations[key[1]].float(), saved.axes[key]) for key in needed}
    likelihood = lengths = None
    if any(n.startswith("opener/") for n in names):
        read = read_openers(lens, texts, saved.openers, with_logits=scores is None, progress=progress)
        likelihood, lengths = read.log_likelihood.numpy(), [len(ids) for ids in encode_openers(lens, saved.openers)]
        if read.logits is not None:
            scores = refusal_score(read.logits, openers).numpy()
    if scores is None:
        scores = refusal_score(lens.next_token_logits(texts, progress=progress), openers).numpy()
    features: Features = make_features(
        margins,
        refusal_score=scores,
        opener_log_likelihood=likelihood,
        opener_lengths=lengths,
        openers=None if likelihood is None else saved.openers,
    )
    return saved.predictor.logit(features)
