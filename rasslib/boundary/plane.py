"""A plane in activation space, and the line along which the boundary cuts it.

A prompt's place on the plane is y = V·(x − μ), with V [2, d] orthonormal and μ the mean of all prompts. The boundary
is the hyperplane ⟨x, u⟩ = m. Of the points μ + Vᵀy of the plane, those lie on it for which

    ⟨V·u, y⟩ = m − ⟨μ, u⟩

which is a line. ‖V·u‖² is the share of the direction that lies in the plane: at 1 the line tells on which side of the
boundary a prompt lies, below it is only the cut through the mean, and prompts stand before and behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rasslib.boundary.checks import Floats
from rasslib.boundary.directions import Direction
from rasslib.boundary.projection import centred, leading

EXACT = 0.99  # share of the direction from which on the line is called exact
_PARALLEL = 1e-6  # share below which the boundary does not cut the plane


class Segment(NamedTuple):
    """Two ends of a line, each (x, y)."""

    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through the mean of the prompts.

    Attributes:
        mean: [d] float64, μ.
        axes: [2, d] float64, V: rows orthonormal, or zero where the prompts have no such extent.
        explained: Shares of the variance on the two axes.
    """

    mean: Floats
    axes: Floats
    explained: tuple[float, float]

    def lifted(self, xy: Floats) -> Floats:
        """The points [n, d] of activation space that lie on the plane at xy [n, 2]."""
        return self.mean + xy @ self.axes


@dataclass(frozen=True)
class BoundaryLine:
    """The line ⟨normal, y⟩ = offset on a plane.

    Attributes:
        normal: V·u, towards larger margins.
        offset: m − ⟨μ, u⟩.
        share: ‖V·u‖², share of the direction in the plane, 0 … 1.
    """

    normal: tuple[float, float]
    offset: float
    share: float

    def side(self, xy: Floats) -> Floats:
        """[n] positive where xy [n, 2] lies on the side of larger margins."""
        found: Floats = xy @ np.array(self.normal) - self.offset
        return found

    def agreement(self, xy: Floats, margin: Floats) -> float:
        """Share of prompts that lie on the same side of the line as of the boundary; NaN without margins."""
        known = np.isfinite(margin)
        if not known.any():
            return float("nan")
        return float(((self.side(xy[known]) > 0) == (margin[known] > 0)).mean())

    def segment(self, low: tuple[float, float], high: tuple[float, float]) -> Segment | None:
        """The part of the line inside a box given by two corners; None where it passes the box by."""
        normal, corners = np.array(self.normal), np.array([low, high], dtype=np.float64)
        foot = normal * self.offset / (normal @ normal)
        along = np.array([-normal[1], normal[0]]) / np.linalg.norm(normal)
        start, end = -np.inf, np.inf
        for k in range(2):
            if abs(along[k]) < 1e-12:
                if not corners[0, k] <= foot[k] <= corners[1, k]:
                    return None
                continue
            ends = np.sort((corners[:, k] - foot[k]) / along[k])
            start, end = max(start, ends[0]), min(end, ends[1])
        if not start < end:
            return None
        first, last = foot + start * along, foot + end * along
        return Segment((float(first[0]), float(first[1])), (float(last[0]), float(last[1])))


def principal_plane(x: Floats, direction: Direction | None = None) -> Plane:
    """The plane of the largest two principal components of x [n, d] (Pearson 1901).

    Each axis is given the sign with which the direction grows along it; without one, its largest component is made
    positive.
    """
    around = centred(x)
    axes, shares = np.zeros((2, x.shape[1])), [0.0, 0.0]
    total = float((around**2).sum())
    unit = None if direction is None or direction.gap <= 0 else direction.unit.numpy()
    for k, (strength, axis) in enumerate(leading(around) if total > 0 else ()):
        along = float(axis @ unit) if unit is not None else 0.0
        axes[k] = axis * np.sign(along or axis[np.argmax(np.abs(axis))])
        shares[k] = strength**2 / total
    return Plane(x.mean(axis=0), axes, (shares[0], shares[1]))


def remaining_component(x: Floats, direction: Direction) -> tuple[Floats, float]:
    """The largest principal component of x − ⟨x, u⟩u, what is left when the direction is projected out.

    Returns:
        w [d], orthogonal to u (zero where nothing is left), and its share of the variance that is left.

    Raises:
        AnalysisError: The direction has length zero.
    """
    unit = direction.unit.numpy()
    around = centred(x)
    total = float((around**2).sum())
    rest = around - np.outer(around @ unit, unit)
    left = float((rest**2).sum())
    if left <= 1e-20 * total or total == 0:
        return np.zeros(x.shape[1]), 0.0
    strength, axis = leading(rest)[0]
    axis = axis - (axis @ unit) * unit  # what rounding leaves
    axis = axis / np.linalg.norm(axis) * np.sign(axis[np.argmax(np.abs(axis))])
    return axis, strength**2 / left


def boundary_line(plane: Plane, direction: Direction) -> BoundaryLine | None:
    """Where the boundary cuts a plane; None where it does not, or where there is no direction."""
    if direction.gap <= 0:
        return None
    unit = direction.unit.numpy()
    normal = plane.axes @ unit
    share = float(normal @ normal)
    if share < _PARALLEL:
        return None
    offset = direction.midpoint - float(plane.mean @ unit)
    return BoundaryLine((float(normal[0]), float(normal[1])), offset, min(1.0, share))
