"""Directions: the difference of means is found, in float64, and refuses what it cannot be computed from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rasslib.boundary.directions import Direction, difference_in_means, fit_axis
from rasslib.errors import AnalysisError


def test_planted_direction_is_recovered(planted):
    found = fit_axis(planted.acts, planted.labels)
    for direction in found[1:]:
        assert float(direction.unit @ planted.axis) > 0.95
    assert found[3].gap == pytest.approx(9.0, rel=0.1)  # gap 3 per layer, at layer 3
    assert [direction.layer for direction in found] == [0, 1, 2, 3]


def test_direction_tells_its_provenance(planted):
    direction = fit_axis(
        planted.acts[:, 2:], planted.labels, axis="behaviour", position="last_instruction", layers=[2, 3]
    )[1]
    assert (direction.axis, direction.layer, direction.position, direction.method) == (
        "behaviour", 3, "last_instruction", "mean",
    )  # fmt: skip
    assert (direction.n_high, direction.n_low) == (planted.labels.sum(), (~planted.labels).sum())
    assert direction.vector.dtype == torch.float32


def test_vector_is_the_whole_difference_and_gap_its_norm(planted):
    high, low = planted.acts[planted.labels, 3], planted.acts[~planted.labels, 3]
    direction = fit_axis(planted.acts, planted.labels)[3]
    expected = high.double().numpy().mean(axis=0) - low.double().numpy().mean(axis=0)
    np.testing.assert_allclose(direction.vector.numpy(), expected, rtol=1e-6, atol=1e-6)
    assert direction.gap == pytest.approx(float(np.linalg.norm(expected)), rel=1e-6)
    assert float(direction.unit.norm()) == pytest.approx(1.0, abs=1e-12)
    assert direction.midpoint == pytest.approx((direction.mean_high + direction.mean_low) / 2)


def test_means_are_summed_in_float64():
    """In bfloat16 the mean of 4,000 numbers near 256 is off by more than the difference looked for."""
    x_high = torch.full((4000, 2), 256.0, dtype=torch.bfloat16)
    x_low = x_high.clone()
    x_high[::8] += 2  # mean difference 0.25
    assert difference_in_means(x_high, x_low).tolist() == [0.25, 0.25]


def test_swapping_the_classes_turns_the_direction_round(planted):
    one = fit_axis(planted.acts, planted.labels)[2]
    other = fit_axis(planted.acts, ~planted.labels)[2]
    torch.testing.assert_close(one.vector, -other.vector)
    assert other.gap > 0


@pytest.mark.parametrize(("label", "there", "missing"), [(True, "harmful", "harmless"), (False, "harmless", "harmful")])
def test_one_class_only_says_which_is_missing(planted, label, there, missing):
    with pytest.raises(AnalysisError, match=f"all 200 are {there}: add some that are {missing}"):
        fit_axis(planted.acts, np.full(200, label))


def test_no_prompts_is_told(planted):
    with pytest.raises(AnalysisError, match="no prompts to compare"):
        fit_axis(planted.acts[:0], [])
    with pytest.raises(AnalysisError, match="there are 0 and 3"):
        difference_in_means(torch.ones(0, 2), torch.ones(3, 2))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_name_the_prompts(planted, value):
    planted.acts[5, 1, 3] = value
    planted.acts[9, 0, 0] = value
    ids = [f"p{i}" for i in range(200)]
    with pytest.raises(AnalysisError, match=r"2 of 200 prompts .*\(p5, p9\)"):
        fit_axis(planted.acts, planted.labels, ids=ids)
    with pytest.raises(AnalysisError, match=r"\(row 5, row 9\)"):
        fit_axis(planted.acts, planted.labels)


def test_many_bad_prompts_are_counted_not_listed(planted):
    planted.acts[:12] = float("nan")
    with pytest.raises(AnalysisError, match="row 4 and 7 more"):
        fit_axis(planted.acts, planted.labels)


def test_missing_labels_are_refused_not_taken_for_true(planted):
    labels = planted.labels.astype(float)
    labels[4] = np.nan
    with pytest.raises(ValueError, match="none missing"):
        fit_axis(planted.acts, labels)


def test_layer_without_difference_has_no_direction(planted):
    """Equal rows in classes of different size: the means differ by rounding alone."""
    planted.acts[:, 0] = planted.acts[0, 0]
    found = fit_axis(planted.acts, planted.labels)
    assert not found[0].vector.any()
    assert found[1].vector.any()
    with pytest.raises(AnalysisError, match="no intent direction at layer 0"):
        _ = found[0].unit


def test_no_difference_at_any_layer_is_told(planted):
    planted.acts[:] = planted.acts[0]
    with pytest.raises(AnalysisError, match="reads harmful and harmless prompts alike"):
        fit_axis(planted.acts, planted.labels)


def test_vector_of_another_type_is_refused():
    with pytest.raises(ValueError, match="float32"):
        Direction("intent", 0, "last_template", "mean", torch.ones(3, dtype=torch.float64), 1.0, 0.0, 1, 1)
