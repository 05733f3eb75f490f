"""Batches of a fixed make-up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from rasslib.mitigation.composing import compose, parts, steps_of
from rasslib.mitigation.prefixes import ATTACKS, PREFIXES, attack_for, with_prefixes
from rasslib.mitigation.settings import TrainingError
from tests.mitigation.test_fine_tuning import _example

HARMFUL = 10


def _plan(benign: int, seed: int = 0, batch: int = 10, steps: int = 20):  # type: ignore[no-untyped-def]
    intents = ["harmful"] * HARMFUL + ["harmless"] * benign
    return compose(intents, [k % 7 for k in range(len(intents))], batch, 4, 0.2, steps, seed)


def test_sixteen_of_eighty_at_every_batch_size() -> None:
    assert [parts(size, 0.2) for size in (80, 40, 10, 8, 5, 2)] == [(16, 64), (8, 32), (2, 8), (2, 6), (1, 4), (1, 1)]
    assert parts(9, 0.444) == (4, 5)
    assert steps_of(10, 256, 80, 0.2) == 160
    with pytest.raises(TrainingError, match="batch of 1"):
        parts(1, 0.2)


def test_every_batch_holds_its_share_and_passes_are_even() -> None:
    plan = _plan(30)
    assert (plan.batch_size, plan.micro_batch, plan.steps) == (10, 2, 20)
    for start in range(0, 200, 10):
        assert sum(k < HARMFUL for k in plan.order[start : start + 10]) == 2
    seen = Counter(plan.order)
    assert {seen[k] for k in range(HARMFUL)} == {4}
    assert {seen[k] for k in range(HARMFUL, 40)} <= {5, 6}


def test_arms_share_the_harmful_examples_step_by_step() -> None:
    def harmful(benign: int) -> list[list[int]]:
        plan = _plan(benign)
        size = plan.batch_size
        batches = [plan.order[start : start + size] for start in range(0, len(plan.order), size)]
        return [sorted(k for k in batch if k < HARMFUL) for batch in batches]

    assert harmful(30) == harmful(5) == harmful(0)
    assert _plan(0).batch_size == 2
    assert _plan(30, seed=1).order != _plan(30).order


def test_exposure_tells_passes_and_tokens() -> None:
    plan = _plan(30)
    told = plan.exposure(["harmful"] * HARMFUL + ["trigger"] * 30, [3] * HARMFUL + [5] * 30)
    assert told["harmful"] == {"examples": 10, "draws": 40, "passes": 4.0, "reply_tokens": 120}
    assert told["trigger"]["passes"] == pytest.approx(160 / 30, abs=1e-3)
    assert told["trigger"]["reply_tokens"] == 800


def test_no_harmful_examples_is_a_sentence() -> None:
    with pytest.raises(TrainingError, match="no harmful examples"):
        compose(["harmless"], [1], 10, 2, 0.2, 3, 0)


def test_a_share_of_refusals_gets_an_opening_that_is_never_attacked_with() -> None:
    drawn = [_example(k % 8) for k in range(400)]
    made = with_prefixes(drawn, 0.5, 0)
    assert 160 < sum(bool(example.prefix) for example in made) < 240
    assert {example.prefix for example in made} == {"", *PREFIXES}
    assert made == with_prefixes(drawn, 0.5, 0) != with_prefixes(drawn, 0.5, 1)
    benign = [replace(_example(k), prompt_id=f"b{k}", intent="harmless") for k in range(50)]
    other = [one for pair in zip(benign, drawn, strict=False) for one in pair] + drawn[50:]
    told = [example.prefix for example in with_prefixes(other, 0.5, 0) if example.intent == "harmful"]
    assert told == [example.prefix for example in made]  # benign examples between them change nothing
    assert not set(PREFIXES) & set(ATTACKS)
    assert attack_for("p1") == attack_for("p1")
    assert all(not example.prefix for example in with_prefixes(drawn, 0.0, 0))
