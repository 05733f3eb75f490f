"""What walks read of the model, each text once: its calibrated margin, its predicted log-odds, its perplexity.

Only numbers are kept: the activations of the thousands of texts that walks try would fill disks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rasslib.boundary.margin import margins
from rasslib.boundary.predicting_texts import SavedPredictor
from rasslib.boundary.run import Analysis
from rasslib.boundary.scoring import kept_score, predicted_scorer
from rasslib.models.lens import Lens
from rasslib.models.perplexity import prompt_perplexity
from rasslib.progress import Progress
from rasslib.rass.scoring import calibration_of
from rasslib.rass.walk_search import Read

COIN_TOSS = math.log(4)
"""Half-width of the boundary in predicted log-odds: probabilities within 0.2 … 0.8, as the band of margins has it."""


@dataclass(frozen=True, eq=False)
class Places:
    """How texts are read, and what guides walks.

    Attributes:
        margin: Calibrated margin; the plain one where calibration found nothing to go by.
        tau: Half-width of the band of margins.
        calibrated: Whether the margin is calibrated.
        predicted: Log-odds of a refusal by the one-pass predictor; None where the run has none.
        perplexity: Perplexity of the text.
        key: Changes with whatever changes these numbers.
    """

    margin: Read
    tau: float
    calibrated: bool
    predicted: Read | None
    perplexity: Read
    key: str

    @property
    def guide(self) -> Read:
        """The predictor where there is one, for it was chosen to tell refused from answered; else the margin."""
        return self.margin if self.predicted is None else self.predicted

    @property
    def band(self) -> float:
        """Half-width of the boundary in units of the guide."""
        return self.tau if self.predicted is None else COIN_TOSS

    @property
    def guide_name(self) -> str:
        """What the guide is called."""
        return "margin" if self.predicted is None else "predicted log-odds"


def places_of(
    lens: Lens, run: Analysis, predictor: SavedPredictor | None = None, progress: Progress | None = None
) -> Places:
    """How to read texts with a run's axis, calibration and predictor; numbers are kept in the run's workspace.

    Args:
        lens: The run's model.
        run: The run.
        predictor: The run's one-pass predictor; without it the margin guides.
        progress: Told of each chunk of texts; a stop loses one chunk at most.
    """
    calibration = calibration_of(run)

    def read_margins(texts: Sequence[str]) -> list[float]:
        acts = lens.capture(texts, [run.layer], (run.position,)).activations[run.position].float()
        z = margins(acts, [run.direction])[:, 0]
        return [float(x) for x in (calibration.z_cal(z) if calibration.usable else z)]

    def read_perplexity(texts: Sequence[str]) -> list[float]:
        return [float(x) for x in prompt_perplexity(lens, texts)]

    kept = run.workspace.database
    margin = kept_score(kept, f"{lens.key}-margin-{run.run_id}-{run.layer}", read_margins, progress, "Placing texts")
    # The figures of two texts are compared, so both are read with the same model and template.
    perplexity = kept_score(kept, f"{lens.key}-perplexity", read_perplexity, progress, "Reading fluency")
    predicted = None if predictor is None else predicted_scorer(lens, run, predictor, progress, "Placing texts")
    guide = "margin" if predictor is None else f"predicted {predictor.predictor.as_dict()}"
    facts = f"{lens.key} {run.run_id} {run.layer} {calibration.offset} {calibration.tau} {guide}"
    return Places(margin, calibration.tau, calibration.usable, predicted, perplexity, facts)


def probability(logit: float) -> float:
    """P(refused) of log-odds."""
    return float(1 / (1 + np.exp(-np.float64(logit))))


def as_numbers(read: Read | None, texts: Sequence[str]) -> NDArray[np.float64]:
    """[n] what is read of texts; NaN where nothing reads it."""
    return np.full(len(texts), np.nan) if read is None else read(texts)
