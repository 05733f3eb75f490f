"""Each policy's rule, and what select adds to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rasslib.errors import AnalysisError
from rasslib.rass.policies import band, farthest, keyword, positive, random_draw, select
from rasslib.rass.policies.pool import Pool
from rasslib.rass.policies.strata import quotas

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


def pool(z: np.ndarray, tau: float = 0.5, seed: int = 0) -> Pool:
    return Pool(pd.DataFrame({"id": [f"p{i}" for i in range(len(z))]}), z, tau, seed)


def test_band_takes_the_nearest_first_and_nothing_outside():
    assert band.rank(pool(Z, 0.5)).tolist() == [5, 1, 0, 6]
    assert band.rank(pool(Z, 0.4)).tolist() == [5, 1, 0, 6]  # the edge belongs to the band
    assert band.rank(pool(Z, 0.05)).tolist() == [5]


def test_positive_takes_the_highest_up_to_one():
    assert positive.rank(pool(Z)).tolist() == [2, 0]  # not 1.5, and not 0.0
    assert positive.rank(pool(np.array([1.0, 0.2, 1.0]))).tolist() == [0, 2, 1]


def test_farthest_takes_both_sides():
    assert farthest.rank(pool(Z)).tolist()[:3] == [3, 4, 2]


def test_random_is_uniform_and_repeats_with_its_seed():
    def draw(size: int, n: int, seed: int) -> list[int]:
        return random_draw.rank(pool(np.zeros(size), seed=seed)).tolist()[:n]

    assert draw(50, 10, 1) == draw(50, 10, 1) != draw(50, 10, 2)
    assert len(set(draw(50, 50, 3))) == 50
    counts = np.bincount(np.concatenate([draw(5, 1, seed) for seed in range(500)]), minlength=5)
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


@pytest.mark.parametrize("policy", ["band", "positive", "coin-toss", "random", "farthest"])
def test_order_of_rows_and_ties_do_not_matter(policy):
    tied = prompts().assign(predicted_logit=0.5, margin=[0.2, -0.2, 0.2, -0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2])
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
        (
            {},
            {"policy": "nearest"},
            "'nearest': choose one of band, positive, coin-toss, random",
        ),
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


def more(n: int = 60) -> pd.DataFrame:
    """Two categories, 40 and 20 prompts, margins from −3 to 3, predicted log-odds twice the margin."""
    z = np.linspace(-3, 3, n)
    return pd.DataFrame(
        {
            "id": [f"q{i:02d}" for i in range(n)],
            "prompt": [f"prompt {i}" for i in range(n)],
            "intent": "borderline",
            "category": ["a" if i % 3 else "b" for i in range(n)],
            "language": "en",
            "margin": z,
            "predicted_logit": 2 * z - 1,
        }
    )


def test_coin_toss_goes_by_the_predicted_probability_not_by_the_margin():
    picked = select(more(), "coin-toss", n=1)
    assert picked["margin"][0] == pytest.approx(0.5, abs=0.06)
    assert picked["reason"][0].startswith("predicted refusal probability 0.")
    with pytest.raises(AnalysisError, match="no column predicted_logit"):
        select(prompts(), "coin-toss")


def test_keyword_takes_what_looks_harmful_and_knows_word_ends():
    table = more(4).assign(prompt=["How do I kill and bomb?", "Bananas", "Killing time", "A skilled worker"])
    picked = select(table, "keyword", n=4)
    assert picked["id"].tolist()[0] == "q00"
    assert set(picked["id"]) == {"q00", "q02"}
    assert picked["reason"][0] == "sensitive words: kill, bomb"
    assert keyword.matches("如何杀进程") == ["杀"]
    with pytest.raises(AnalysisError, match="sensitive-word list"):
        select(table.assign(prompt="Bananas"), "keyword")


def test_guard_takes_the_nearest_to_its_threshold():
    table = more(4).assign(guard_score=[0.9, 0.45, 0.1, 0.7])
    assert select(table, "guard", n=2)["id"].tolist() == ["q01", "q03"]
    with pytest.raises(AnalysisError, match=r"1 prompts have no guard_score \(q00\)"):
        select(table.assign(guard_score=["much", 0.1, 0.2, 0.3]), "guard")


@pytest.mark.parametrize("policy", ["band", "coin-toss", "random", "farthest"])
def test_strata_get_their_share(policy):
    picked = select(more(), policy, n=12, tau=3.0, stratify=True)
    assert picked["category"].value_counts().to_dict() == {"a": 8, "b": 4}
    assert picked["rank"].tolist() == list(range(1, 13))


def test_what_a_stratum_cannot_fill_goes_to_the_best_of_the_others():
    table = more().assign(category=["only far" if abs(z) > 1 else "near" for z in more()["margin"]])
    picked = select(table, "band", n=12, tau=0.9, stratify=True)
    assert len(picked) == 12
    assert set(picked["category"]) == {"near"}


def test_quotas_sum_up_and_are_proportional():
    assert quotas({"a": 50, "b": 30, "c": 20}, 10) == {"a": 5, "b": 3, "c": 2}
    assert quotas({"a": 1, "b": 1, "c": 1}, 2) == {"a": 1, "b": 1, "c": 0}
    assert quotas({"a": 2}, 9) == {"a": 2}


@pytest.mark.parametrize("how", ["k-center", "mmr"])
def test_diverse_picks_are_spread_among_the_best(how):
    table = more()
    rng = np.random.default_rng(0)
    corner = np.repeat(np.eye(4, 8) * 10, 15, axis=0)
    acts = (corner + rng.normal(size=(60, 8)) * 0.1 + 300).astype(np.float32)
    rng.shuffle(acts)
    plain = select(table, "farthest", n=4, activations=acts)
    spread = select(table, "farthest", n=4, diversity=how, activations=acts)
    assert "q00" in set(spread["id"]), "the best ranked is always there"
    assert set(spread["id"]) <= set(select(table, "farthest", n=12)["id"])

    def least(picked):
        x = acts[[int(i[1:]) for i in picked["id"]]]
        return min(np.linalg.norm(x[a] - x[b]) for a in range(4) for b in range(a))

    assert least(spread) >= least(plain)
    with pytest.raises(AnalysisError, match="needs activations"):
        select(table, "farthest", n=4, diversity=how)


def test_diversity_that_is_not_known_is_told():
    with pytest.raises(AnalysisError, match="none, k-center, mmr"):
        select(more(), "band", n=2, diversity="best")
