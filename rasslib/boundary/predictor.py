"""The one-pass refusal predictor: the calibrated probability of a refusal, without generating a word.

    P(refused | p) = σ(α + β·t(p)),   t = w₀ + Σ_j w_j·(f_j − mean_j)/sd_j

w is an L2-regularised logistic regression fitted on train (or, for one feature, simply 1); which features and how much
regularisation is chosen on validation among nested candidates, every single feature being one of them: so on validation
its AUC is at least that of the best single axis. α, β ≥ 0 are fitted on validation with Platt's targets
(n₁ + 1)/(n₁ + 2) and 1/(n₀ + 2) (Platt 1999), which keep them finite where the classes are separated perfectly. The
choice of features is this project's reading of RASS.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from rasslib.boundary.checks import Bools, Floats
from rasslib.boundary.features import Features, make_features
from rasslib.boundary.predicting import Candidate, Predictor, PredictorReport, report_predictor
from rasslib.boundary.statistics import auc
from rasslib.errors import AnalysisError

__all__ = [
    "Candidate",
    "Features",
    "Predictor",
    "PredictorReport",
    "fit_predictor",
    "make_features",
    "report_predictor",
]

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
"""Inverse regularisations C that are tried, strongest regularisation first."""

LEAST_TRAIN = 10
"""Train prompts of each class below which no weights are fitted: single features only."""

LEAST_VALIDATION = 3
"""Validation prompts of each class below which nothing can be chosen or calibrated."""


def fit_predictor(features: Features, refused: Any, train: Any, validation: Any, seed: int = 0) -> Predictor:
    """Fit on train, choose and calibrate on validation.

    Best is the highest validation AUC; ties go to the lower log-loss, then to fewer features and more regularisation.

    Args:
        features: Of n prompts.
        refused: [n] bool; what it holds outside the two masks is not read.
        train: [n] bool, train prompts whose behaviour is known.
        validation: [n] bool, validation prompts whose behaviour is known.
        seed: Kept for the report's intervals; the fit itself draws nothing.

    Raises:
        AnalysisError: Validation holds fewer than 3 refused or 3 complied prompts.
    """
    y, fit, choose = (np.asarray(x).astype(np.bool_) for x in (refused, train, validation))
    if not len(features) == len(y) == len(fit) == len(choose):
        raise ValueError(f"{len(y)} behaviours, {len(fit)} and {len(choose)} flags for {len(features)} prompts")
    if (fit & choose).any():
        raise ValueError("a prompt is in train and in validation")
    n_train, n_validation = _counts(y[fit]), _counts(y[choose])
    if min(n_validation) < LEAST_VALIDATION:
        raise AnalysisError(
            f"The refusal predictor is chosen on validation prompts of both behaviours, at least {LEAST_VALIDATION} of "
            f"each, but {n_validation[0]} were refused and {n_validation[1]} complied with: add prompts to the "
            "validation split, or generate their replies."
        )
    notes = []
    if min(n_train) < LEAST_TRAIN:
        notes.append(
            f"Only {n_train[0]} refused and {n_train[1]} complied train prompts have replies (each must be at least "
            f"{LEAST_TRAIN}), so no weights were fitted: the predictor is the best single feature."
        )
    if min(n_validation) < LEAST_TRAIN:
        notes.append(
            f"Chosen and calibrated on {n_validation[0]} refused and {n_validation[1]} complied validation prompts "
            "only: take its probabilities as rough."
        )
    scaled_on = fit if fit.sum() >= 2 else choose
    means, scales = features.values[scaled_on].mean(axis=0), features.values[scaled_on].std(axis=0)
    scales = np.where(scales > 1e-12 * np.maximum(1.0, np.abs(means)), scales, 1.0)
    x = Features((features.values - means) / scales, features.names)
    tried = [_scored(name, (name,), None, np.ones(1), 0.0, x, y, choose) for name in x.names]
    if min(n_train) >= LEAST_TRAIN:
        for label, names in x.groups().items():
            for strength in STRENGTHS:
                w, level = _logistic(x.columns(names)[fit], y[fit], strength)
                tried.append(_scored(label, names, strength, w, level, x, y, choose))
    ranked = sorted(tried, key=lambda t: _rank(t.candidate))
    best = ranked[0]
    single = next(t.candidate for t in ranked if t.candidate.strength is None)
    at = [features.names.index(name) for name in best.names]
    return Predictor(
        names=best.names,
        means=tuple(means[at].tolist()),
        scales=tuple(scales[at].tolist()),
        weights=tuple(best.weights.tolist()),
        intercept=best.intercept,
        alpha=best.alpha,
        beta=best.beta,
        chosen=best.candidate,
        best_single=single,
        candidates=tuple(t.candidate for t in ranked),
        reason=_reason(best.candidate, single, len(ranked), n_validation),
        notes=tuple(notes),
        n_train=n_train,
        n_validation=n_validation,
        seed=seed,
    )


@dataclass(frozen=True, eq=False)
class _Tried:
    candidate: Candidate
    names: tuple[str, ...]
    weights: Floats
    intercept: float
    alpha: float
    beta: float


def _counts(y: Bools) -> tuple[int, int]:
    return int(y.sum()), int((~y).sum())


def _rank(candidate: Candidate) -> tuple[float, float, int, float]:
    """Best first; rounded, so that the last digits of a sum decide nothing."""
    return (-round(candidate.auc, 9), round(candidate.log_loss, 6), candidate.size, candidate.strength or 0.0)


def _logistic(x: Floats, y: Bools, strength: float) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=2000).fit(x, y)
    return np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0])


def _scored(
    label: str,
    names: tuple[str, ...],
    strength: float | None,
    weights: Floats,
    intercept: float,
    x: Features,
    y: Bools,
    choose: Bools,
) -> _Tried:
    t, known = intercept + x.columns(names)[choose] @ weights, y[choose]
    alpha, beta = _platt(t, known)
    logit = alpha + beta * t
    loss = float(np.logaddexp(0.0, np.where(known, -logit, logit)).mean())
    return _Tried(Candidate(label, len(names), strength, auc(t, known), loss), names, weights, intercept, alpha, beta)


def _platt(t: Floats, y: Bools) -> tuple[float, float]:
    """α, β ≥ 0 that fit Platt's smoothed targets; the observed rate alone where t does not rise with refusal."""
    n_high, n_low = _counts(y)
    targets = np.where(y, (n_high + 1) / (n_high + 2), 1 / (n_low + 2))
    centre, spread = float(t.mean()), float(t.std())
    # Every prompt counts as both classes, weighted by its target: soft targets have a finite optimum.
    if spread > 1e-12 * max(1.0, abs(centre)):
        from sklearn.linear_model import LogisticRegression

        standard = (t - centre)[:, None] / spread
        both = np.concatenate([standard, standard])
        classes = np.repeat([True, False], len(t))
        model = LogisticRegression(C=math.inf, tol=1e-8, max_iter=2000)
        model.fit(both, classes, sample_weight=np.concatenate([targets, 1 - targets]))
        slope = float(model.coef_[0, 0])
        if slope > 0:
            return float(model.intercept_[0]) - slope * centre / spread, slope / spread
    rate = float(targets.mean())
    return math.log(rate / (1 - rate)), 0.0


def _reason(chosen: Candidate, single: Candidate, n: int, counts: tuple[int, int]) -> str:
    what = f"“{chosen.label}”" + (
        f" ({chosen.size} features, C = {chosen.strength:g})" if chosen.strength else " alone"
    )
    other = "" if chosen == single else f"; the best single feature, “{single.label}”, has {single.auc:.3f}"
    return (
        f"Of {n} candidates {what} tells refused from complied validation prompts best "
        f"(AUC {chosen.auc:.3f}; {counts[0]} refused, {counts[1]} complied){other}."
    )
