"""The margin's scale: -1, 0, +1, and 2 for the whole difference of means."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rasslib.boundary.directions import fit_axis
from rasslib.boundary.margin import in_band, margins, projections
from rasslib.errors import AnalysisError


def test_class_means_on_train_are_minus_one_and_one(planted):
    z = margins(planted.acts, fit_axis(planted.acts, planted.labels))
    assert z.shape == (200, 4)
    np.testing.assert_allclose(z[planted.labels].mean(axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(z[~planted.labels].mean(axis=0), -1.0, atol=1e-9)


@pytest.mark.parametrize("strength", [1.0, 0.5, -1.0])
def test_adding_the_difference_of_means_moves_the_margin_by_two(planted, strength):
    directions = fit_axis(planted.acts, planted.labels)
    before = margins(planted.acts.double(), directions)
    added = torch.stack([direction.vector for direction in directions]).double()
    after = margins(planted.acts.double() + strength * added, directions)
    np.testing.assert_allclose(after - before, 2 * strength, atol=1e-6)


def test_midpoint_of_the_class_means_is_zero(planted):
    direction = fit_axis(planted.acts, planted.labels)[3]
    high, low = planted.acts[planted.labels].double(), planted.acts[~planted.labels].double()
    middle = (high.mean(dim=0) + low.mean(dim=0)) / 2
    assert margins(middle[None, 3:4], [direction])[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_ablated_prompts_have_no_projection(planted):
    direction = fit_axis(planted.acts, planted.labels)[2]
    x = planted.acts[:, 2].double()
    ablated = x - (x @ direction.unit)[:, None] * direction.unit
    np.testing.assert_allclose(projections(ablated, direction), 0.0, atol=1e-9)


def test_margin_does_not_depend_on_the_scale_of_the_model(planted):
    bigger = planted.acts * 64  # a power of two: exact in floating point
    np.testing.assert_allclose(
        margins(bigger, fit_axis(bigger, planted.labels)),
        margins(planted.acts, fit_axis(planted.acts, planted.labels)),
        rtol=1e-12,
    )


def test_half_precision_activations_are_read(planted):
    directions = fit_axis(planted.acts, planted.labels)
    half = margins(planted.acts.bfloat16(), directions)
    assert np.corrcoef(half[:, 3], margins(planted.acts, directions)[:, 3])[0, 1] > 0.95


def test_layer_without_direction_has_no_margin(planted):
    planted.acts[:, 0] = 1.0
    z = margins(planted.acts, fit_axis(planted.acts, planted.labels))
    assert np.isnan(z[:, 0]).all()
    assert np.isfinite(z[:, 1:]).all()


def test_bad_activations_name_the_prompts(planted):
    directions = fit_axis(planted.acts, planted.labels)
    planted.acts[1, 2] = float("nan")
    with pytest.raises(AnalysisError, match=r"\(p1\)"):
        margins(planted.acts, directions, ids=[f"p{i}" for i in range(200)])


def test_each_layer_needs_its_direction(planted):
    with pytest.raises(ValueError, match="expected"):
        margins(planted.acts, fit_axis(planted.acts, planted.labels)[:2])


def test_band_has_closed_ends_and_no_missing_margins():
    z = np.array([-0.6, -0.5, 0.0, 0.5, 0.51, np.nan])
    assert in_band(z, 0.5).tolist() == [False, True, True, True, False, False]


@pytest.mark.parametrize("tau", [0, -1.0, float("nan"), float("inf")])
def test_band_needs_a_width(tau):
    with pytest.raises(AnalysisError, match="half-width"):
        in_band(np.zeros(3), tau)
