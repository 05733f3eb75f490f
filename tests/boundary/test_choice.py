"""The layer is chosen by what tells refusal from compliance, within the depth that is allowed."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from rasslib.boundary.choice import choose_layer, eligible_layers
from rasslib.errors import AnalysisError

REFUSED = np.arange(40) % 2 == 0


def layers_with(quality: list[float]) -> np.ndarray:
    """Margins [40, L] that are the truth times ``quality`` plus the same noise at every layer."""
    noise = np.random.default_rng(0).normal(size=40)
    return np.stack([q * np.where(REFUSED, 1.0, -1.0) + noise for q in quality], axis=1)


@pytest.mark.parametrize(
    ("n_layers", "first", "last"),
    [(30, 3, 23), (10, 1, 7), (24, 3, 18), (12, 2, 8), (32, 4, 24), (3, 1, 1), (2, 0, 1), (1, 0, 0)],
)
def test_eligible_depth(n_layers, first, last):
    layers = eligible_layers(n_layers)
    assert (layers[0], layers[-1]) == (first, last)
    assert layers == tuple(range(first, last + 1))


def test_eligible_depth_does_not_stumble_over_rounding():
    """0.07·100 is 7.000000000000001 in floating point."""
    layers = eligible_layers(100, first=0.07, last=0.14)
    assert (layers[0], layers[-1]) == (7, 85)


def test_best_layer_wins_only_where_it_is_eligible():
    quality = [9.0, 0.1, 0.3, 0.2, 1.0, 0.4, 0.3, 0.2, 9.0, 9.0]
    choice = choose_layer(layers_with(quality), REFUSED)
    assert choice.layer == 4
    assert choice.eligible == tuple(range(1, 8))
    assert choice.auc == choice.auc_by_layer[4] == max(choice.auc_by_layer[1:8])
    assert choice.auc_by_layer[9] == 1.0
    assert "Layer 4" in choice.reason
    assert "20 refused, 20 complied" in choice.reason
    assert "first 1 and the last 2 of 10" in choice.reason


def test_ties_go_to_the_earlier_layer():
    choice = choose_layer(layers_with([0.0, 0.1, 9.0, 9.0, 9.0, 0.0]), REFUSED, first=0, last=0)
    assert choice.auc_by_layer[2:5] == (1.0, 1.0, 1.0)
    assert choice.layer == 2
    assert "all 6 layers were compared" in choice.reason


def test_layer_that_points_the_wrong_way_is_not_chosen():
    choice = choose_layer(layers_with([-9.0, 0.2]), REFUSED, first=0, last=0)
    assert choice.layer == 1
    assert choice.auc_by_layer[0] == 0.0


def test_layers_without_direction_are_passed_over():
    z = layers_with([0.1, 9.0, 0.5])
    z[:, 1] = np.nan
    choice = choose_layer(z, REFUSED, first=0, last=0)
    assert choice.layer == 2
    assert choice.eligible == (0, 2)
    assert math.isnan(choice.auc_by_layer[1])
    with pytest.raises(AnalysisError, match="None of the 3 eligible layers"):
        choose_layer(np.full((40, 3), np.nan), REFUSED, first=0, last=0)


def test_one_behaviour_only_is_told():
    with pytest.raises(AnalysisError, match="all 40 are complied: add some that are refused"):
        choose_layer(layers_with([1.0, 2.0]), np.zeros(40, dtype=bool))


def test_missing_margins_name_the_prompts():
    z = layers_with([1.0, 2.0])
    z[3, 0] = np.nan
    with pytest.raises(AnalysisError, match=r"\(p3\)"):
        choose_layer(z, REFUSED, ids=[f"p{i}" for i in range(40)])


def test_choice_cannot_be_changed_afterwards():
    choice = choose_layer(layers_with([1.0, 2.0]), REFUSED)
    with pytest.raises(dataclasses.FrozenInstanceError):
        choice.layer = 0  # type: ignore[misc]
