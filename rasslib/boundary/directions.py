"""Directions: the difference of two class means in the residual stream, one per layer.

    v_i = mean(x_i of class 1) − mean(x_i of class 0)        [d_model]

as in Arditi et al. 2024 (arXiv 2406.11717, section 2.3), with harmful prompts as class 1 and harmless ones as
class 0. Which prompts make up the classes of the other axes is this project's reading of RASS. Layer i is the
*output* of block i (0-based), so Arditi's l is our i + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from rasslib.boundary.checks import as_labels, check_finite
from rasslib.errors import AnalysisError

CLASSES = {
    "intent": ("harmful", "harmless"),
    "behaviour": ("refused", "complied"),
    "false-refusal": ("borderline and refused", "harmless and complied"),
}
"""Axis → names of class 1 (the +1 side) and class 0 (the −1 side)."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction at one layer and read position, with what the margin needs.

    Attributes:
        axis: ``intent``, ``behaviour`` or ``false-refusal``.
        layer: Block whose output it was read from (0-based).
        position: Read position, ``last_template`` or ``last_instruction``.
        method: How it was fitted; ``mean`` is the difference of means.
        vector: [d_model] float32, for ``mean`` the whole difference of means: adding it is strength 1.
        mean_high: a, mean projection of class 1 on :attr:`unit`, in units of the residual stream.
        mean_low: b, the same of class 0.
        n_high: Prompts of class 1 it was fitted on.
        n_low: Prompts of class 0.
    """

    axis: str
    layer: int
    position: str
    method: str
    vector: Tensor
    mean_high: float
    mean_low: float
    n_high: int
    n_low: int

    def __post_init__(self) -> None:
        if self.vector.ndim != 1 or self.vector.dtype != torch.float32:
            raise ValueError(f"a direction is float32 [d], got {self.vector.dtype} {list(self.vector.shape)}")

    @cached_property
    def unit(self) -> Tensor:
        """u = v / ‖v‖, [d_model] float64.

        Raises:
            AnalysisError: Both classes have the same mean here, so there is no direction.
        """
        norm = self.vector.double().norm()
        if norm == 0:
            high, low = CLASSES.get(self.axis, ("class 1", "class 0"))
            raise AnalysisError(
                f"There is no {self.axis} direction at layer {self.layer}: {high} and {low} prompts have the "
                "same mean activation; choose another layer, or prompts that differ."
            )
        return self.vector.double() / norm

    @property
    def gap(self) -> float:
        """a − b, the distance of the class means along the direction; ‖v‖ for the method ``mean``."""
        return self.mean_high - self.mean_low

    @property
    def midpoint(self) -> float:
        """m = (a + b) / 2: the projection at which the margin is 0."""
        return (self.mean_high + self.mean_low) / 2


def difference_in_means(x_high: Tensor, x_low: Tensor) -> Tensor:
    """v = mean(x_high) − mean(x_low), [d] float64 (Arditi et al. 2024).

    Summed in float64: at a norm of some hundreds, half-precision sums lose the difference of the means.

    Args:
        x_high: [n, d] activations of class 1.
        x_low: [m, d] activations of class 0.

    Raises:
        AnalysisError: A class is empty.
    """
    if len(x_high) == 0 or len(x_low) == 0:
        raise AnalysisError(
            f"A difference of means needs prompts of both classes, but there are {len(x_high)} and "
            f"{len(x_low)}: add prompts of the missing class."
        )
    return x_high.double().mean(dim=0) - x_low.double().mean(dim=0)


def fit_axis(
    acts: Tensor,
    labels: Any,
    *,
    axis: str = "intent",
    position: str = "last_template",
    layers: Sequence[int] | None = None,
    ids: Sequence[str] | None = None,
) -> list[Direction]:
    """The difference of means at every layer. Call it with prompts of the train split only.

    A layer at which both classes have the same mean gets a zero vector; its margins are NaN and it is never
    chosen.

    Args:
        acts: [n, L, d] residual stream at one read position, any floating type.
        labels: n of True (class 1: harmful or refused) or False (class 0).
        axis: A key of :data:`CLASSES`.
        position: The read position ``acts`` was captured at.
        layers: The L layer numbers; 0 … L−1 by default.
        ids: n prompt ids, to name prompts in errors.

    Returns:
        L directions, in the order of the layers in ``acts``.

    Raises:
        AnalysisError: One class is missing, an activation is not finite, or the classes are the same at all
            layers.
    """
    if acts.ndim != 3:
        raise ValueError(f"expected [n, L, d], got {list(acts.shape)}")
    numbers = range(acts.shape[1]) if layers is None else layers
    if len(numbers) != acts.shape[1]:
        raise ValueError(f"{len(numbers)} layer numbers for {acts.shape[1]} layers")
    high = torch.from_numpy(as_labels(labels, len(acts), CLASSES[axis]))
    check_finite(acts, ids)
    acts = acts.detach().cpu()
    found = [
        _direction(acts[high, column], acts[~high, column], axis, layer, position)
        for column, layer in enumerate(numbers)
    ]
    if not any(direction.vector.any() for direction in found):
        one, other = CLASSES[axis]
        raise AnalysisError(
            f"The model reads {one} and {other} prompts alike (no difference of means at any layer): "
            "check that the two classes hold different texts."
        )
    return found


def _direction(x_high: Tensor, x_low: Tensor, axis: str, layer: int, position: str) -> Direction:
    x_high, x_low = x_high.double(), x_low.double()
    vector = difference_in_means(x_high, x_low).float()
    norm = vector.double().norm()
    rounding = torch.finfo(torch.float32).eps * x_high.norm(dim=1).max()  # of means that are equal
    if norm <= rounding:
        return Direction(axis, layer, position, "mean", vector * 0, 0.0, 0.0, len(x_high), len(x_low))
    # The unit of the float32 vector that is kept: with it the class means of the margin are exactly ±1.
    unit = vector.double() / norm
    a, b = float((x_high @ unit).mean()), float((x_low @ unit).mean())
    return Direction(axis, layer, position, "mean", vector, a, b, len(x_high), len(x_low))
