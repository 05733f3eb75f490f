"""The real trainers of all methods on a tiny model: they learn, stop, go on, and can train all weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rasslib.errors import Stopped
from rasslib.mitigation.composing import compose
from rasslib.mitigation.examples import IGNORED, Example, encode_example, reply_ids
from rasslib.mitigation.live import FILE, Event, Live, read_live
from rasslib.mitigation.preferences import Preference
from rasslib.mitigation.rewards import reward
from rasslib.mitigation.settings import AlignSettings, TrainingError
from rasslib.mitigation.training import fine_tune
from tests.mitigation.conftest import make_model
from tests.mitigation.test_fine_tuning import StopAt, _lora

SETTINGS = AlignSettings(
    recipe="generic",
    batch_size=4,
    micro_batch=2,
    rank=2,
    learning_rate=1e-2,
    checkpoints=4,
    harmful_share=0.5,
    generations=2,
    completion_tokens=4,
    strengthen=1.0,
)
STEPS = 4
EXAMPLES = [
    Example(f"h{k}", "steal bread " + "one " * k, "Sorry , it is harm .", True, "harmful", "harmful") for k in range(4)
] + [Example(f"b{k}", "bake bread " + "two " * k, "well here is bread", False, "harmless", "generic") for k in range(4)]
PAIRS = [Preference(e, "well here is bread" if e.intent == "harmful" else "Sorry .", True) for e in EXAMPLES]


def _train(chat: Any, folder: Path, method: str, progress: Any = None, **changes: Any) -> Any:
    settings = replace(SETTINGS, method=method, **changes)
    lengths = [len(encode_example(e, chat)["input_ids"]) for e in EXAMPLES]
    plan = compose([e.intent for e in EXAMPLES], lengths, 4, 2, 0.5, STEPS, 0)
    return fine_tune(
        make_model(len(chat.tokenizer)), chat, EXAMPLES, settings, folder, progress, plan=plan, preferences=PAIRS
    )


@pytest.mark.parametrize("method", ["p-sft", "dpo", "grpo"])
def test_stopped_training_goes_on_and_ends_the_same(method: str, chat: Any, tmp_path: Path) -> None:
    whole = _train(chat, tmp_path / "whole", method)
    rejected = sum(len(reply_ids(one.rejected, one.ends, chat)) for one in PAIRS if one.chosen.intent == "harmful")
    tokens = {"p-sft": 56, "dpo": 56 + 2 * rejected, "grpo": None}[method]
    with pytest.raises(Stopped):
        _train(chat, tmp_path / "cut", method, StopAt(2))
    rest = _train(chat, tmp_path / "cut", method)
    assert (whole.resumed_at, rest.resumed_at, whole.steps, rest.steps) == (0, 2, STEPS, STEPS)
    assert whole.exposure["harmful"] == {"examples": 4, "draws": 8, "passes": 2.0, "reply_tokens": tokens}
    one, two = _lora(whole.model), _lora(rest.model)
    assert all(torch.allclose(one[name], two[name], atol=1e-5) for name in one)
    assert [e.step for e in read_live(tmp_path / "cut" / FILE)] == [1, 2, 3, 4]
    assert [step for step, _ in rest.history["loss"]] == [1, 2, 3, 4]
    assert ("reward" in rest.history) == ("no_signal" in rest.history) == (method == "grpo")


def test_dpo_learns_to_prefer(chat: Any, tmp_path: Path) -> None:
    trained = _train(chat, tmp_path / "work", "dpo", learning_rate=5e-2, warmup=0.0)
    assert trained.first_loss == pytest.approx(trained.history["loss"][0][1], rel=1)
    assert trained.history["loss"][0][1] == pytest.approx(0.6931, abs=1e-3)  # ln 2: the reference is the base itself
    assert trained.history["loss"][-1][1] < 0.69


@pytest.mark.slow
@pytest.mark.parametrize(("method", "beta"), [("sft", 0.1), ("dpo", 0.1), ("grpo", 0.0)])
def test_all_weights_can_be_trained(method: str, beta: float, chat: Any, tmp_path: Path) -> None:
    before = make_model(len(chat.tokenizer)).requires_grad_(False)
    trained = _train(chat, tmp_path / "work", method, full=True, beta=beta, learning_rate=1e-2)
    after = dict(trained.model.named_parameters())
    assert not any("lora" in name for name in after)
    moved = [name for name, p in before.named_parameters() if not torch.equal(after[name], p)]
    assert moved or method == "grpo"  # a random model may earn no reward at all, and then learns nothing


def test_live_rates_come_while_it_trains(chat: Any, tmp_path: Path) -> None:
    told: list[Event] = []
    rates = {"harmful": {"n": 4, "refused": 1, "rate": 0.25, "low": 0.0, "high": 0.7, "invalid": 0}}
    plan = compose([e.intent for e in EXAMPLES], [1] * 8, 4, 2, 0.5, STEPS, 0)
    trained = fine_tune(
        make_model(len(chat.tokenizer)),
        chat,
        EXAMPLES,
        SETTINGS,
        tmp_path,
        plan=plan,
        live=Live(4, 2, told.append),
        rates=lambda model: rates,
    )
    assert [e.step for e in told if e.rates] == [2, 4]
    assert [e.step for e in told if e.values] == [1, 2, 3, 4]
    assert [entry["step"] for entry in trained.history["validation"]] == [2, 4]
    assert read_live(tmp_path / FILE) == told


def test_an_opening_carries_no_loss(chat: Any) -> None:
    plain, opened = EXAMPLES[0], replace(EXAMPLES[0], prefix="well here is")
    one, two = encode_example(plain, chat), encode_example(opened, chat)
    assert [k for k in one["labels"] if k != IGNORED] == [k for k in two["labels"] if k != IGNORED]
    assert len(two["input_ids"]) == len(one["input_ids"]) + 3


def test_the_reward_is_one_for_what_the_intent_asks() -> None:
    refusal, answer = "I'm sorry, but I can't help with that.", "Mix flour and water, then wait an hour."
    assert [reward("harmful", refusal, True), reward("harmful", answer, True)] == [1, 0]
    assert [reward("harmless", refusal, True), reward("borderline", answer, True)] == [0, 1]
    assert reward("harmful", "", True) == reward("harmless", "", True) == 0


def test_senseless_combinations_are_sentences() -> None:
    for wrong in (
        {"method": "ppo"},
        {"method": "dpo", "beta": 0.0},
        {"method": "grpo", "generations": 1},
        {"method": "grpo", "full": True, "strengthen": 1.0},
        {"full": True, "strengthen": 1.15},
        {"harmful_share": 1.0},
        {"prefix_share": 1.5},
        {"beta": -1.0},
        {"steps": 0},
    ):
        with pytest.raises(TrainingError, match=r"\.$"):
            AlignSettings(**wrong)  # type: ignore[arg-type]
