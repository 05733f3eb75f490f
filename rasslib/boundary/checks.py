"""What every function of this room asks of its input, with errors written for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rasslib.errors import AnalysisError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SHOWN = 5


def listed(ids: Sequence[str]) -> str:
    """At most five of the ids as text: ``p1, p2 and 7 more``."""
    shown = ", ".join(ids[:_SHOWN])
    return shown if len(ids) <= _SHOWN else f"{shown} and {len(ids) - _SHOWN} more"


def named(rows: Bools, ids: Sequence[str] | None) -> str:
    """The ids of the rows that are True; row numbers (from 0) where no ids are known."""
    numbers: list[int] = np.flatnonzero(rows).tolist()
    return listed([f"row {i}" if ids is None else str(ids[i]) for i in numbers])


def check_finite(x: Tensor | Floats, ids: Sequence[str] | None = None, what: str = "activations") -> None:
    """Refuse NaN and infinity.

    Args:
        x: [n, ...], one row per prompt.
        ids: n prompt ids, to name the prompts concerned.
        what: What the numbers are, for the sentence.

    Raises:
        AnalysisError: A row holds NaN or infinity; the sentence names the prompts.
    """
    if ids is not None and len(ids) != len(x):
        raise ValueError(f"{len(ids)} ids for {len(x)} rows")
    finite = torch.isfinite(x) if isinstance(x, Tensor) else torch.from_numpy(np.isfinite(x))
    if bool(finite.all()):
        return
    bad = ~finite.flatten(1).all(dim=1).cpu().numpy() if finite.ndim > 1 else ~finite.cpu().numpy()
    raise AnalysisError(
        f"The {what} of {int(bad.sum())} of {len(bad)} prompts are not finite numbers ({named(bad, ids)}): "
        "leave these prompts out, or load the model in float32."
    )


def as_matrix(x: Tensor | NDArray[Any], ids: Sequence[str] | None = None) -> Floats:
    """Activations of one layer as finite float64 [n, d].

    Raises:
        AnalysisError: A prompt's activations hold NaN or infinity.
    """
    matrix = x.detach().cpu().double().numpy() if isinstance(x, Tensor) else np.asarray(x, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"expected [n, d], got {list(matrix.shape)}")
    check_finite(matrix, ids)
    return matrix


def as_labels(labels: Any, n: int, classes: tuple[str, str]) -> Bools:
    """Labels as bool [n], both classes present.

    Args:
        labels: n of True/False or 1/0. Missing values are refused: as a bool, NaN would be True.
        n: How many there must be.
        classes: Names of class 1 and class 0, for the sentence.

    Raises:
        AnalysisError: There are no prompts, or all are of one class.
    """
    values = np.asarray(labels)
    if values.shape != (n,):
        raise ValueError(f"expected {n} labels, got {list(values.shape)}")
    if values.dtype != np.bool_ and not np.isin(values, (0, 1)).all():
        raise ValueError("labels must be True/False or 1/0, none missing")
    flags = values.astype(np.bool_)
    high, low = classes
    if n == 0:
        raise AnalysisError(f"There are no prompts to compare: add some that are {high} and some that are {low}.")
    if flags.all() or not flags.any():
        there, missing = (high, low) if flags.any() else (low, high)
        raise AnalysisError(
            f"Both {high} and {low} prompts are needed, but all {n} are {there}: add some that are {missing}."
        )
    return flags


def as_scores(scores: Any, ids: Sequence[str] | None = None) -> Floats:
    """One finite number per prompt as float64 [n].

    Raises:
        AnalysisError: A prompt's number is NaN or infinite.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"expected [n], got {list(values.shape)}")
    check_finite(values, ids, "scores")
    return values
