"""AUC, its interval, and the controls."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from rasslib.boundary.directions import fit_axis
from rasslib.boundary.margin import margins
from rasslib.boundary.statistics import (
    STABLE_COSINE,
    auc,
    bootstrap_auc,
    permuted_label_auc,
    random_direction_auc,
    split_half_cosine,
)
from rasslib.errors import AnalysisError


@pytest.mark.parametrize("digits", [None, 1, 0])
def test_auc_equals_sklearn_with_and_without_ties(digits):
    rng = np.random.default_rng(3)
    labels = rng.random(101) < 0.3
    scores = rng.normal(size=101) + labels
    scores = scores if digits is None else scores.round(digits)
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([1, 2, 3, 4], 1.0), ([4, 3, 2, 1], 0.0), ([5, 5, 5, 5], 0.5), ([1, 3, 2, 4], 0.75)],
)
def test_auc_by_hand(scores, expected):
    assert auc(scores, [0, 0, 1, 1]) == expected


def test_one_class_or_missing_scores_are_told():
    with pytest.raises(AnalysisError, match="all 3 are refused: add some that are complied"):
        auc([1, 2, 3], [1, 1, 1], classes=("refused", "complied"))
    with pytest.raises(AnalysisError, match="all 3 are negative"):
        bootstrap_auc([1, 2, 3], [0, 0, 0])
    with pytest.raises(AnalysisError, match=r"scores of 1 of 3 prompts .*\(b\)"):
        auc([1, np.nan, 3], [1, 0, 1], ids=["a", "b", "c"])


@pytest.mark.parametrize("digits", [1, 0])
def test_bootstrap_is_that_of_the_naive_loop(digits):
    rng = np.random.default_rng(0)
    labels = np.arange(60) < 25
    scores = (rng.normal(size=60) + labels).round(digits)  # 0: half of all pairs are ties
    yes, no = np.flatnonzero(labels), np.flatnonzero(~labels)
    naive = [
        auc(scores[drawn], labels[drawn])
        for drawn in (np.concatenate([rng.choice(yes, 25), rng.choice(no, 35)]) for _ in range(600))
    ]
    found = bootstrap_auc(scores, labels)
    assert found.value == pytest.approx(roc_auc_score(labels, scores))
    np.testing.assert_allclose([found.low, found.high], np.quantile(naive, [0.025, 0.975]), atol=0.025)
    assert (found.n_pos, found.n_neg) == (25, 35)


def test_bootstrap_interval_covers_the_truth():
    truth = norm.cdf(1 / np.sqrt(2))  # two unit normals one apart
    labels = np.arange(100) < 50
    covered = 0
    for seed in range(60):
        found = bootstrap_auc(np.random.default_rng(seed).normal(size=100) + labels, labels, draws=300, seed=seed)
        covered += found.low <= truth <= found.high
    assert covered >= 50  # 57 expected; a 90 % interval would give 54, an 80 % one 48
    assert found.low < found.value < found.high


def test_bootstrap_repeats_with_its_seed_only():
    scores, labels = np.random.default_rng(0).normal(size=80), np.arange(80) % 2
    assert bootstrap_auc(scores, labels, seed=1) == bootstrap_auc(scores, labels, seed=1)
    assert bootstrap_auc(scores, labels, seed=1) != bootstrap_auc(scores, labels, seed=2)


def test_bootstrap_narrows_with_confidence():
    scores, labels = np.random.default_rng(0).normal(size=80), np.arange(80) % 2
    wide, narrow = bootstrap_auc(scores, labels), bootstrap_auc(scores, labels, confidence=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_strata_keep_their_size():
    scores, labels = np.random.default_rng(0).normal(size=30), np.arange(30) % 2
    assert bootstrap_auc(scores, labels, strata=labels) == bootstrap_auc(scores, labels)
    loose = bootstrap_auc(scores, labels, strata=np.zeros(30))
    single = bootstrap_auc(scores, labels, strata=[f"s{i}" for i in range(30)])
    assert single.low == single.value == single.high  # each prompt is drawn exactly once
    assert loose.low < loose.value < loose.high
    with pytest.raises(ValueError, match="3 strata"):
        bootstrap_auc(scores, labels, strata=[1, 2, 3])


def test_resamples_without_a_class_are_left_out():
    found = bootstrap_auc([0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1], strata=["x"] * 4)
    assert 0 <= found.low <= found.high <= 1


def test_two_thousand_draws_take_well_under_a_second():
    labels = np.arange(500) % 2
    scores = np.random.default_rng(0).normal(size=500) + labels
    start = time.process_time()
    bootstrap_auc(scores, labels, draws=2000)
    assert time.process_time() - start < 1.0


def test_random_directions_tell_nothing_apart_in_noise():
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(400, 12)), rng.normal(size=(400, 12))
    labels = np.arange(400) % 2
    for control in (random_direction_auc, permuted_label_auc):
        found = control(test, labels, train, labels)
        assert found.value == pytest.approx(0.5, abs=0.04)
        assert 0.38 < found.low < 0.5 < found.high < 0.62
        assert (found.n_pos, found.n_neg) == (200, 200)


def test_random_directions_are_oriented_on_train_not_on_test(make_planted):
    """With the classes swapped on test, an orientation learnt on train must be wrong there."""
    data = make_planted(gap=8.0, layers=2)
    x = data.acts[:, 1]
    same = random_direction_auc(x, data.labels, x, data.labels)
    swapped = random_direction_auc(x, ~data.labels, x, data.labels)
    assert same.value > 0.6
    assert swapped.value == pytest.approx(1 - same.value)


def test_real_axis_beats_both_controls_and_permuted_labels_are_the_harder_one(make_planted):
    """The classes differ along the data's widest spread: shuffled labels still find that axis."""
    train, test = make_planted(gap=3.0, layers=2), make_planted(gap=3.0, layers=2, seed=1)
    for data in (train, test):
        wide = torch.randn(200, generator=torch.Generator().manual_seed(5), dtype=torch.float64) * 2
        data.acts[:, 1] += (wide[:, None] * data.axis).float()
    direction = fit_axis(train.acts, train.labels)[1]
    real = bootstrap_auc(margins(test.acts[:, 1:], [direction])[:, 0], test.labels)
    arguments = (test.acts[:, 1], test.labels, train.acts[:, 1], train.labels)
    isotropic, permuted = random_direction_auc(*arguments), permuted_label_auc(*arguments)
    assert real.low > isotropic.value
    assert real.value > permuted.value > isotropic.value


def test_controls_repeat_with_their_seed(make_planted):
    data = make_planted(n=60)
    arguments = (data.acts[:, 1], data.labels, data.acts[:, 1], data.labels)
    assert random_direction_auc(*arguments, draws=20) == random_direction_auc(*arguments, draws=20)
    assert permuted_label_auc(*arguments, draws=20) != permuted_label_auc(*arguments, draws=20, seed=1)


def test_controls_refuse_what_is_not_finite(make_planted):
    data = make_planted(n=30)
    bad = data.acts[:, 1].clone()
    bad[2, 2] = float("nan")
    with pytest.raises(AnalysisError, match="row 2"):
        random_direction_auc(bad, data.labels, data.acts[:, 1], data.labels)


def test_split_half_cosine_tells_a_planted_direction_from_noise(planted):
    high, low = planted.acts[planted.labels], planted.acts[~planted.labels]
    assert split_half_cosine(high[:, 3], low[:, 3]) > STABLE_COSINE
    assert abs(split_half_cosine(high[:, 0], low[:, 0])) < 0.4  # nothing planted at layer 0
    assert split_half_cosine(high[:, 1], low[:, 1], seed=1) == split_half_cosine(high[:, 1], low[:, 1], seed=1)


def test_halving_needs_two_of_each():
    with pytest.raises(AnalysisError, match="two prompts of each class, not 1 and 5"):
        split_half_cosine(torch.ones(1, 3), torch.ones(5, 3))


def test_an_auc_whose_draws_all_miss_a_class_has_no_limits() -> None:
    scores, labels = np.arange(40.0), np.arange(40) == 39
    found = [bootstrap_auc(scores, labels, 1, seed, strata=np.zeros(40)) for seed in range(30)]
    assert {one.value for one in found} == {1.0}
    without = [one for one in found if np.isnan(one.low)]
    assert 3 < len(without) < 25 and all(np.isnan(one.high) for one in without)
