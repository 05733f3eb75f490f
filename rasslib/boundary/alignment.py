"""Turning one layer's picture so that it lies like the one before: a rigid turn, which changes no distance."""

from __future__ import annotations

import numpy as np

from rasslib.boundary.checks import Floats


def turn_onto(xy: Floats, reference: Floats) -> Floats:
    """The orthogonal matrix R that brings xy·R closest to a reference (Schönemann 1966, orthogonal Procrustes).

    With both centred and UΣVᵀ = XᵀY, the least of ‖X·R − Y‖ is at R = U·Vᵀ. R may mirror: the sign of a principal
    component means nothing.

    Args:
        xy: [n, 2] places.
        reference: [n, 2] places of the same prompts at another layer, rows in the same order.

    Returns:
        [2, 2]; the identity where one of the two is a single point.
    """
    if xy.shape != reference.shape:
        raise ValueError(f"{xy.shape} places cannot be turned onto {reference.shape}")
    product = (xy - xy.mean(axis=0)).T @ (reference - reference.mean(axis=0))
    if not product.any():
        return np.eye(2)
    left, _, right = np.linalg.svd(product)
    turn: Floats = left @ right
    return turn


def sign_onto(values: Floats, reference: Floats) -> float:
    """−1 where values [n] run against a reference [n], else 1."""
    return -1.0 if float((values - values.mean()) @ (reference - reference.mean())) < 0 else 1.0
