"""Every method recovers a planted direction, and keeps the scale that a margin needs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rasslib.boundary.directions import fit_axis
from rasslib.boundary.margin import margins
from rasslib.boundary.methods import METHODS, direction_along, fit_direction, weights
from rasslib.boundary.statistics import auc
from rasslib.errors import AnalysisError

D = 24


def sample(n: int, seed: int, *, anisotropic: bool = True, gap: float = 3.0) -> tuple[torch.Tensor, np.ndarray]:
    """Two classes ``gap`` apart along one fixed unit vector, in noise that is 12 times as wide along another.

    That other vector leans towards the planted one, so that the difference of means reads mostly noise.
    """
    fixed = np.random.default_rng(1)
    axis, wide = (v / np.linalg.norm(v) for v in fixed.standard_normal((2, D)))
    wide = (wide + axis) / np.linalg.norm(wide + axis)
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3 == 0
    x = rng.standard_normal((n, D)) + gap * y[:, None] * axis
    if anisotropic:
        x += 12 * rng.standard_normal((n, 1)) * wide
    x[:, 0] += 300.0  # the common part of a residual stream
    return torch.from_numpy(x).float(), y


def held_out_auc(method: str, **kind) -> float:
    direction = fit_direction(*sample(400, 2, **kind), method, c=1e-1)
    x, y = sample(400, 3, **kind)
    return auc(margins(x[:, None], [direction])[:, 0], y)


@pytest.mark.parametrize("method", METHODS)
def test_planted_direction_is_recovered(method):
    assert held_out_auc(method, anisotropic=False) > 0.93


def test_whitening_sees_past_wide_noise():
    by_method = {method: held_out_auc(method) for method in METHODS}
    assert by_method["whitened"] > by_method["mean"] + 0.15
    assert by_method["logistic"] > by_method["mean"] + 0.15
    assert by_method["whitened"] > 0.85


@pytest.mark.parametrize("method", METHODS)
def test_random_labels_teach_nothing(method):
    x, y = sample(300, 4)
    shuffled = np.random.default_rng(5).permutation(y)
    fresh, truth = sample(600, 6)
    direction = fit_direction(x, shuffled, method)
    other = np.random.default_rng(7).permutation(truth)
    assert abs(auc(margins(fresh[:, None], [direction])[:, 0], other) - 0.5) < 0.08


@pytest.mark.parametrize("method", METHODS)
def test_strength_one_moves_the_margin_by_two(method):
    x, y = sample(200, 8)
    direction = fit_direction(x, y, method, axis="behaviour", layer=5, position="last_instruction")
    z = margins(x[:, None], [direction])[:, 0]
    assert (z[y].mean(), z[~y].mean()) == (pytest.approx(1), pytest.approx(-1))
    moved = margins((x.double() + direction.vector.double())[:, None], [direction])[:, 0]
    assert moved - z == pytest.approx(2 * np.ones(200), abs=1e-6)
    assert (direction.axis, direction.layer, direction.position) == ("behaviour", 5, "last_instruction")
    assert (direction.method, direction.n_high, direction.n_low) == (method, int(y.sum()), int((~y).sum()))


def test_mean_is_the_difference_of_means_itself():
    x, y = sample(100, 9)
    assert torch.equal(fit_direction(x, y, "mean").vector, fit_axis(x[:, None], y)[0].vector)


@pytest.mark.parametrize("method", METHODS)
def test_order_of_the_prompts_does_not_matter(method):
    x, y = sample(150, 10)
    order = np.random.default_rng(11).permutation(150)
    one, other = weights(x, y, method), weights(x[torch.from_numpy(order)], y[order], method)
    assert float(one @ other) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_fewer_prompts_than_dimensions(method):
    x, y = sample(15, 12)
    assert torch.isfinite(fit_direction(x, y, method).vector).all()


def test_whitening_survives_a_constant_coordinate():
    x, y = sample(200, 13)
    x[:, 3] = 7.0
    direction = fit_direction(x, y, "whitened")
    assert abs(float(direction.unit[3])) < 1e-9
    fresh, truth = sample(200, 14)
    fresh[:, 3] = 7.0
    assert auc(margins(fresh[:, None], [direction])[:, 0], truth) > 0.85


def test_direction_is_turned_towards_class_one():
    x, y = sample(100, 15)
    w = weights(x, y, "mean")
    one, other = (direction_along(sign * w, x, y, method="mean") for sign in (1, -5))
    assert torch.allclose(one.vector, other.vector)
    assert one.gap > 0


@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_fitted_is_told(method):
    x, y = sample(30, 16)
    with pytest.raises(AnalysisError, match="all 30 are harmless"):
        fit_direction(x, np.zeros(30, dtype=bool), method)
    with pytest.raises(AnalysisError, match="alike"):
        fit_direction(torch.ones(30, 4), y, method)
    x[3, 1] = torch.nan
    with pytest.raises(AnalysisError, match="row 3"):
        fit_direction(x, y, method)


def test_wrong_settings_are_told():
    x, y = sample(30, 17)
    with pytest.raises(AnalysisError, match=r"no method 'svm'.*mean, whitened, logistic"):
        fit_direction(x, y, "svm")
    with pytest.raises(AnalysisError, match="positive number"):
        fit_direction(x, y, "logistic", c=0)
