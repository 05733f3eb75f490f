"""Near-duplicates: what is a pair, and that many texts take seconds."""

from __future__ import annotations

import random
import time

import pytest

from rasslib.prompts import duplicate_groups, near_duplicates, normalise

FILLER = ["How long do ducks sleep?", "Paint the old fence green.", "Who invented the umbrella?", "Name six herbs."]


def test_normalise() -> None:
    assert normalise("  Don’t—stop,\tNOW!! ") == "dont stop now"
    assert normalise("ﬁne Straße") == "fine strasse"
    assert normalise("2 + 2 = 4") == "2 + 2 = 4"
    assert normalise("??") == "??"


def test_pairs_within_are_found_once_and_in_order() -> None:
    texts = ["Where can I buy fresh basil plants?", *FILLER, "Where can I buy a fresh basil plant"]
    pairs = near_duplicates(texts, threshold=0.6)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 5)]
    assert 0.6 <= pairs[0].similarity < 1


def test_identical_after_normalising_is_one() -> None:
    pairs = near_duplicates(["Boil, the TEA!", *FILLER, "boil the tea"], threshold=1)
    assert [(pair.first, pair.second) for pair in pairs] == [(0, 5)]
    assert pairs[0].similarity == pytest.approx(1, abs=1e-5)


def test_shared_frames_alone_make_no_pair() -> None:
    nouns = ["bicycle", "harpsichord", "volcano", "marmalade", "parliament", "submarine"]
    assert near_duplicates([f"How do I describe a {noun} well?" for noun in nouns]) == []


def test_pairs_with_others_are_positions_in_each() -> None:
    pairs = near_duplicates([*FILLER, "Fold a paper swan"], ["Fold a paper swan!", "Skate backwards"])
    assert [(pair.first, pair.second) for pair in pairs] == [(4, 0)]


def test_blocks_do_not_lose_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [*FILLER, "Fold a paper swan", "Skate backwards", "fold a paper swan", *FILLER]
    whole = near_duplicates(texts)
    monkeypatch.setattr("rasslib.prompts.duplicates._CELLS_AT_ONCE", 20)  # two rows at once
    assert near_duplicates(texts) == whole
    assert len(whole) == 5


def test_nothing_to_compare() -> None:
    assert near_duplicates([]) == []
    assert near_duplicates(["a"], []) == []
    assert near_duplicates(["", " "]) == []
    assert duplicate_groups([]).tolist() == []
    with pytest.raises(ValueError, match="threshold"):
        near_duplicates(["a"], threshold=0)


def test_groups_follow_chains() -> None:
    chain = ["bake a round loaf of rye bread", "bake a round loaf of rye bread today", "bake a round loaf today"]
    groups = duplicate_groups([chain[0], *FILLER, chain[1], chain[2]], threshold=0.7)
    assert not any({p.first, p.second} == {0, 2} for p in near_duplicates(chain, threshold=0.7))
    assert groups[0] == groups[5] == groups[6]
    assert len(set(groups.tolist())) == 5


def test_ten_thousand_texts_take_seconds() -> None:
    draw = random.Random(0)
    parts = ["ba", "co", "di", "fu", "ge", "li", "mo", "nu", "ra", "se", "ti", "vo"]
    words = ["".join(draw.choices(parts, k=draw.randint(1, 4))) for _ in range(3000)]
    texts = ["how do i " + " ".join(draw.choices(words, k=9)) for _ in range(10_000)]
    texts[9_000] = texts[17] + "!"
    start = time.perf_counter()
    pairs = near_duplicates(texts)
    assert time.perf_counter() - start < 60  # about 5 s on one free core
    assert (17, 9_000) in [(pair.first, pair.second) for pair in pairs]
