"""Rates and their intervals."""

import json
import math

import pandas as pd
import pytest

from rasslib.errors import AnalysisError
from rasslib.refusal import by_group, rate_of, wilson

Z = 1.959963984540054


def test_wilson_equals_the_formula():
    k, n = 7, 20
    p = k / n
    centre = (p + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    assert wilson(k, n) == pytest.approx((centre - half, centre + half), abs=1e-12)


def test_wilson_keeps_a_width_at_the_ends():
    assert wilson(0, 10) == pytest.approx((0, Z**2 / (10 + Z**2)))
    assert wilson(10, 10) == pytest.approx((10 / (10 + Z**2), 1))
    assert wilson(0, 10)[0] >= 0
    assert wilson(10, 10)[1] <= 1


def test_wilson_narrows_with_n_and_widens_with_confidence():
    low, high = wilson(50, 100)
    low_more, high_more = wilson(500, 1000)
    assert low < low_more < 0.5 < high_more < high
    low_99, high_99 = wilson(50, 100, confidence=0.99)
    assert low_99 < low < high < high_99


def test_wilson_of_nothing_and_of_nonsense():
    assert all(math.isnan(limit) for limit in wilson(0, 0))
    for k, n in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError):
            wilson(k, n)
    with pytest.raises(ValueError):
        wilson(1, 2, confidence=95)


def test_invalid_replies_are_left_out_and_counted():
    rate = rate_of(["refused", "invalid", "complied", "refused", "invalid", "refused"])
    assert (rate.n, rate.refused, rate.complied, rate.invalid, rate.rate) == (4, 3, 1, 2, 0.75)
    assert (rate.low, rate.high) == wilson(3, 4)


def test_dictionary_for_json():
    rate = rate_of(["refused", "complied"])
    assert list(rate.as_dict()) == ["n", "refused", "rate", "low", "high", "invalid"]
    assert rate.as_dict()["rate"] == 0.5
    empty = rate_of(["invalid"]).as_dict()
    assert empty == {"n": 0, "refused": 0, "rate": None, "low": None, "high": None, "invalid": 1}
    json.dumps(empty, allow_nan=False)


@pytest.mark.parametrize("wrong", ["Refused", "", None, float("nan")])
def test_unknown_behaviour_is_an_error(wrong):
    with pytest.raises(AnalysisError, match="is no behaviour"):
        rate_of(["refused", wrong])


def test_groups_in_order_of_appearance():
    df = pd.DataFrame(
        {
            "behaviour": ["refused", "complied", "refused", "invalid", "complied"],
            "intent": ["harmful", "borderline", "harmful", "borderline", None],
        },
        index=[3, 3, 1, 0, 9],
    )
    rates = by_group(df, "intent")
    assert list(rates) == ["harmful", "borderline", ""]
    assert (rates["harmful"].n, rates["harmful"].rate) == (2, 1.0)
    assert (rates["borderline"].n, rates["borderline"].invalid) == (1, 1)
    assert rates[""].rate == 0
    assert by_group(df.iloc[:0], "intent") == {}


def test_missing_columns_are_named():
    df = pd.DataFrame({"behaviour": ["refused"]})
    with pytest.raises(AnalysisError, match="“kind”"):
        by_group(df, "kind")
    with pytest.raises(AnalysisError, match="“behaviour”"):
        by_group(pd.DataFrame({"kind": ["a"]}), "kind")
