"""Splits: shares, strata, groups, and independence of the order."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from rasslib.errors import PromptError
from rasslib.prompts import assign_splits, make_prompt_set

WORDS = ["amber", "bison", "cedar", "delta", "ember", "fjord", "grape", "heron", "igloo", "jelly", "koala", "lemon"]


def prompts(strata: dict[tuple[str, str], int], seed: int = 1) -> pd.DataFrame:
    draw = random.Random(seed)
    rows = []
    for (intent, category), count in strata.items():
        for number in range(count):
            text = f"{category} {number} " + " ".join(draw.choices(WORDS, k=8))
            rows.append({"prompt": text, "intent": intent, "category": category})
    return make_prompt_set(rows)


def counts(df: pd.DataFrame, *by: str) -> dict[str, int]:
    return df.groupby([*by, "split"]).size().to_dict()


def test_every_stratum_gets_its_shares_exactly_where_they_are_whole() -> None:
    df = assign_splits(prompts({("harmful", "a"): 30, ("harmless", "b"): 10}), threshold=None)
    assert counts(df, "category") == {
        ("a", "train"): 18, ("a", "validation"): 6, ("a", "test"): 6,
        ("b", "train"): 6, ("b", "validation"): 2, ("b", "test"): 2,
    }  # fmt: skip


def test_small_strata_reach_every_split_or_balance_the_whole() -> None:
    three = assign_splits(prompts({("harmful", name): 3 for name in "abcd"}), threshold=None)
    assert set(counts(three, "category").values()) == {1}
    one = assign_splits(prompts({("harmful", f"c{n}"): 1 for n in range(20)}), threshold=None)
    assert counts(one) == {"train": 12, "validation": 4, "test": 4}


def test_the_draw_depends_on_the_seed_and_not_on_the_order() -> None:
    df = prompts({("harmful", "a"): 40, ("harmless", "b"): 40})
    first = assign_splits(df, seed=3).set_index("id")["split"]
    shuffled = assign_splits(df.sample(frac=1, random_state=0), seed=3).set_index("id")["split"]
    assert first.to_dict() == shuffled.to_dict()
    assert assign_splits(df, seed=4).set_index("id")["split"].to_dict() != first.to_dict()


def test_rows_stay_where_they_are_and_the_input_is_not_changed() -> None:
    df = prompts({("harmful", "a"): 10}).sample(frac=1, random_state=0)
    before = df.copy()
    after = assign_splits(df)
    pd.testing.assert_frame_equal(df, before)
    pd.testing.assert_frame_equal(after.drop(columns="split"), df.drop(columns="split"))


def test_groups_stay_together_across_strata_and_empty_ones_do_not_bind() -> None:
    df = prompts({("harmful", "a"): 30, ("borderline", "b"): 30})
    df["group"] = [f"g{n % 15}" if n % 2 else "" for n in range(60)]
    done = assign_splits(df, threshold=None)
    assert done[done["group"] != ""].groupby("group")["split"].nunique().max() == 1
    assert set(done.loc[done["group"] == "", "split"]) == {"train", "validation", "test"}
    other = assign_splits(df.rename(columns={"group": "pair"}), threshold=None, group_columns=("pair",))
    assert other["split"].tolist() == done["split"].tolist()


def test_near_duplicates_stay_together() -> None:
    df = prompts({("harmful", "a"): 20})
    twins = make_prompt_set({"prompt": text + "!", "category": "other"} for text in df["prompt"])
    both = assign_splits(pd.concat([df, twins], ignore_index=True))
    halves = both["split"].tolist()
    assert halves[:20] == halves[20:]
    apart = assign_splits(pd.concat([df, twins], ignore_index=True), threshold=None)["split"].tolist()
    assert apart[:20] != apart[20:]


def test_groups_and_near_duplicates_join_in_chains() -> None:
    df = make_prompt_set(
        [
            {"prompt": "bake a loaf of rye bread", "group": "g"},
            {"prompt": "paint the old fence green", "group": "g"},
            {"prompt": "Paint the old fence green!!", "group": ""},
        ]
    )
    assert assign_splits(df)["split"].nunique() == 1


def test_shares_may_be_zero() -> None:
    df = assign_splits(prompts({("harmful", "a"): 10}), fractions=(0.5, 0.0, 0.5))
    assert counts(df) == {"train": 5, "test": 5}


def test_without_strata_and_without_rows() -> None:
    assert counts(assign_splits(prompts({("harmful", "a"): 10}), by=())) == {"train": 6, "validation": 2, "test": 2}
    assert assign_splits(make_prompt_set([])).empty


def test_wrong_arguments_are_told() -> None:
    df = prompts({("harmful", "a"): 3})
    for fractions in ((0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)):
        with pytest.raises(PromptError, match="add up to 1"):
            assign_splits(df, fractions=fractions)
    with pytest.raises(PromptError, match="stratified by mood"):
        assign_splits(df, by=("intent", "mood"))
