"""Pictures of neighbouring layers lie alike."""

from __future__ import annotations

import numpy as np
import pytest

from rasslib.boundary.alignment import sign_onto, turn_onto

XY = np.random.default_rng(0).normal(size=(40, 2)) * [3.0, 1.0]


@pytest.mark.parametrize("degrees", [0, 30, 90, 180, 271])
@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_a_turned_and_mirrored_copy_comes_back(degrees: float, mirror: float) -> None:
    a = np.deg2rad(degrees)
    turned = XY @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) * [1.0, mirror]
    back = turned @ turn_onto(turned, XY)
    np.testing.assert_allclose(back, XY, atol=1e-12)


def test_the_turn_changes_no_distance() -> None:
    turn = turn_onto(XY, np.random.default_rng(1).normal(size=(40, 2)))
    np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-12)


def test_a_single_point_turns_nothing() -> None:
    assert np.array_equal(turn_onto(np.ones((5, 2)), XY[:5]), np.eye(2))


def test_signs_follow_the_reference() -> None:
    assert sign_onto(XY[:, 0], -XY[:, 0] + 9) == -1.0
    assert sign_onto(XY[:, 0], XY[:, 0] - 9) == 1.0
