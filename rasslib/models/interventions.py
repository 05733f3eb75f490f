"""Changes of the residual stream while the model runs, as small objects the lens knows how to hook.

Hook points: ``blocks.i.hook_in`` and ``blocks.i.hook_out`` (residual stream before and after block i), and
``blocks.i.hook_attn_out`` / ``blocks.i.hook_mlp_out`` (what is really added to it). A write at ``hook_resid_mid``
would not reach the skip path, so it is never used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from rasslib.errors import ModelError

Change = Callable[[Tensor], Tensor]


class Intervention(Protocol):
    """A change of the residual stream."""

    def changes(self, n_layers: int) -> list[tuple[str, Change]]:
        """Pairs of hook point and change ``[batch, position, d_model] -> same``."""


@dataclass(frozen=True)
class Add:
    """x ← x + v at the output of one block, at every position (Arditi et al. 2024, activation addition).

    Attributes:
        layer: Block whose output is changed (0-based).
        vector: [d_model], in units of the residual stream.
    """

    layer: int
    vector: Tensor

    def changes(self, n_layers: int) -> list[tuple[str, Change]]:
        """One change, at the output of the block."""
        if not 0 <= self.layer < n_layers:
            raise IndexError(f"layer {self.layer} of a model with {n_layers} layers")

        def add(x: Tensor) -> Tensor:
            return x + self.vector.to(x)

        return [(f"blocks.{self.layer}.hook_out", add)]


@dataclass(frozen=True)
class Ablate:
    """x ← x − ⟨x, u⟩u at every block input and every attention and MLP output (Arditi et al. 2024, ablation).

    Attributes:
        vector: [d_model]; only its direction matters.
    """

    vector: Tensor

    def changes(self, n_layers: int) -> list[tuple[str, Change]]:
        """Three changes per block."""
        norm = self.vector.double().norm()
        if norm == 0:
            raise ModelError("The direction to ablate is zero: the two groups of prompts do not differ here.")
        unit = self.vector.double() / norm

        def ablate(x: Tensor) -> Tensor:
            u = unit.to(x)
            return x - (x @ u).unsqueeze(-1) * u

        points = ("hook_in", "hook_attn_out", "hook_mlp_out")
        return [(f"blocks.{i}.{point}", ablate) for i in range(n_layers) for point in points]


@dataclass(frozen=True)
class PerRow:
    """Another list of interventions for each row of a batch: variants of one prompt run side by side.

    Only for :meth:`rasslib.models.lens.Lens.stream`, where rows stay where they are.
    """

    variants: Sequence[Sequence[Intervention]]

    def changes(self, n_layers: int) -> list[tuple[str, Change]]:
        """The rows' changes, each confined to its row."""

        def confined(row: int, change: Change) -> Change:
            def apply(x: Tensor) -> Tensor:
                out = x.clone()
                out[row : row + 1] = change(x[row : row + 1])
                return out

            return apply

        return [
            (point, confined(row, change))
            for row, variant in enumerate(self.variants)
            for intervention in variant
            for point, change in intervention.changes(n_layers)
        ]


def random_like(vector: Tensor, seed: int) -> Tensor:
    """A random direction of the same norm: the control of every intervention."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(vector.shape, generator=generator, dtype=torch.float64)
    return (noise / noise.norm() * vector.double().norm()).to(vector.dtype)
