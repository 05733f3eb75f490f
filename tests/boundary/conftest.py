"""Synthetic activations in which the answer is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor


@dataclass
class Planted:
    """Two classes that differ along one known unit vector, by more at later layers."""

    acts: Tensor  # [n, L, d] float32
    labels: np.ndarray  # [n] bool
    axis: Tensor  # [d] float64, length 1


def plant(n: int = 200, layers: int = 4, d: int = 24, gap: float = 3.0, seed: int = 0) -> Planted:
    """Layer i has class means ``gap·i`` apart (layer 0: not at all), unit noise, a common part of 300."""
    axis = torch.randn(d, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    axis = axis / axis.norm()
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 3 == 0
    sizes = gap * torch.arange(layers, dtype=torch.float64)
    acts = torch.randn(n, layers, d, generator=generator, dtype=torch.float64)
    acts += labels[:, None, None] * sizes[None, :, None] * axis
    acts[..., 0] += 300.0
    return Planted(acts.float(), labels.numpy(), axis)


@pytest.fixture
def planted() -> Planted:
    return plant()


@pytest.fixture
def make_planted() -> Callable[..., Planted]:
    """Makes more of them: the axis is always the same, prompts and noise depend on the seed."""
    return plant
