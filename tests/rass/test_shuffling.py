"""A shuffled range holds every number once, in an order that its seed and key determine."""

from __future__ import annotations

import itertools

import pytest

from rasslib.rass.shuffling import Shuffled


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 16, 17, 100, 1000])
def test_every_number_comes_once(size):
    for seed in range(3):
        order = Shuffled(size, seed)
        assert len(order) == size
        assert sorted(order) == list(range(size))


def test_seed_and_key_make_the_order():
    orders = [tuple(Shuffled(50, seed, key)) for seed in (0, 1) for key in ("", "a")]
    assert len(set(orders)) == 4
    assert tuple(Shuffled(50, 0, "a")) == orders[1]


def test_the_order_stays_the_same_for_good():
    assert list(Shuffled(8, 0)) == [0, 3, 2, 5, 6, 4, 1, 7]


def test_places_are_about_uniform():
    first = [Shuffled(6, seed)[0] for seed in range(1200)]
    assert all(150 < first.count(number) < 250 for number in range(6))  # 200 expected each
    rising = sum(order[i] < order[i + 1] for order in [Shuffled(500, 3)] for i in range(499))
    assert 200 < rising < 300


def test_trillions_cost_nothing():
    order = Shuffled(10**12, 7)
    drawn = [order[i] for i in itertools.chain(range(1000), [10**12 - 1])]
    assert len(set(drawn)) == 1001
    assert all(0 <= number < 10**12 for number in drawn)


def test_outside_is_told():
    with pytest.raises(IndexError):
        Shuffled(3, 0)[3]
    with pytest.raises(ValueError, match="negative"):
        Shuffled(-1, 0)
