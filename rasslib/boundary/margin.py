"""The margin: how far a prompt lies on which side of the boundary, in units that are the same at every layer.

With the projection s = ⟨x, u⟩, the class means a (harmful or refused) and b (harmless or complied) of s on
the train split, and their midpoint m = (a + b)/2:

    z = 2·(s − m) / (a − b)

so class 0 has mean −1, the boundary is 0, class 1 has mean +1, and adding the whole difference of means v =
(a − b)·u to the residual stream moves z by 2. Scale and band are this project's reading of RASS (arXiv
2505.18325), whose equations were not available to us.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from rasslib.boundary.checks import Bools, Floats, check_finite
from rasslib.boundary.directions import Direction
from rasslib.errors import AnalysisError

DEFAULT_TAU = 0.5
"""Half-width of the band where no calibration says otherwise, in margin units."""


def projections(x: Tensor, direction: Direction) -> Floats:
    """s = ⟨x, u⟩ in float64.

    Args:
        x: [n, d] residual stream at the direction's layer and position.
        direction: The direction.

    Returns:
        [n], in units of the residual stream.

    Raises:
        AnalysisError: The direction has length zero.
    """
    s: Floats = (x.detach().cpu().double() @ direction.unit).numpy()
    return s


def margins(acts: Tensor, directions: Sequence[Direction], ids: Sequence[str] | None = None) -> Floats:
    """z = 2·(s − m) / (a − b) of every prompt at every layer.

    Args:
        acts: [n, L, d] residual stream at one read position, layers in the order of ``directions``.
        directions: L directions.
        ids: n prompt ids, to name prompts in errors.

    Returns:
        [n, L] float64. A layer without a direction (both class means equal) holds NaN.

    Raises:
        AnalysisError: An activation is not finite.
    """
    if acts.ndim != 3 or acts.shape[1] != len(directions):
        raise ValueError(f"expected [n, {len(directions)}, d], got {list(acts.shape)}")
    check_finite(acts, ids)
    z = np.full(acts.shape[:2], np.nan)
    for column, direction in enumerate(directions):
        if direction.gap > 0:
            s = projections(acts[:, column], direction)
            z[:, column] = 2 * (s - direction.midpoint) / direction.gap
    return z


def in_band(z: ArrayLike, tau: float = DEFAULT_TAU) -> Bools:
    """The band {p : abs(z(p)) ≤ τ}.

    Args:
        z: Margins of any shape; NaN is in no band.
        tau: Half-width in margin units.

    Returns:
        Bools of the shape of ``z``.

    Raises:
        AnalysisError: ``tau`` is not a positive number.
    """
    if not (np.isfinite(tau) and tau > 0):
        raise AnalysisError(f"The half-width of the band must be a positive number, not {tau}: try {DEFAULT_TAU}.")
    return np.asarray(np.abs(np.asarray(z, dtype=np.float64)) <= tau)
