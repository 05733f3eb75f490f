"""Which layer to read the margin at: the one whose margin tells best what the model will do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rasslib.boundary.checks import as_labels
from rasslib.boundary.statistics import auc
from rasslib.errors import AnalysisError

_BEHAVIOUR = ("refused", "complied")


@dataclass(frozen=True)
class LayerChoice:
    """The chosen layer and why.

    Attributes:
        layer: The layer (0-based).
        auc_by_layer: Validation AUC of the margin, refused against complied, at each of the L layers (NaN
            where the layer has no direction).
        eligible: Layers that could have been chosen.
        reason: The choice in one sentence, for people.
    """

    layer: int
    auc_by_layer: tuple[float, ...]
    eligible: tuple[int, ...]
    reason: str

    @property
    def auc(self) -> float:
        """Validation AUC at the chosen layer: the best of many, so too good; report the one on test."""
        return self.auc_by_layer[self.layer]


def eligible_layers(n_layers: int, first: float = 0.1, last: float = 0.2) -> tuple[int, ...]:
    """Layers without the first and last shares of the depth, each rounded up.

    In the last fifth, close to the unembedding, a direction may stand for no more than the first words of a
    refusal (Arditi et al. 2024, arXiv 2406.11717, leave it out too). Leaving out the first tenth as well is
    this project's reading of RASS. All layers are eligible where nothing else is left (two blocks, say).

    Args:
        n_layers: L.
        first: Share of the depth left out at the start.
        last: Share of the depth left out at the end.
    """
    start = math.ceil(first * n_layers - 1e-9)
    stop = n_layers - math.ceil(last * n_layers - 1e-9)
    return tuple(range(start, stop)) or tuple(range(n_layers))


def choose_layer(
    margins: ArrayLike,
    refused: Any,
    first: float = 0.1,
    last: float = 0.2,
    *,
    ids: Sequence[str] | None = None,
) -> LayerChoice:
    """The eligible layer with the highest AUC of the margin, refused against complied; ties to the earlier.

    Call it with borderline and harmful prompts of the *validation* split that have a behaviour (`invalid`
    replies left out). Harmful against harmless would choose nothing: that is separable at nearly every layer.
    This criterion is this project's reading of RASS; it finds where refusal can be read, not where it can
    best be changed.

    Args:
        margins: [n, L], column i for layer i.
        refused: [n] bool.
        first: Share of the depth left out at the start.
        last: Share of the depth left out at the end.
        ids: n prompt ids, to name prompts in errors.

    Raises:
        AnalysisError: All prompts were refused or all complied with, a margin is not finite, or no layer has
            a direction.
    """
    z = np.asarray(margins, dtype=np.float64)
    if z.ndim != 2:
        raise ValueError(f"expected [n, L], got {list(z.shape)}")
    n, n_layers = z.shape
    y = as_labels(refused, n, _BEHAVIOUR)
    known = [not np.isnan(column).all() for column in z.T]
    values = tuple(auc(z[:, i], y, ids=ids) if known[i] else math.nan for i in range(n_layers))
    in_depth = eligible_layers(n_layers, first, last)
    eligible = tuple(i for i in in_depth if known[i])
    if not eligible:
        raise AnalysisError(
            f"None of the {len(in_depth)} eligible layers has a direction: the two classes have the same "
            "mean there; use prompts that differ."
        )
    layer = max(eligible, key=lambda i: (values[i], -i))
    return LayerChoice(layer, values, eligible, _reason(layer, values[layer], y, in_depth, n_layers))


def _reason(layer: int, value: float, y: np.ndarray, in_depth: tuple[int, ...], n_layers: int) -> str:
    counts = f"{int(y.sum())} refused, {int((~y).sum())} complied"
    before, after = in_depth[0], n_layers - 1 - in_depth[-1]
    left_out = (
        f"the first {before} and the last {after} of {n_layers} layers were left out"
        if before or after
        else f"all {n_layers} layers were compared"
    )
    return (
        f"Layer {layer} tells refused from complied prompts best on validation (AUC {value:.3f}; {counts}); {left_out}."
    )
