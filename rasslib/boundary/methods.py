"""How a direction is fitted at one layer: difference of means, whitened, or logistic.

    mean       w = v = mean(x of class 1) − mean(x of class 0)             Arditi et al. 2024, arXiv 2406.11717
    whitened   w = S⁻¹ v, S the pooled within-class covariance             Fisher 1936; shrinkage of Ledoit & Wolf 2004
    logistic   min ½‖w‖² + C·Σ log(1 + exp(−y(⟨w, x⟩ + w₀))), y = ±1       L2; C chosen on validation

Whatever the method, the direction keeps the vector (a − b)·w/‖w‖ with a, b the class means of the projection on train:
adding it at strength 1 moves the margin by 2. For ``mean`` that is v itself. The three answer different questions:
``mean`` is where the class means differ (what to add), the other two what to read in order to tell the classes apart.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from rasslib.boundary.checks import Bools, Floats, as_labels, as_matrix
from rasslib.boundary.directions import CLASSES, Direction, difference_in_means, fit_axis
from rasslib.errors import AnalysisError

Method = Literal["mean", "whitened", "logistic"]
METHODS: tuple[Method, ...] = get_args(Method)

C_GRID = (1e-4, 1e-3, 1e-2, 1e-1)
"""Inverse L2 penalties to choose from on validation, for activations of unit root mean square per coordinate."""

DEFAULT_C = 1e-2
"""Where there is no validation to choose by."""

_TOLERANCE = 1e-3  # of lbfgs: the margin's order of prompts no longer changes below
_ITERATIONS = 300


def fit_direction(
    x: Tensor,
    high: Any,
    method: str = "mean",
    *,
    axis: str = "intent",
    layer: int = 0,
    position: str = "last_template",
    c: float = DEFAULT_C,
) -> Direction:
    """A direction at one layer. Call it with prompts of the train split only.

    Args:
        x: [n, d] residual stream at one layer and position, any floating type.
        high: [n] bool, True for class 1.
        method: One of :data:`METHODS`.
        axis: A key of :data:`~rasslib.boundary.directions.CLASSES`.
        layer: The layer, to be kept with the direction.
        position: The read position, likewise.
        c: Inverse strength of the L2 penalty (``logistic`` only).

    Returns:
        A direction with vector [d] in units of the residual stream, class 1 on its positive side.

    Raises:
        AnalysisError: The method is unknown, a class is missing, an activation is not finite, or the classes cannot
            be told apart.
    """
    if method == "mean":
        return fit_axis(x[:, None], high, axis=axis, position=position, layers=[layer])[0]
    w = weights(x, high, method, c=c, axis=axis)
    return direction_along(w, x, high, method=method, axis=axis, layer=layer, position=position)


def weights(x: Tensor, high: Any, method: str, *, c: float = DEFAULT_C, axis: str = "intent") -> Tensor:
    """The weight vector of a method, of length 1.

    Args:
        x: [n, d] residual stream at one layer and position.
        high: [n] bool, True for class 1.
        method: One of :data:`METHODS`.
        c: Inverse strength of the L2 penalty (``logistic`` only).
        axis: Names the classes in errors.

    Returns:
        [d] float64.

    Raises:
        AnalysisError: As :func:`fit_direction`.
    """
    if method not in METHODS:
        raise AnalysisError(f"There is no method {method!r} to fit a direction: choose one of {', '.join(METHODS)}.")
    if not (math.isfinite(c) and c > 0):
        raise AnalysisError(f"C of the logistic direction must be a positive number, not {c}: try {DEFAULT_C}.")
    rows = as_matrix(x)
    y = as_labels(high, len(rows), CLASSES[axis])
    v = difference_in_means(torch.from_numpy(rows[y]), torch.from_numpy(rows[~y])).numpy()
    if method == "mean":
        w = v
    elif method == "whitened":
        w = _whitened(rows, y, v)
    else:
        w = _logistic(rows, y, c)
    norm = float(np.linalg.norm(w))
    if norm == 0 or not math.isfinite(norm):
        raise AnalysisError(_alike(axis))
    return torch.from_numpy(w / norm)


def direction_along(
    w: Tensor,
    x: Tensor,
    high: Any,
    *,
    method: str,
    axis: str = "intent",
    layer: int = 0,
    position: str = "last_template",
) -> Direction:
    """The direction along ``w`` with the class means a > b of the projection on these rows.

    Args:
        w: [d], of any length but 0; it is turned round where class 1 lies on its negative side.
        x: [n, d] residual stream of the train split.
        high: [n] bool, True for class 1.
        method: Kept with the direction, as are ``axis``, ``layer`` and ``position``.

    Raises:
        AnalysisError: ``w`` has length 0, a class is missing, or both classes have the same mean along it.
    """
    rows = torch.from_numpy(as_matrix(x))
    y = torch.from_numpy(as_labels(high, len(rows), CLASSES[axis]))
    along = w.detach().cpu().double()
    norm = along.norm()
    if norm == 0:
        raise AnalysisError(_alike(axis))
    along = along / norm
    gap = _mean_gap(rows @ along, y)
    rounding = float(torch.finfo(torch.float32).eps * rows.norm(dim=1).max())
    if abs(gap) <= rounding:
        raise AnalysisError(_alike(axis))
    vector = (along * gap).float()  # a negative gap turns it round
    # The unit of the float32 vector that is kept: with it the class means of the margin are exactly ±1.
    s = rows @ (vector.double() / vector.double().norm())
    a, b = float(s[y].mean()), float(s[~y].mean())
    return Direction(axis, layer, position, method, vector, a, b, int(y.sum()), int((~y).sum()))


def no_direction(axis: str, layer: int, position: str, method: str, d_model: int) -> Direction:
    """Stands for a layer without a direction: a zero vector, whose margins are NaN and which is never chosen."""
    return Direction(axis, layer, position, method, torch.zeros(d_model), 0.0, 0.0, 0, 0)


def _whitened(x: Floats, y: Bools, v: Floats) -> Floats:
    """S⁻¹ v, S = D·R·D with R the shrunk correlation within the classes and D their standard deviations.

    Shrinking the correlation (as scikit-learn's discriminant analysis does) rather than the covariance: a residual
    stream has a few huge coordinates, and a target μ·I of their size would drown all the others.
    """
    from scipy.linalg import solve
    from sklearn.covariance import ledoit_wolf

    within = x - np.where(y[:, None], x[y].mean(axis=0), x[~y].mean(axis=0))
    scale = within.std(axis=0)
    # A coordinate that is constant within the classes has nothing to be whitened by.
    constant = scale <= np.finfo(np.float32).eps * np.abs(x).max(axis=0)
    scale[constant] = scale[~constant].max(initial=0.0) or 1.0
    correlation, _ = ledoit_wolf(within / scale, assume_centered=True)
    np.fill_diagonal(correlation, np.maximum(correlation.diagonal(), np.finfo(np.float64).eps))
    whitened: Floats = solve(correlation, v / scale, assume_a="pos") / scale
    return whitened


def _logistic(x: Floats, y: Bools, c: float) -> Floats:
    """w of L2 logistic regression, on centred activations over one global scale (so that C means the same anywhere)."""
    from sklearn.linear_model import LogisticRegression

    centred = x - x.mean(axis=0)
    scale = math.sqrt(float((centred**2).mean())) or 1.0
    model = LogisticRegression(C=c, tol=_TOLERANCE, max_iter=_ITERATIONS).fit(centred / scale, y)
    w: Floats = model.coef_[0].astype(np.float64)
    return w


def _mean_gap(s: Tensor, y: Tensor) -> float:
    return float(s[y].mean() - s[~y].mean())


def _alike(axis: str) -> str:
    one, other = CLASSES[axis]
    return (
        f"The model reads {one} and {other} prompts alike here (the same class mean along the direction): "
        "choose another layer, or check that the two classes hold different texts."
    )
