"""Features of the one-pass refusal predictor: everything one forward pass tells about the coming reply.

Every feature is oriented so that more of it means refusal. Names have two or more parts, the first being the group:
``margin/intent/last_template/12``, ``score/first token``, ``opener/0: I'm sorry``, ``opener/all``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rasslib.boundary.checks import Floats, check_finite
from rasslib.errors import AnalysisError

LEAST = -200.0
"""Log-likelihoods below this (a probability of 0 among them) say no more than this does."""

SCORE = "score/first token"
OPENERS = ("opener/all", "opener/best per token")


@dataclass(frozen=True, eq=False)
class Features:
    """Numbers per prompt, with names.

    Attributes:
        values: [n, k] float64, finite.
        names: The k names, each once.
    """

    values: Floats
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names) or len(set(self.names)) != len(self.names):
            raise ValueError(f"{list(self.values.shape)} values for {len(self.names)} names")
        check_finite(self.values, what="features")

    def __len__(self) -> int:
        return len(self.values)

    def columns(self, names: Iterable[str]) -> Floats:
        """[n, len(names)] in that order.

        Raises:
            AnalysisError: One is missing.
        """
        at = {name: column for column, name in enumerate(self.names)}
        wanted = list(names)
        missing = [name for name in wanted if name not in at]
        if missing:
            raise AnalysisError(
                f"The predictor needs the feature “{missing[0]}”, which was not read for these prompts: read the same "
                "layers, positions and openers as it was fitted on."
            )
        return self.values[:, [at[name] for name in wanted]]

    def rows(self, which: Any) -> Features:
        """Those of some prompts (mask or indices)."""
        return Features(self.values[np.asarray(which)], self.names)

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Nested groups of features with more than one member that are worth trying, simplest first."""
        axes = dict.fromkeys("/".join(n.split("/")[:2]) for n in self.names if n.startswith("margin/"))
        parts = {
            **{f"margins of the {axis.split('/')[1]} axis": (axis + "/",) for axis in axes},
            "all margins": ("margin/",),
            "openers": ("opener/",),
            "score and openers": ("score/", "opener/"),
            "margins and score": ("margin/", "score/"),
            "margins and openers": ("margin/", "opener/"),
            "everything": ("",),
        }
        found: dict[tuple[str, ...], str] = {}
        for label, heads in parts.items():
            members = tuple(name for name in self.names if name.startswith(heads))
            if len(members) > 1:
                found.setdefault(members, label)
        return {label: members for members, label in sorted(found.items(), key=lambda pair: len(pair[0]))}


def make_features(
    margins: Mapping[tuple[str, str], ArrayLike] | None = None,
    *,
    layers: Sequence[int] | None = None,
    refusal_score: ArrayLike | None = None,
    opener_log_likelihood: ArrayLike | None = None,
    opener_lengths: Sequence[int] | None = None,
    openers: Sequence[str] | None = None,
) -> Features:
    """Put features together.

    Args:
        margins: (axis, position) → margins [n, L]. A layer that has no direction (all NaN) is left out.
        layers: Layers to take; all by default. ``eligible_layers`` is a good choice.
        refusal_score: ρ, [n].
        opener_log_likelihood: [n, k] natural-log units, of refusal openers.
        opener_lengths: Tokens of each of the k openers, for the length-normalised feature; left out without.
        openers: The k texts, for the names.

    Raises:
        AnalysisError: There is no feature, or a number is NaN.
    """
    columns: dict[str, Floats] = {}
    for (axis, position), found in (margins or {}).items():
        z = np.asarray(found, dtype=np.float64)
        for layer in range(z.shape[1]) if layers is None else layers:
            if not np.isnan(z[:, layer]).all():
                columns[f"margin/{axis}/{position}/{layer}"] = z[:, layer]
    if refusal_score is not None:
        columns[SCORE] = np.asarray(refusal_score, dtype=np.float64)
    if opener_log_likelihood is not None:
        columns |= _openers(np.asarray(opener_log_likelihood, dtype=np.float64), opener_lengths, openers)
    if not columns:
        raise AnalysisError("There is nothing to predict refusal from: give margins, refusal scores or openers.")
    if len({len(column) for column in columns.values()}) != 1:
        raise ValueError("features of different numbers of prompts")
    return Features(np.column_stack(list(columns.values())), tuple(columns))


def _openers(scores: Floats, lengths: Sequence[int] | None, texts: Sequence[str] | None) -> dict[str, Floats]:
    """Each opener, the log of their summed probability, and the best mean per token."""
    from scipy.special import logsumexp

    clipped = np.maximum(scores, LEAST)  # NaN stays NaN, and is refused later
    k = clipped.shape[1]
    if (lengths is not None and len(lengths) != k) or (texts is not None and len(texts) != k):
        raise ValueError(f"lengths or texts of another number than {k} openers")
    names = [f"opener/{i}" if texts is None else f"opener/{i}: {texts[i]}" for i in range(k)]
    columns = {name: clipped[:, i] for i, name in enumerate(names)}
    if k > 1:
        columns[OPENERS[0]] = np.asarray(logsumexp(clipped, axis=1))
    if lengths is not None:
        columns[OPENERS[1]] = (clipped / np.asarray(lengths, dtype=np.float64)).max(axis=1)
    return columns
