"""Each policy's rule, and what select adds to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rasslib.errors import AnalysisError
from rasslib.rass.policies import POLICIES, band, farthest, positive, random, select

Z = np.array([0.4, -0.1, 0.9, -2.0, 1.5, 0.0, -0.4])


def prompts() -> pd.DataFrame:
    """Ten prompts p0 ... p9; p7 is harmful and p8 unlabelled, both exactly on the boundary."""
    return pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(10)],
            "intent": ["borderline"] * 4 + ["harmless"] * 3 + ["harmful", "unlabelled", "borderline"],
            "category": "history",
            "language": "en",
            "margin": [0.3, -0.1, 0.1, 2.5, -1.0, 0.6, -3.0, 0.0, 0.0, 0.9],
            "note": "kept",
        }
    )


def test_band_takes_the_nearest_first_and_nothing_outside():
    assert band(Z, 0.5, 9).tolist() == [5, 1, 0, 6]
    assert band(Z, 0.5, 2).tolist() == [5, 1]
    assert band(Z, 0.4, 9).tolist() == [5, 1, 0, 6]  # the edge belongs to the band
    assert band(Z, 0.05, 9).tolist() == [5]


def test_positive_takes_the_highest_up_to_one():
    assert positive(Z, 9).tolist() == [2, 0]  # not 1.5, and not 0.0
    assert positive(np.array([1.0, 0.2, 1.0]), 2).tolist() == [0, 2]


def test_farthest_takes_both_sides():
    assert farthest(Z, 3).tolist() == [3, 4, 2]


def test_random_is_uniform_and_repeats_with_its_seed():
    assert random(50, 10, 1).tolist() == random(50, 10, 1).tolist() != random(50, 10, 2).tolist()
    assert random(50, 5, 1).tolist() == random(50, 10, 1)[:5].tolist()
    assert len(set(random(50, 50, 3).tolist())) == 50
    counts = np.bincount(np.concatenate([random(5, 1, seed) for seed in range(500)]), minlength=5)
    assert counts.min() > 60  # 100 expected each


def test_selection_is_ranked_explained_and_benign():
    picked = select(prompts(), "band", n=3, tau=0.5)
    assert picked["id"].tolist() == ["p1", "p2", "p0"]  # p7 is harmful, p8 unlabelled
    assert picked["rank"].tolist() == [1, 2, 3]
    assert set(picked["policy"]) == {"band"}
    assert picked["reason"][0] == "margin -0.10, within ±0.5 of the boundary"
    assert picked["note"].tolist() == ["kept"] * 3
    assert list(picked.columns) == [*prompts().columns, "rank", "policy", "reason"]


def test_all_intents_on_request():
    assert select(prompts(), "band", n=2, only_benign=False)["id"].tolist() == ["p7", "p8"]


@pytest.mark.parametrize(
    ("policy", "expected"), [("positive", ["p9", "p5", "p0", "p2"]), ("farthest", ["p6", "p3", "p4", "p9"])]
)
def test_other_policies(policy, expected):
    assert select(prompts(), policy, n=4)["id"].tolist() == expected


def test_random_draws_from_the_whole_benign_pool():
    seen = {id_ for seed in range(30) for id_ in select(prompts(), "random", n=3, seed=seed)["id"]}
    assert seen == {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p9"}
    assert select(prompts(), "random", n=1, seed=4)["reason"][0] == "drawn at random from 8 prompts (seed 4)"


@pytest.mark.parametrize("policy", POLICIES)
def test_order_of_rows_and_ties_do_not_matter(policy):
    tied = prompts().assign(margin=[0.2, -0.2, 0.2, -0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2])
    expected = select(tied, policy, n=4, seed=5)
    for seed in range(3):
        pd.testing.assert_frame_equal(select(tied.sample(frac=1, random_state=seed), policy, n=4, seed=5), expected)
    if policy in ("band", "farthest"):
        assert expected["id"].tolist() == ["p0", "p1", "p2", "p3"]


def test_fewer_come_back_where_fewer_satisfy_the_rule():
    assert len(select(prompts(), "band", n=100, tau=0.5)) == 3
    assert len(select(prompts(), "farthest", n=100)) == 8


def test_input_is_not_changed():
    frame = prompts()
    select(frame, "band")
    pd.testing.assert_frame_equal(frame, prompts())


def test_empty_band_says_to_widen_it():
    with pytest.raises(AnalysisError, match=r"No benign prompt lies in the band ±0.05 \(the nearest .* -0.10\): widen"):
        select(prompts(), "band", tau=0.05)


@pytest.mark.parametrize(
    ("change", "arguments", "sentence"),
    [
        ({"margin": -1.0}, {"policy": "positive"}, "highest is -1.00"),
        ({}, {"policy": "nearest"}, "'nearest': choose one of band, positive, random, farthest"),
        ({}, {"n": 0}, "at least one prompt, not 0"),
        ({}, {"tau": 0.0}, "half-width"),
        ({"intent": "harmful"}, {}, "None of the 10 prompts is labelled harmless or borderline"),
        ({"margin": [0.1] * 9 + [np.nan]}, {}, r"1 prompts have no margin \(p9\)"),
    ],
)
def test_what_cannot_be_selected_is_told(change, arguments, sentence):
    with pytest.raises(AnalysisError, match=sentence):
        select(prompts().assign(**change), **arguments)


def test_empty_set_and_missing_columns_are_told():
    with pytest.raises(AnalysisError, match="no prompts to select from"):
        select(prompts()[:0])
    with pytest.raises(AnalysisError, match="no column margin"):
        select(prompts().drop(columns="margin"))
