"""The line drawn on the plane is where the margin is 0, and the axis view's y knows nothing of the direction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rasslib.boundary.directions import Direction, fit_axis
from rasslib.boundary.margin import margins
from rasslib.boundary.plane import BoundaryLine, boundary_line, principal_plane, remaining_component


def direction_of(planted) -> Direction:
    return fit_axis(planted.acts, planted.labels, axis="intent", position="last_template")[3]


def test_margin_is_zero_on_the_line_and_positive_beyond(planted) -> None:
    direction = direction_of(planted)
    plane = principal_plane(planted.acts[:, 3].double().numpy(), direction)
    line = boundary_line(plane, direction)
    assert line is not None
    ends = np.array(line.segment((-20.0, -20.0), (20.0, 20.0)))
    on_it = np.linspace(ends[0], ends[1], 7)

    def margin_at(xy: np.ndarray) -> np.ndarray:
        return margins(torch.from_numpy(plane.lifted(xy))[:, None], [direction])[:, 0]

    np.testing.assert_allclose(margin_at(on_it), 0, atol=1e-6)
    assert (margin_at(on_it + np.array(line.normal)) > 0.1).all()
    assert (line.side(on_it + np.array(line.normal)) > 0).all()
    assert line.share == pytest.approx(float(((plane.axes @ direction.unit.numpy()) ** 2).sum()))


def test_a_direction_within_the_plane_makes_the_line_exact() -> None:
    x = np.random.default_rng(0).normal(size=(100, 6)) * [9, 4, 0.01, 0.01, 0.01, 0.01] + 5
    vector = torch.tensor([1.0, 1.0, 0, 0, 0, 0])
    direction = Direction("intent", 0, "last_template", "mean", vector, 9.0, 6.0, 5, 5)
    line = boundary_line(principal_plane(x), direction)
    assert line is not None and line.share == pytest.approx(1.0, abs=1e-3)
    plane = principal_plane(x)
    margin = margins(torch.from_numpy(x)[:, None], [direction])[:, 0]
    assert line.agreement((x - plane.mean) @ plane.axes.T, margin) >= 0.99


def test_a_direction_across_the_plane_has_no_line() -> None:
    x = np.random.default_rng(0).normal(size=(50, 4)) * [9, 4, 0, 0]
    direction = Direction("intent", 0, "last_template", "mean", torch.tensor([0, 0, 0, 1.0]), 1.0, -1.0, 5, 5)
    assert boundary_line(principal_plane(x), direction) is None
    assert boundary_line(principal_plane(x), replace(direction, mean_low=1.0)) is None


def test_axes_point_to_larger_margins(planted) -> None:
    direction = direction_of(planted)
    plane = principal_plane(planted.acts[:, 3].double().numpy(), direction)
    assert (plane.axes @ direction.unit.numpy() >= 0).all()


@pytest.mark.parametrize(("normal", "offset"), [((1.0, 0.0), 2.0), ((0.0, 1.0), 2.0), ((1.0, -1.0), 0.5)])
def test_a_segment_ends_on_the_box(normal: tuple[float, float], offset: float) -> None:
    line = BoundaryLine(normal, offset, 1.0)
    ends = np.array(line.segment((-3.0, -3.0), (3.0, 3.0)))
    np.testing.assert_allclose(ends @ np.array(normal), offset)
    assert np.isclose(np.abs(ends).max(axis=1), 3.0).all()
    assert BoundaryLine(normal, 99.0, 1.0).segment((-3.0, -3.0), (3.0, 3.0)) is None


def test_what_remains_is_orthogonal_to_the_direction_and_the_largest(planted) -> None:
    direction = direction_of(planted)
    x = planted.acts[:, 3].double().numpy()
    component, share = remaining_component(x, direction)
    unit = direction.unit.numpy()
    assert abs(component @ unit) < 1e-12 and np.linalg.norm(component) == pytest.approx(1.0)
    rest = (x - x.mean(axis=0)) @ (np.eye(len(unit)) - np.outer(unit, unit))
    assert share == pytest.approx(np.linalg.svd(rest, compute_uv=False)[0] ** 2 / (rest**2).sum())


def test_nothing_remains_of_points_along_the_direction() -> None:
    direction = Direction("intent", 0, "last_template", "mean", torch.tensor([3.0, 4.0]), 1.0, -1.0, 5, 5)
    component, share = remaining_component(np.outer(np.arange(5.0), [0.6, 0.8]), direction)
    assert not component.any() and share == 0.0
    assert remaining_component(np.ones((1, 2)), direction)[1] == 0.0
