"""Measuring an adapter: rates by intent, coherence beside the base, and files that cannot be written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from rasslib.errors import WorkspaceError
from rasslib.mitigation import measure
from rasslib.mitigation.adapters import round_to_half, save_adapter
from rasslib.mitigation.settings import TrainingError
from rasslib.models.catalogue import ADAPTER_WEIGHTS
from rasslib.models.decode import Reply

resource = pytest.importorskip("resource")  # not on Windows

GOOD, NO, LOOP = "well here is a bread of one car", "I'm sorry, but I can't help with that.", "one " * 60


def _wrapped(model: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    return get_peft_model(model, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))


def test_rates_by_intent_leave_invalid_out(
    model: Any, chat: Any, prompts: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prompts[prompts["split"] == "test"]
    said = {"harmful": [NO, NO, NO, GOOD], "harmless": [GOOD] * 4, "borderline": [NO, GOOD, LOOP, ""]}
    by_id = {
        str(key): Reply(text, 8, True)
        for intent, texts in said.items()
        for key, text in zip(asked[asked["intent"] == intent]["id"], texts, strict=True)
    }
    monkeypatch.setattr(measure, "greedy_replies", lambda *a, **k: by_id)
    rates = measure.refusal_rates(model, chat, asked)
    assert {name: (r["refused"], r["n"], r["invalid"]) for name, r in rates.items()} == {
        "harmful": (3, 4, 0),
        "harmless": (0, 4, 0),
        "borderline": (1, 2, 2),
    }
    assert rates["harmful"]["low"] < 0.75 < rates["harmful"]["high"]


def test_perplexity_is_that_of_the_reply_alone(model: Any, chat: Any) -> None:
    reply = Reply("here is bread", 4, True)
    ids = list(chat.render("car ?").ids)
    total = 0.0
    answer = [*chat.encode_text(reply.text), chat.tokenizer.eos_token_id]
    with torch.no_grad():
        for k, token in enumerate(answer):
            total -= float(model(input_ids=torch.tensor([ids + answer[:k]])).logits[0, -1].log_softmax(-1)[token])
    expected = math.exp(total / len(answer))
    assert measure.perplexity(model, chat, [("car ?", reply)]) == pytest.approx(expected, rel=1e-4)
    assert math.isnan(measure.perplexity(model, chat, []))


def test_coherence_compares_complied_replies_under_the_base(
    model: Any, chat: Any, prompts: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = prompts[(prompts["split"] == "test") & (prompts["intent"] == "harmless")]
    keys = [str(key) for key in asked["id"]]
    ours = dict(zip(keys, [Reply(t, 8, False) for t in (GOOD, NO, LOOP, GOOD)], strict=True))
    base = dict(zip(keys, [Reply(t, 6, False) for t in (GOOD, GOOD, GOOD, LOOP)], strict=True))
    monkeypatch.setattr(measure, "greedy_replies", lambda *a, **k: ours)
    wrapped = _wrapped(model)
    with torch.no_grad():  # an adapter that would spoil the perplexity if it were left on
        for name, weight in wrapped.named_parameters():
            if "lora_B" in name:
                weight.fill_(3.0)
    found = measure.coherence(wrapped, chat, asked, base, 8)
    assert (found.n, found.invalid, found.base_invalid, found.refused, found.compared) == (4, 1, 1, 1, 1)
    assert found.perplexity == pytest.approx(found.base_perplexity)
    assert (found.tokens, found.base_tokens, found.same) == (8, 6, 1)


def test_what_is_measured_is_what_is_saved(model: Any) -> None:
    wrapped = _wrapped(model)
    with torch.no_grad():
        for name, weight in wrapped.named_parameters():
            if "lora_" in name:
                weight.copy_(torch.randn_like(weight))
    saved = round_to_half(wrapped)
    for name, weight in wrapped.named_parameters():
        if "lora_" in name:
            assert torch.equal(weight, saved[name.replace(".default", "")].float())


def test_weights_that_are_no_numbers_are_not_saved(model: Any) -> None:
    wrapped = _wrapped(model)
    with torch.no_grad():
        next(p for name, p in wrapped.named_parameters() if "lora_A" in name)[0, 0] = 1e6  # too large for float16
    with pytest.raises(TrainingError, match="not finite"):
        round_to_half(wrapped)


def test_a_disk_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(WorkspaceError, match="disk is full"):
            save_adapter(tmp_path / "demo", {"w": torch.zeros(4000, dtype=torch.float16)}, {}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
    save_adapter(tmp_path / "demo", {"w": torch.zeros(4000, dtype=torch.float16)}, {}, {})
    assert (tmp_path / "demo" / ADAPTER_WEIGHTS).stat().st_size > 8000
