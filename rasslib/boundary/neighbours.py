"""The prompts that a model reads most alike: cosine similarity in the full activation space, not on a map."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rasslib.boundary.checks import Floats, as_matrix
from rasslib.errors import AnalysisError


class Neighbours(NamedTuple):
    """The nearest rows, nearest first.

    Attributes:
        indices: [k] row numbers.
        cosine: [k] similarities in −1 … 1.
    """

    indices: NDArray[np.intp]
    cosine: Floats


def nearest(x: Tensor | NDArray[Any], query: Tensor | NDArray[Any], k: int, center: bool = True) -> Neighbours:
    """The k rows with the highest cos(x_p − μ, q − μ), μ the mean of all rows.

    Residual streams share a large common part (the template, a few huge coordinates); without centring every
    cosine is near 1. Centring is the usual remedy for anisotropic representations (Ethayarajh 2019, arXiv
    1909.00512).

    Args:
        x: [n, d] activations of one layer.
        query: [d] activation of the prompt asked about. If it is one of the rows, it is its own nearest
            neighbour.
        k: How many; all rows if there are fewer.
        center: Take μ off before.

    Returns:
        Nearest first; of equal ones the earlier row first. A row (or query) equal to μ has no direction:
        cosine 0.

    Raises:
        AnalysisError: An activation is not finite, or ``k`` is less than one.
    """
    if k < 1:
        raise AnalysisError(f"Ask for at least one neighbour, not {k}.")
    rows = as_matrix(x)
    point = as_matrix(query[None])[0]
    if len(rows) == 0:
        return Neighbours(np.empty(0, dtype=np.intp), np.empty(0))
    if center:
        mean = rows.mean(axis=0)
        rows, point = rows - mean, point - mean
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(point)
    cosine = np.divide(rows @ point, norms, out=np.zeros(len(rows)), where=norms > 0)
    best = np.argsort(-cosine, kind="stable")[:k]
    return Neighbours(best, np.clip(cosine[best], -1.0, 1.0))
