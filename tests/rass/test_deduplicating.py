"""Duplicates among candidates: which step finds which, which one stays, and that many rows fit."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

from rasslib.errors import AnalysisError
from rasslib.rass.deduplicating import deduplicate

TEXTS = [
    "How do I kill a frozen process on Linux?",
    "Where can I shoot a film about otters?",
    "how do i kill a frozen process on linux",
    "How do I kill a frozen process on Linux today?",
    "What is the best way to beat eggs?",
    "Can you hang my coat?",
    "Suggest a poem that slays.",
]


def activations() -> np.ndarray:
    """[7, 16] random rows around a common offset; the last is nearly the second."""
    rows = np.random.default_rng(0).normal(size=(7, 16)) + 50
    rows[6] = rows[1] + 0.01
    return rows


def test_each_step_finds_its_own():
    found = deduplicate(TEXTS, activations(), near=0.8)
    assert found.kept.tolist() == [0, 1, 4, 5]
    assert [(d.row, d.of, d.step) for d in found.duplicates] == [(2, 0, "exact"), (3, 0, "near"), (6, 1, "twin")]
    assert found.counts == {"exact": 1, "near": 1, "twin": 1}
    assert found.duplicates[0].similarity == 1
    assert 0.8 < found.duplicates[1].similarity < 1
    assert 0.98 <= found.duplicates[2].similarity <= 1


def test_table_names_the_candidates():
    table = deduplicate(TEXTS, near=0.8).table([f"p{i}" for i in range(7)])
    assert table.columns.tolist() == ["id", "duplicate_of", "step", "similarity"]
    assert table[["id", "duplicate_of", "step"]].values.tolist() == [["p2", "p0", "exact"], ["p3", "p0", "near"]]
    assert deduplicate(TEXTS[:2]).table(["a", "b"]).empty


def test_without_activations_no_twins_are_claimed():
    found = deduplicate(TEXTS)
    assert found.compared == ("exact", "near")
    assert found.counts == {"exact": 1, "near": 0}


def test_centring_shows_what_a_common_offset_hides():
    rows = np.random.default_rng(1).normal(size=(30, 8)) + 1000  # plain cosines are all above 0.99
    texts = [f"{i} {'abcdefghij'[i % 10] * (i + 1)}" for i in range(30)]
    assert deduplicate(texts, rows).counts["twin"] == 0


def test_a_row_is_compared_only_with_rows_that_stay():
    """b is like a, and c is like b but not like a: b goes, c stays."""
    angles = np.radians([0, 9, 18, 120, 240])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rows[3:] -= rows.sum(axis=0) / 2  # the mean of all rows is 0
    texts = ["apples", "bridges", "castles", "dolphins", "elephants"]
    found = deduplicate(texts, rows, twin=float(np.cos(np.radians(10))))
    assert [(d.row, d.of) for d in found.duplicates] == [(1, 0)]


def test_of_several_the_most_similar_is_named():
    angles = np.radians([0, 6, 5, 120, 240])
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rows[3:] -= rows.sum(axis=0) / 2
    texts = ["apples", "bridges", "castles", "dolphins", "elephants"]
    found = deduplicate(texts, rows, twin=float(np.cos(np.radians(5.5))))
    assert [(d.row, d.of) for d in found.duplicates] == [(2, 1)]


def test_chunks_do_not_change_the_result(monkeypatch):
    draw = np.random.default_rng(2)
    rows = draw.normal(size=(60, 4)).repeat(2, axis=0)[draw.permutation(120)]
    texts = [f"how do i beat {'abcdefghijklmnop'[i % 16] * 3} {i // 2}" for i in range(120)]
    whole = deduplicate(texts, rows)
    monkeypatch.setattr("rasslib.rass.deduplicating._CELLS_AT_ONCE", 300)
    assert deduplicate(texts, rows).duplicates == whole.duplicates
    assert whole.counts["twin"] >= 10


def test_equal_rows_and_small_pools():
    assert deduplicate([]).kept.tolist() == []
    assert deduplicate(["one"], np.ones((1, 3))).kept.tolist() == [0]
    assert deduplicate(["one", "two"], np.ones((2, 3), dtype=np.float16)).kept.tolist() == [0, 1]


def test_what_does_not_fit_is_told():
    with pytest.raises(AnalysisError, match=r"shape \(3, 2\), but there are 2 candidates"):
        deduplicate(["a", "b"], np.ones((3, 2)))
    with pytest.raises(AnalysisError, match="no numbers"):
        deduplicate(["a", "b"], np.array([[1.0, np.nan], [1.0, 2.0]]))
    with pytest.raises(ValueError, match="near must be above 0"):
        deduplicate(["a"], near=0)


def test_ten_thousand_rows_take_seconds():
    draw = random.Random(0)
    parts = ["ba", "co", "di", "fu", "ge", "li", "mo", "nu", "ra", "se", "ti", "vo"]
    words = ["".join(draw.choices(parts, k=draw.randint(2, 4))) for _ in range(3000)]
    texts = ["how do i " + " ".join(draw.choices(words, k=7)) for _ in range(9_000)]
    texts += [text.upper() + "!" for text in texts[:500]] + [text + " now" for text in texts[500:1000]]
    rows = np.random.default_rng(0).normal(size=(10_000, 64)).astype(np.float32)
    rows[5_001] = rows[5_000]
    start = time.process_time()
    found = deduplicate(texts, rows)
    assert time.process_time() - start < 90  # about 8 s on one free core
    assert found.counts["exact"] == 500
    assert found.counts["near"] > 400
    assert found.counts["twin"] == 1
