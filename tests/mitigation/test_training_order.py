"""The order of the training examples."""

from __future__ import annotations

from collections import Counter

from rasslib.mitigation.order import training_order

INTENTS = ["harmful"] * 24 + ["harmless"] * 40
LENGTHS = [10 + k % 7 for k in range(24)] + [50 + k % 11 for k in range(40)]


def test_every_example_once_an_epoch() -> None:
    order = training_order(INTENTS, LENGTHS, 8, 3, seed=0)
    assert [Counter(order[e * 64 : (e + 1) * 64]) for e in range(3)] == [Counter(range(64))] * 3


def test_every_batch_has_its_share() -> None:
    order = training_order(INTENTS, LENGTHS, 8, 2, seed=0)
    for start in range(0, len(order), 8):
        assert sum(INTENTS[k] == "harmful" for k in order[start : start + 8]) in (2, 3, 4)


def test_batches_are_sorted_by_length_but_differ_by_epoch_and_seed() -> None:
    order = training_order(INTENTS, LENGTHS, 8, 2, seed=0)
    for start in range(0, len(order), 8):
        lengths = [LENGTHS[k] for k in order[start : start + 8]]
        assert lengths == sorted(lengths)
    assert order[:64] != order[64:]
    assert order == training_order(INTENTS, LENGTHS, 8, 2, seed=0)
    assert order != training_order(INTENTS, LENGTHS, 8, 2, seed=1)
    assert order[:64] != sorted(order[:64])
