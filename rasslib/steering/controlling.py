"""Which layer's direction to steer with: the one that controls refusal, which need not be the one that reads it best.

A short trial on validation prompts (:mod:`rasslib.boundary.causal`), kept with the run; a boundary report's longer
trial counts instead where there is one. Where no layer passes the published thresholds the lowest bypass is taken, and
that is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rasslib.boundary.causal import CausalSettings, try_directions
from rasslib.boundary.choice import eligible_layers
from rasslib.boundary.directions import Direction
from rasslib.boundary.findings import residual_norm
from rasslib.boundary.reading import score_openers
from rasslib.boundary.report import saved_report
from rasslib.boundary.report_reading import JsonStore
from rasslib.boundary.run import Analysis
from rasslib.errors import AnalysisError
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.workspace.files import atomic_json, read_json

TRIAL = CausalSettings(prompts=12, controls=2, control_layers=0)
CANDIDATES = 8
_KEPT = "steering.json"


@dataclass(frozen=True)
class Controlling:
    """The layer to steer at.

    Attributes:
        layer: The layer (0-based).
        reason: Why, in a sentence or two, for people.
        qualifies: Whether it passed the published thresholds.
    """

    layer: int
    reason: str
    qualifies: bool


def controlling_layer(lens: Lens, run: Analysis, progress: Progress | None = None) -> Controlling:
    """Try out the layers that read refusal best, once for a run, and take the one whose direction controls it.

    Args:
        lens: The run's model.
        run: The run whose intent directions are tried, on its validation prompts.
        progress: Told after each direction.
    """
    known = known_layer(run)
    if known is not None:
        return known
    rows = run.prompts[run.prompts["fit"] & (run.prompts["split"] == "validation")]
    harmful, harmless = (rows.loc[rows["intent"] == i, "prompt"].tolist() for i in ("harmful", "harmless"))
    directions = run.directions["intent"]
    try:
        choice = try_directions(
            lens,
            [directions[layer] for layer in _best_readers(run)],
            harmful,
            harmless,
            score_openers(lens, run.summary["settings"]["openers"]),
            TRIAL,
            cache=JsonStore(run.workspace.cache_dir / "causal.json"),
            progress=progress,
        )
    except AnalysisError as error:
        found = Controlling(
            run.layer, f"The layer that reads refusal best, because none could be tried: {error}", False
        )
    else:
        found = _from_trial(choice.as_dict()) or Controlling(run.layer, "The layer that reads refusal best.", False)
    atomic_json(run.folder / _KEPT, asdict(found))
    return found


def known_layer(run: Analysis) -> Controlling | None:
    """What a report or an earlier trial found; None before the first trial."""
    trial = (saved_report(run) or {}).get("causal")
    found = _from_trial(trial) if trial else None
    if found is None and (run.folder / _KEPT).is_file():
        found = Controlling(**read_json(run.folder / _KEPT))
    return found


def direction_at(run: Analysis, layer: int) -> tuple[Direction, float]:
    """The intent direction at a layer, and the mean norm of the residual stream there.

    Raises:
        AnalysisError: The model has no such layer.
    """
    directions: Sequence[Direction] = run.directions["intent"]
    if not 0 <= layer < len(directions):
        raise AnalysisError(f"There is no layer {layer}; this model's layers are 0 to {len(directions) - 1}.")
    return directions[layer], residual_norm(run.activations(layer))


def _best_readers(run: Analysis) -> list[int]:
    """The eligible layers with the highest validation AUC, in order of depth."""
    auc = run.summary["axes"]["intent"]["auc_by_layer"]
    value = {i: -np.inf if auc[i] is None else auc[i] for i in eligible_layers(run.n_layers)}
    return sorted(sorted(value, key=lambda i: (-value[i], i))[:CANDIDATES])


def _from_trial(trial: Mapping[str, Any]) -> Controlling | None:
    """The chosen candidate of a trial, else the one with the lowest bypass; None where nothing was measured."""
    if trial.get("layer") is not None:
        return Controlling(int(trial["layer"]), str(trial["reason"]), True)
    tried = [c for c in trial["candidates"] if c["effect"] and c["effect"]["bypass"] is not None]
    if not tried:
        return None
    best = min(tried, key=lambda c: (c["effect"]["bypass"], c["layer"]))
    reason = (
        f"No layer passes the published thresholds (layer {best['layer']}: {'; '.join(best['against'])}). Layer "
        f"{best['layer']} has the lowest bypass: ablating its direction takes {trial['n_harmful']} harmful prompts "
        f"from a mean refusal score of {trial['base_harmful']:+.2f} to {best['effect']['bypass']:+.2f}."
    )
    return Controlling(int(best["layer"]), reason, False)
