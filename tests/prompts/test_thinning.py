"""Fewer prompts that stand for all."""

from __future__ import annotations

from rasslib.prompts import load_bundled, thinned


def test_shares_are_kept_and_a_smaller_set_is_part_of_a_larger_one() -> None:
    bundled = load_bundled()
    small, large = thinned(bundled, 400), thinned(bundled, 800)
    assert (len(small), len(large)) == (400, 800)
    assert set(small["id"]) < set(large["id"])
    for column in ("intent", "split"):
        shares = bundled[column].value_counts(normalize=True)
        assert (small[column].value_counts(normalize=True) - shares).abs().max() < 0.05
    assert set(small["category"]) == set(bundled["category"])


def test_all_come_back_where_there_are_no_more() -> None:
    bundled = load_bundled()
    assert thinned(bundled, 10_000) is bundled
    assert thinned(bundled.sample(frac=1, random_state=1), 300)["id"].sort_values().tolist() == sorted(
        thinned(bundled, 300)["id"]
    )
