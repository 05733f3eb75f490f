"""Refusal against the margin where the curve is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from rasslib.boundary.refusal_curve import _fits, refusal_curves
from rasslib.errors import AnalysisError


def world(n=400, crossing=0.4, seed=0):
    """Benign prompts whose refusal crosses 1/2 at a known margin; harmful ones cross at −0.5."""
    rng = np.random.default_rng(seed)
    intent = np.repeat(["harmless", "borderline", "harmful"], [n // 2, n // 2, n])
    z = rng.normal(size=2 * n) * 1.2
    at = np.where(intent == "harmful", -0.5, crossing)
    return z, intent, np.where(rng.random(2 * n) < expit(3 * (z - at)), "refused", "complied")


def test_the_crossing_is_found_within_its_interval():
    curves = refusal_curves(*world())
    assert list(curves) == ["harmful", "borderline", "harmless", "benign"]
    for name, truth in (("benign", 0.4), ("harmful", -0.5)):
        curve = curves[name]
        assert curve.low < truth < curve.high and curve.low < curve.crossing < curve.high < curve.low + 0.5
        assert f"coin toss at margin {curve.crossing:.2f}" in curve.finding
    assert curves["benign"].n == curves["harmless"].n + curves["borderline"].n == 400


def test_bins_count_every_prompt_once_and_tails_in_the_end_bins():
    z = np.array([-9, -2, -1.01, -1, 0, 0.99, 1, 9.0])
    y = np.repeat(["complied", "refused"], 4)
    bins = refusal_curves(z, np.full(8, "harmful"), y, limits=(-2, 2), width=1, draws=20)["harmful"].bins
    assert [(b.left, b.right, b.n, b.refused) for b in bins] == [
        (-2, -1, 3, 0),
        (-1, 0, 1, 0),
        (0, 1, 2, 2),
        (1, 2, 2, 2),
    ]
    assert bins[0].rate == 0 < bins[0].high < 1 and bins[3].rate == 1 > bins[3].low > 0


def test_an_empty_bin_and_json():
    z, y = np.array([-1.8, -1.7, 1.6, 1.7]), ["complied", "refused", "complied", "refused"]
    curve = refusal_curves(z, ["harmless"] * 4, y, draws=50)["harmless"]
    empty = json.loads(json.dumps(curve.as_dict(), allow_nan=False))["bins"][3]
    assert empty["n"] == 0 and empty["rate"] is None and empty["low"] is None


def test_falling_refusal_has_no_crossing():
    z, intent, behaviour = world()
    curve = refusal_curves(-z, intent, behaviour)["benign"]
    assert curve.beta < 0 and curve.crossing is curve.low is curve.high is None
    assert "does not rise" in curve.finding


def test_a_rate_that_stays_below_one_half_has_no_crossing():
    rng = np.random.default_rng(0)
    z = rng.uniform(-1, 1, 1000)
    behaviour = np.where(rng.random(1000) < expit(2 * (z - 2)), "refused", "complied")
    curve = refusal_curves(z, np.full(1000, "harmless"), behaviour, draws=50)["benign"]
    assert curve.refused > 0 and curve.beta > 0 and curve.crossing is None
    assert "stays below 1/2" in curve.finding


@pytest.mark.parametrize("only", ["refused", "complied"])
def test_one_behaviour_is_told_and_still_drawn(only):
    curve = refusal_curves([-1.0, 0.0, 1.0], ["harmful"] * 3, [only] * 3)["harmful"]
    assert curve.crossing is None and curve.beta is None and sum(b.n for b in curve.bins) == 3
    assert f"all 3 are {only}" in curve.finding


def test_a_flat_rate_gives_no_interval():
    rng = np.random.default_rng(4)
    z, y = rng.normal(size=60), np.where(np.arange(60) % 2, "refused", "complied")
    curve = refusal_curves(np.r_[z, z], np.full(120, "harmless"), np.r_[y, y[::-1]], draws=300)["harmless"]
    assert curve.low is None and curve.high is None


def test_order_of_rows_does_not_matter_and_others_are_left_out():
    z, intent, behaviour = world(n=60)
    p = np.random.default_rng(1).permutation(len(z))
    one = refusal_curves(z, intent, behaviour, draws=100)
    assert one == refusal_curves(z[p], intent[p], behaviour[p], draws=100)
    more = refusal_curves(
        np.append(z, [0, 0]),
        np.append(intent, ["harmful", "?"]),
        np.append(behaviour, ["invalid", "refused"]),
        draws=100,
    )
    assert more == one


def test_fits_are_those_of_scikit_learn_even_when_separated():
    rng = np.random.default_rng(0)
    x = np.sort(rng.normal(size=50))
    x = (x - x.mean()) / x.std()
    weights = rng.multinomial(50, np.full(50, 1 / 50), size=4).astype(float)
    for y in (rng.random(50) < expit(2 * x), x > 0.1):
        level, slope = _fits(x, y, weights, 0.0, 0.0)
        for w, a, b in zip(weights, level, slope, strict=True):
            model = LogisticRegression(C=25.0, tol=1e-10, max_iter=5000).fit(x[:, None], y, sample_weight=w)
            assert (a, b) == pytest.approx((model.intercept_[0], model.coef_[0, 0]), rel=1e-3, abs=1e-3)


def test_bins_that_do_not_fit_are_refused():
    with pytest.raises(AnalysisError, match="choose a width"):
        refusal_curves([0.0], ["harmful"], ["refused"], width=0.3)
