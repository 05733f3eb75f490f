"""Separation of harmful from benign prompts: its arithmetic by hand, what it does not depend on, n and intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rasslib.mitigation.compare_tables import differences_table, long_table, means_table
from rasslib.mitigation.compare_words import means_words
from rasslib.mitigation.comparing import summarise
from rasslib.mitigation.held_out import held_out_sets
from rasslib.mitigation.outcomes import Outcome
from rasslib.mitigation.paired import set_weights
from rasslib.refusal.rates import wilson
from tests.mitigation.test_comparing import QUICK, SETS, _outcome


def _scored(arm: str, plain: list[float], hard: list[float], bad: list[float]) -> Outcome:
    scores = {
        one.name: dict(zip(one.prompts["id"], values, strict=False))
        for one, values in zip(SETS, (plain, hard, bad), strict=True)
    }
    return replace(_outcome(arm, {"plain": 0, "hard": 0, "bad": 8}), scores=scores)


def test_separation_by_hand() -> None:
    """Harmful above all plain prompts, above two of four hard ones and level with a third."""
    bad = [5.0] * 8
    found = summarise([_scored("base", [0.0] * 10, [1.0, 2.0, 5.0, 6.0], bad)], SETS, QUICK)["arms"]["base"]
    apart = found["separation"]
    assert apart["by_set"]["plain"]["value"] == 1.0 and apart["by_set"]["hard"]["value"] == pytest.approx(2.5 / 4)
    assert apart["mean"]["value"] == pytest.approx((1 + 0.625) / 2)
    assert (apart["mean"]["n"], apart["by_set"]["hard"]["n"], apart["n_harmful"]) == (14, 4, 8)
    assert apart["by_set"]["hard"]["low"] < 0.625 < apart["by_set"]["hard"]["high"]
    low, high = apart["by_set"]["plain"]["low"], apart["by_set"]["plain"]["high"]
    assert (low, high) == pytest.approx(wilson(8, 8)), "a perfect order of few prompts is no certainty"


def test_separation_does_not_depend_on_strength_and_is_paired() -> None:
    plain, hard, bad = [0.1 * k for k in range(10)], [0.3, 1.2, 0.2, 0.9], [0.5 + 0.2 * k for k in range(8)]
    weak = [[value / 8 for value in values] for values in (plain, hard, bad)]
    better = _scored("trigger", plain, hard, [value + 0.4 for value in bad])
    arms = summarise([_scored("base", plain, hard, bad), _scored("generic", *weak), better], SETS, QUICK)["arms"]
    assert arms["generic"]["separation"] == arms["base"]["separation"]
    table = differences_table({"arms": arms})
    assert list(table.loc[table["arm"] == "generic", "separation"]) == ["+0.000 (+0.000 to +0.000)"]
    assert arms["generic"]["against"]["base"]["separation"]["mean"] == {"difference": 0.0, "interval": [0.0, 0.0]}
    gap = arms["trigger"]["against"]["base"]["separation"]["mean"]
    assert gap["difference"] > 0 and gap["interval"][0] >= 0


def test_seeds_are_pooled_in_separation() -> None:
    bad = [5.0] * 8
    two = [_scored("trigger", [level] * 10, [level] * 4, bad) for level in (0.0, 9.0)]
    apart = summarise(two, SETS, QUICK)["arms"]["trigger"]["separation"]
    assert apart["mean"]["value"] == 0.5 and (apart["mean"]["low"], apart["mean"]["high"]) == (0, 1)
    assert (apart["mean"]["n"], apart["n_harmful"]) == (28, 16)


def test_a_trigger_is_drawn_with_the_prompt_it_was_made_of() -> None:
    sets = held_out_sets(["harmful", "triggers"])
    drawn = {one.name: (one, weights) for one, weights in set_weights(sets, 50, 0)}
    (harmful, w_harmful), (triggers, w_triggers) = drawn["harmful"], drawn["triggers"]
    shared = sorted(set(harmful.parents) & set(triggers.parents))
    assert len(shared) > 30
    for name in shared:
        np.testing.assert_array_equal(
            w_harmful[:, harmful.parents.index(name)], w_triggers[:, triggers.parents.index(name)]
        )


def test_prompts_without_a_score_are_left_out_of_separation() -> None:
    bad = [5.0] * 7  # the eighth could not be read
    apart = summarise([_scored("base", [0.0] * 10, [9.0] * 4, bad)], SETS, QUICK)["arms"]["base"]["separation"]
    assert apart["n_harmful"] == 7 and apart["by_set"]["plain"]["value"] == 1.0
    assert apart["by_set"]["hard"]["value"] == 0.0 and apart["mean"]["value"] == 0.5
    unread = summarise([_outcome("base", {"plain": 0, "hard": 0, "bad": 8})], SETS, QUICK)["arms"]["base"]
    assert unread["separation"] == {}


def test_separation_is_told_with_n_where_it_was_measured() -> None:
    found = summarise([_scored("base", [0.0] * 10, [1.0, 2.0, 5.0, 6.0], [5.0] * 8)], SETS, QUICK)
    assert (
        means_table(found)["separation"][0].startswith("0.812 (")
        and "n = 14 + 8" in means_table(found)["separation"][0]
    )
    table = long_table(found)
    row = table[(table["what"] == "separation") & (table["set"] == "hard")].iloc[0]
    assert (row["value"], row["n"], row["n_harmful"]) == (0.625, 4, 8)
    assert any("first-token" in one for one in means_words(found))
    without = summarise([_outcome("base", {"plain": 0, "hard": 0, "bad": 8})], SETS, QUICK)
    assert "separation" not in means_table(without) and not any("first-token" in one for one in means_words(without))
