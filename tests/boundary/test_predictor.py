"""The predictor beats or equals every single feature on validation, and its probabilities mean what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rasslib.boundary.features import LEAST, SCORE, Features, make_features
from rasslib.boundary.predictor import Predictor, fit_predictor, report_predictor
from rasslib.boundary.statistics import auc
from rasslib.errors import AnalysisError

N = 900
TRAIN, VALIDATION, TEST = (np.arange(N) % 3 == k for k in range(3))


def world(seed: int = 0, signal: float = 1.0) -> tuple[Features, np.ndarray, np.ndarray]:
    """Features that each hold a part of the true log-odds, behaviours drawn from them, and the true probabilities."""
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(N, 3))
    truth = signal * (2.0 * parts[:, 0] + 2.0 * parts[:, 1] + parts[:, 2] - 0.7)
    p = 1 / (1 + np.exp(-truth))
    z = np.stack([parts[:, 0], rng.normal(size=N), 5 * parts[:, 0] + rng.normal(size=N)], axis=1)
    features = make_features(
        {("intent", "last_template"): z, ("behaviour", "last_instruction"): 0.1 * parts[:, [1]] + 300.0},
        refusal_score=parts[:, 2],
        opener_log_likelihood=rng.normal(size=(N, 2)) - 9,
        opener_lengths=(3, 1),
    )
    return features, rng.random(N) < p, p


def single_aucs(features: Features, y: np.ndarray, rows: np.ndarray) -> list[float]:
    return [auc(column, y[rows]) for column in features.values[rows].T]


@pytest.mark.parametrize("seed", range(4))
def test_never_below_the_best_single_feature_on_validation_and_better_where_parts_add_up(seed: int) -> None:
    features, y, _ = world(seed)
    made = fit_predictor(features, y, TRAIN, VALIDATION)
    best = max(single_aucs(features, y, VALIDATION))
    reached = auc(made.logit(features)[VALIDATION], y[VALIDATION])
    assert reached >= best and made.chosen.auc == pytest.approx(reached) and made.best_single.auc == pytest.approx(best)
    assert reached > best + 0.05  # no single feature holds more than a part
    assert auc(made.logit(features)[TEST], y[TEST]) > max(single_aucs(features, y, TEST)) + 0.03


@pytest.mark.parametrize("seed", range(4))
def test_never_below_the_best_single_feature_where_all_is_noise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    features = Features(rng.normal(size=(N, 30)), tuple(f"margin/intent/last_template/{i}" for i in range(30)))
    y = rng.random(N) < 0.4
    made = fit_predictor(features, y, TRAIN, VALIDATION)
    assert auc(made.logit(features)[VALIDATION], y[VALIDATION]) >= max(single_aucs(features, y, VALIDATION))
    spread = np.ptp(made.probability(features)[TEST])
    assert spread < 0.6 and abs(made.probability(features)[TEST].mean() - 0.4) < 0.08


def test_a_single_feature_that_says_it_all_is_chosen_alone() -> None:
    rng = np.random.default_rng(0)
    y = rng.random(N) < 0.5
    values = np.column_stack([y + 0.0, rng.normal(size=(N, 3))])
    features = Features(values, (SCORE, "margin/a/p/0", "margin/a/p/1", "opener/0"))
    made = fit_predictor(features, y, TRAIN, VALIDATION)
    assert made.names == (SCORE,) and made.chosen.strength is None and made.chosen == made.best_single
    assert SCORE in made.reason and "alone" in made.reason


def test_probabilities_are_calibrated_on_test() -> None:
    features, y, truth = world()
    made = fit_predictor(features, y, TRAIN, VALIDATION)
    p = made.probability(features)[TEST]
    assert np.abs(p - truth[TEST]).mean() < 0.06  # against the probabilities that made the behaviours
    report = report_predictor(made, features, y, TEST, draws=200).as_dict()
    assert report["n"] == TEST.sum() and report["low"] < report["auc"] < report["high"]
    assert report["brier"] == pytest.approx(np.mean((p - y[TEST]) ** 2))
    assert report["brier"] < y.mean() * (1 - y.mean()) - 0.05 and report["ece"] < 0.09
    assert report["auc"] > report["best_single_auc"]["high"]


def test_only_train_and_validation_are_read() -> None:
    features, y, _ = world()
    made = fit_predictor(features, y, TRAIN, VALIDATION, seed=3)
    values, other = features.values.copy(), y.copy()
    values[TEST], other[TEST] = -1e6, ~other[TEST]
    assert fit_predictor(Features(values, features.names), other, TRAIN, VALIDATION, seed=3) == made
    with pytest.raises(ValueError, match="in train and in validation"):
        fit_predictor(features, y, TRAIN | VALIDATION, VALIDATION)


def test_round_trip_through_json_and_another_order_of_features() -> None:
    features, y, _ = world()
    made = fit_predictor(features, y, TRAIN, VALIDATION, seed=5)
    again = Predictor.from_dict(json.loads(json.dumps(made.as_dict(), allow_nan=False)))
    assert again == made and again.seed == 5
    turned = Features(features.values[:, ::-1], features.names[::-1])
    assert np.array_equal(again.probability(turned), made.probability(features))
    with pytest.raises(AnalysisError, match="was not read for these prompts"):
        made.probability(Features(features.values[:, :1], ("margin/x/y/0",)))
    with pytest.raises(AnalysisError, match="damaged"):
        Predictor.from_dict({"names": []})


@pytest.mark.parametrize("size", [1.0, 1e6])
def test_separable_data_without_overflow(size: float) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(N) % 2 == 0
    values = np.where(y, size, -size)[:, None] * np.array([1.0, 2.0]) + rng.normal(size=(N, 2)) * size / 10
    features = Features(values, ("margin/a/p/0", "opener/0"))
    with np.errstate(all="raise"):
        made = fit_predictor(features, y, TRAIN, VALIDATION)
        p = made.probability(Features(values * 1e6, features.names))
        report = report_predictor(made, features, y, TEST, draws=50)
    assert np.isfinite(p).all() and made.beta < 1e3
    assert report.auc.value == 1.0 and report.brier.value < 0.01 and (p[y] > 0.9).all() and (p[~y] < 0.1).all()


def test_too_few_prompts_are_told() -> None:
    features, y, _ = world()

    def at_most(rows: np.ndarray, refused: int) -> np.ndarray:
        return rows & (~y | (np.cumsum(rows & y) <= refused))

    few = at_most(TRAIN, 9)
    made = fit_predictor(features, y, few, VALIDATION)
    assert made.chosen.strength is None and "Only 9 refused" in made.notes[0] and made.n_train[0] == 9
    none = fit_predictor(features, y, np.zeros(N, dtype=bool), VALIDATION)
    assert none.n_train == (0, 0) and none.chosen.label == made.chosen.label
    assert fit_predictor(features, y, TRAIN, VALIDATION).notes == ()
    sparse = at_most(VALIDATION, 3)
    assert "rough" in fit_predictor(features, y, TRAIN, sparse).notes[0]
    with pytest.raises(AnalysisError, match="2 were refused"):
        fit_predictor(features, y, TRAIN, at_most(VALIDATION, 2))
    with pytest.raises(AnalysisError, match="complied"):
        report_predictor(made, features, y, TEST & y)


def test_features_that_mean_nothing_do_no_harm() -> None:
    features, y, _ = world()
    constant = Features(np.column_stack([features.values, np.full(N, 7.0)]), (*features.names, "score/constant"))
    made = fit_predictor(constant, y, TRAIN, VALIDATION)
    assert np.isfinite(made.probability(constant)).all() and made.chosen.auc > 0.85
    backwards = Features(1.0 - y[:, None], ("score/backwards",))
    p = fit_predictor(backwards, y, TRAIN, VALIDATION).probability(backwards)
    assert np.ptp(p) == 0.0 and p[0] == pytest.approx(y[VALIDATION].mean(), abs=0.01)  # never turned round


def test_make_features() -> None:
    z = np.array([[1.0, np.nan, 3.0], [4.0, np.nan, 6.0]])
    logp = np.array([[-1.0, -np.inf], [-2.0, -4.0]])
    made = make_features(
        {("intent", "last_template"): z},
        layers=(1, 2),
        refusal_score=[0.5, 0.6],
        opener_log_likelihood=logp,
        opener_lengths=(1, 4),
        openers=("Sorry", "I'm"),
    )
    assert made.names == (
        "margin/intent/last_template/2",
        SCORE,
        "opener/0: Sorry",
        "opener/1: I'm",
        "opener/all",
        "opener/best per token",
    )
    assert made.values[:, 0].tolist() == [3.0, 6.0] and made.values[0, 3] == LEAST
    np.testing.assert_allclose(made.values[:, 4], [-1.0, np.log(np.exp(-2) + np.exp(-4))])
    np.testing.assert_allclose(made.values[:, 5], [-1.0, -1.0])
    labels = list(made.groups())
    assert labels[-1] == "everything" and "openers" in labels and "all margins" not in labels
    with pytest.raises(AnalysisError, match="nothing to predict"):
        make_features()
    with pytest.raises(AnalysisError, match="not finite"):
        make_features(refusal_score=[0.0, np.nan])
