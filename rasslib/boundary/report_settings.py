"""How much a boundary report measures, and which rows of a run it fits, chooses and tests on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rasslib.boundary import findings
from rasslib.boundary.causal import CausalSettings
from rasslib.boundary.methods import METHODS
from rasslib.models.lens import POSITIONS


@dataclass(frozen=True)
class ReportSettings:
    """How much a report measures.

    Attributes:
        methods: Ways of fitting a direction.
        positions: Read positions; ``all`` adds every template token after the instruction.
        lam: λ of the false-refusal axis.
        behaviour_filter: Leave train prompts whose behaviour contradicts their label out of the intent axis.
        causal: Whether directions are tried out on the model.
        causal_settings: Thresholds and amounts of that.
        sampled: Replies per prompt near the boundary at temperature 1; 0 for none.
        sampled_prompts: At most so many of these prompts.
        draws: Resamples of intervals.
        seed: Seed of everything that is drawn.
    """

    methods: tuple[str, ...] = METHODS
    positions: tuple[str, ...] = POSITIONS
    lam: float = 1.0
    behaviour_filter: bool = False
    causal: bool = True
    causal_settings: CausalSettings = field(default_factory=CausalSettings)
    sampled: int = 0
    sampled_prompts: int = 40
    draws: int = 2000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Rows:
    """Masks [n] of the run's table; behaviours are known in all but ``held``."""

    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    detection: NDArray[np.bool_]
    detection_name: str
    refused: NDArray[np.bool_]

    @classmethod
    def of(cls, table: pd.DataFrame) -> Rows:
        judged = findings.judged(table)
        fit = table["fit"] & judged
        held = findings.held_out(table)
        detection, name = findings.detection_rows(table, held)
        return cls(
            (fit & (table["split"] == "train")).to_numpy(copy=True),
            (fit & (table["split"] == "validation")).to_numpy(copy=True),
            (held & judged).to_numpy(copy=True),
            detection.to_numpy(copy=True),
            name,
            (table["behaviour"] == "refused").to_numpy(copy=True),
        )
