"""Diverse picks among the best 3n, in centred activation space.

``k-center``: greedy farthest-first traversal (Gonzalez 1985), started with the best ranked row.
``mmr``: maximal marginal relevance (Carbonell and Goldstein 1998), with the rank as relevance and the cosine to the
nearest picked row as redundancy, half and half.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rasslib.errors import AnalysisError
from rasslib.rass.policies.pool import Rows

DIVERSITY = ("none", "k-center", "mmr")
SHARE = 3
"""Chosen among the best so many times n."""


def diverse(ranked: Rows, n: int, how: str, acts: NDArray[np.float32] | None) -> Rows:
    """n of the ranked rows.

    Args:
        ranked: Rows of the pool, best first.
        n: How many.
        how: One of :data:`DIVERSITY`.
        acts: [m, d] activations of the pool, centred on its mean.

    Returns:
        n rows; for ``none`` in the order of the rank, else in the order they were picked.

    Raises:
        AnalysisError: Diversity is asked for without activations, or is not known.
    """
    if how not in DIVERSITY:
        raise AnalysisError(f"There is no diversity {how!r}: choose one of {', '.join(DIVERSITY)}.")
    if how == "none" or len(ranked) <= n:
        return ranked[:n]
    if acts is None:
        raise AnalysisError(f"The diversity {how} needs activations: analyse the prompts first, or choose none.")
    best = ranked[: SHARE * n]
    x = acts[best].astype(np.float64)
    unit = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    picked = [0]
    if how == "k-center":
        far = np.linalg.norm(x - x[0], axis=1)
        while len(picked) < n:
            new = int(far.argmax())
            picked.append(new)
            far = np.minimum(far, np.linalg.norm(x - x[new], axis=1))
            far[picked] = -1.0
        return best[picked]
    relevance = 1 - np.arange(len(best)) / len(best)
    near = unit @ unit[0]
    while len(picked) < n:
        value = 0.5 * relevance - 0.5 * near
        value[picked] = -np.inf
        new = int(value.argmax())
        picked.append(new)
        near = np.maximum(near, unit @ unit[new])
    return best[picked]


def centred(acts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Activations [m, d] minus their mean: raw ones share a huge common part, so all cosines would be near 1."""
    mean = acts.astype(np.float64).mean(axis=0, keepdims=True)
    return (acts - mean).astype(np.float32)
