"""How the margins of a class spread at every layer: the background of one prompt's line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rasslib.boundary.findings import held_out
from rasslib.boundary.run import Analysis


@dataclass(frozen=True, eq=False)
class ClassBand:
    """Margins of the held-out prompts of one intent, layer by layer.

    Attributes:
        intent: ``harmful``, ``harmless``, ...
        n: Prompts.
        which: Which prompts, in words.
        mean: [L] mean margin.
        low: [L] 10 % quantile.
        high: [L] 90 % quantile.
    """

    intent: str
    n: int
    which: str
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def class_bands(run: Analysis, intents: tuple[str, ...] = ("harmful", "harmless")) -> list[ClassBand]:
    """The bands of the held-out given prompts; an intent without any takes the fit set's test split, else is left out.

    The class means of the *train* split are −1 and +1 by construction; those of held-out prompts need not be.
    """
    bands = []
    test = run.prompts["split"] == "test"
    for intent in intents:
        of_intent = run.prompts["intent"] == intent
        for rows, which in (
            (of_intent & held_out(run.prompts), "held-out test prompts"),
            (of_intent & test & run.prompts["fit"], "held-out prompts of the fit set"),
        ):
            z = run.margins[rows.to_numpy()].astype(float)
            if len(z):
                low, high = np.quantile(z, [0.1, 0.9], axis=0)
                bands.append(ClassBand(intent, len(z), which, z.mean(axis=0), low, high))
                break
    return bands
