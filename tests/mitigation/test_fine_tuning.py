"""Real training of a tiny model: what changes, how it stops, how it goes on, how it fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from rasslib.errors import Stopped, WorkspaceError
from rasslib.mitigation.examples import Example
from rasslib.mitigation.settings import AlignSettings, TrainingError
from rasslib.mitigation.trainer import on_one
from rasslib.mitigation.training import fine_tune, last_whole_checkpoint
from rasslib.mitigation.watching import Watch
from tests.mitigation.conftest import make_model

SETTINGS = AlignSettings(
    epochs=2, batch_size=4, micro_batch=2, rank=2, alpha=4, learning_rate=1e-2, reply_tokens=8, checkpoints=4
)

SHORT = AlignSettings(epochs=1, batch_size=4, micro_batch=4, rank=2)


def _examples(n: int = 8) -> list[Example]:
    return [_example(k) for k in range(n)]


def _example(k: int) -> Example:
    return Example(f"p{k}", "Tell me about bread " + "one " * k, "Sorry , it is harm .", True, "harmful")


def _lora(model: Any) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters() if "lora_" in name}


class StopAt:
    """Asks to stop once so many steps are done."""

    def __init__(self, step: int) -> None:
        self.step = step

    def update(self, stage: str, done: int, total: int) -> None:
        if done >= self.step:
            raise Stopped()


def test_only_lora_weights_change_and_the_loss_falls(model: Any, chat: Any, tmp_path: Path) -> None:
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trained = fine_tune(model, chat, _examples(), SETTINGS, tmp_path / "work")
    lora = _lora(trained.model)
    rest = {
        name.replace("base_model.model.", "").replace(".base_layer", ""): p
        for name, p in trained.model.named_parameters()
        if "lora_" not in name
    }
    assert rest.keys() == before.keys()
    assert all(torch.equal(rest[name], before[name]) for name in before)
    moved = [name for name, p in lora.items() if "lora_B" in name and p.abs().max() > 0]
    assert len(moved) == len(lora) / 2 == 14  # two layers of seven linear maps
    assert trained.steps == 4
    assert trained.label_tokens == 8 * 7
    assert trained.last_loss < trained.first_loss, "of other steps, however few"
    assert not trained.model.training


def test_loss_is_the_mean_over_reply_tokens(model: Any, chat: Any, tmp_path: Path) -> None:
    """The first loss equals a hand-made one over the labels: prompt tokens and padding play no part."""
    from rasslib.mitigation.examples import encode_example

    examples = _examples(4)
    total, count = 0.0, 0
    for example in examples:
        row = encode_example(example, chat)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([row["input_ids"]])).logits[0]
        for position, label in enumerate(row["labels"]):
            if label != -100:
                total -= float(torch.log_softmax(logits[position - 1], -1)[label])
                count += 1
    one_step = AlignSettings(epochs=1, batch_size=4, micro_batch=2, rank=2, warmup=0.0)
    trained = fine_tune(model, chat, examples, one_step, tmp_path / "work")
    assert trained.steps == 1
    assert trained.first_loss == pytest.approx(total / count, abs=1e-3)


def test_stopped_training_goes_on_and_ends_the_same(chat: Any, tmp_path: Path) -> None:
    size = len(chat.tokenizer)
    whole = fine_tune(make_model(size), chat, _examples(), SETTINGS, tmp_path / "whole")
    with pytest.raises(Stopped):
        fine_tune(make_model(size), chat, _examples(), SETTINGS, tmp_path / "cut", StopAt(2))
    rest = fine_tune(make_model(size), chat, _examples(), SETTINGS, tmp_path / "cut")
    assert (whole.resumed_at, rest.resumed_at) == (0, 2)
    assert rest.steps == whole.steps == 4
    one, two = _lora(whole.model), _lora(rest.model)
    assert all(torch.allclose(one[name], two[name], atol=1e-6) for name in one)


def test_same_seed_same_weights_other_seed_others(chat: Any, tmp_path: Path) -> None:
    size = len(chat.tokenizer)
    made = [
        _lora(fine_tune(make_model(size), chat, _examples(), settings, tmp_path / str(k)).model)
        for k, settings in enumerate([SHORT, SHORT, replace(SHORT, seed=5)])
    ]
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])
    assert any(not torch.equal(made[0][name], made[2][name]) for name in made[0])


def test_half_written_checkpoint_is_not_used(chat: Any, tmp_path: Path) -> None:
    work = tmp_path / "work"
    with pytest.raises(Stopped):
        fine_tune(make_model(len(chat.tokenizer)), chat, _examples(), SETTINGS, work, StopAt(1))
    broken = work / "checkpoint-3"
    broken.mkdir()
    (broken / "adapter_model.safetensors").write_bytes(b"half")
    last = last_whole_checkpoint(work)
    assert last is not None
    assert last.name == "checkpoint-1"
    assert not broken.exists()


def test_a_slow_step_is_saved(chat: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one save asked for, a kill would lose all; steps that take seconds are saved as they come."""
    monkeypatch.setattr(Watch, "SAVE_AFTER", 0.0)
    saved: list[int] = []
    kept = Watch.on_save

    def note(self: Watch, args: Any, state: Any, control: Any, **rest: Any) -> None:
        kept(self, args, state, control, **rest)
        self._took = 0.0
        saved.append(int(state.global_step))

    monkeypatch.setattr(Watch, "on_save", note)
    settings = replace(SETTINGS, checkpoints=1)
    trained = fine_tune(make_model(len(chat.tokenizer)), chat, _examples(), settings, tmp_path / "work")
    assert saved == list(range(1, trained.steps + 1))


def test_one_gpu_is_used_of_many() -> None:
    class Arguments:
        _n_gpu = 4

        @property
        def n_gpu(self) -> int:
            return self._n_gpu

    assert on_one(Arguments()).n_gpu == 1


def test_a_loss_that_is_no_number_ends_with_a_sentence(model: Any, chat: Any, tmp_path: Path) -> None:
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match="lower learning rate"):
        fine_tune(model, chat, _examples(), SETTINGS, tmp_path / "work")
    assert last_whole_checkpoint(tmp_path / "work") is None


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(28, "No space left on device"), WorkspaceError, "disk is full"),
        (
            RuntimeError("PytorchStreamWriter failed: file write failed"),
            WorkspaceError,
            "disk is full",
        ),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), TrainingError, "memory is full"),
    ],
)
def test_full_disk_and_memory_are_sentences(
    error: Exception,
    kind: type[Exception],
    words: str,
    model: Any,
    chat: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(kind, match=words):
        fine_tune(model, chat, _examples(), SETTINGS, tmp_path / "work")
    assert last_whole_checkpoint(tmp_path / "work") is None


def test_loss_on_a_processor_has_the_gradients_of_the_one_of_trl(model: Any, chat: Any, tmp_path: Path) -> None:
    from trl.trainer.sft_trainer import SFTTrainer

    from rasslib.mitigation.examples import encode_example
    from rasslib.mitigation.trainer import make_trainer

    rows = [encode_example(example, chat) for example in _examples(4)]
    trainer = make_trainer(model, chat.tokenizer, rows, SHORT, tmp_path, [])
    batch = next(iter(trainer.get_train_dataloader()))
    for name, p in trainer.model.named_parameters():
        if "lora_B" in name:  # zero at first, which would leave nothing for lora_A
            torch.nn.init.normal_(p.data, generator=torch.Generator().manual_seed(0))

    def gradients(count: Any, compute: Any) -> list[torch.Tensor]:
        trainer.model.zero_grad()
        compute(trainer, trainer.model, dict(batch), num_items_in_batch=count).backward()
        return [p.grad.clone() for p in trainer.model.parameters() if p.requires_grad]

    for count in (None, torch.tensor(37)):
        ours, theirs = gradients(count, type(trainer).compute_loss), gradients(count, SFTTrainer.compute_loss)
        assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))
        assert max(float(a.abs().max()) for a in ours) > 1e-4


def test_other_errors_pass_as_they_are(model: Any, chat: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(RuntimeError, match="a defect of ours"):
        fine_tune(model, chat, _examples(), SETTINGS, tmp_path / "work")


def test_nothing_is_printed_or_sent(
    model: Any, chat: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import trl.trainer.base_trainer as base

    sent: list[Any] = []
    monkeypatch.setattr(base, "send_telemetry", lambda *a, **k: sent.append(a))  # type: ignore[attr-defined]
    monkeypatch.delenv("CI", raising=False)
    fine_tune(
        model,
        chat,
        _examples(4),
        SHORT,
        tmp_path / "w",
    )
    assert capsys.readouterr().out == ""
    assert sent == []
