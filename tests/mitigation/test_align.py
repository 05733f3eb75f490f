"""``align`` from the prompt set to the adapter folder, on a tiny model."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from rasslib.commands.align import _tell
from rasslib.errors import ModelError, Stopped, WorkspaceError
from rasslib.mitigation import AlignSettings, TrainingError, add_measurement, align
from rasslib.mitigation import adapters as adapters_module
from rasslib.mitigation.adapters import start_at
from rasslib.mitigation.live import Event
from rasslib.mitigation.provenance import public_name
from rasslib.mitigation.replies import ReplyFile
from rasslib.models.catalogue import shipped_adapters
from rasslib.models.decode import Reply
from rasslib.models.fingerprint import fingerprint
from tests.mitigation.conftest import make_model

SETTINGS = AlignSettings(epochs=1, batch_size=12, micro_batch=12, rank=2, learning_rate=1e-2, reply_tokens=5)


def _start(chat: Any, prompts: pd.DataFrame, folder: Path) -> Any:
    """A fresh tiny model, with its own replies already kept (a random model's own replies are degenerate)."""
    model = make_model(len(chat.tokenizer))
    file = ReplyFile(folder / f"{fingerprint(model)}-{chat.hash}-{SETTINGS.reply_tokens}.jsonl")
    harmless = prompts[prompts["intent"] == "harmless"]
    file.append({str(key): Reply("well here is a bread of one car", 8, False) for key in harmless["id"]})
    return model


def _align(chat: Any, prompts: pd.DataFrame, tmp_path: Path, **changes: Any) -> Any:
    replies = tmp_path / "replies"
    arguments: dict[str, Any] = {
        "settings": SETTINGS,
        "base_name": str(tmp_path / "tiny"),
        "replies_folder": replies,
    } | changes
    model = _start(chat, prompts, replies)
    return align(model, chat.tokenizer, prompts, tmp_path / "out" / "demo", **arguments)


def test_a_strengthened_update_is_measured_and_saved_as_it_is(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    from peft import PeftModel

    plain = _align(chat, prompts, tmp_path / "a", settings=replace(SETTINGS, strengthen=1.0)).folder
    strong = _align(chat, prompts, tmp_path / "b", settings=replace(SETTINGS, strengthen=1.5)).folder

    def update(folder: Path) -> torch.Tensor:
        base = make_model(len(chat.tokenizer))
        before = {n: w.detach().clone() for n, w in base.named_parameters()}
        merged = PeftModel.from_pretrained(base, str(folder)).merge_and_unload()
        return torch.cat([(w - before[n]).flatten() for n, w in merged.named_parameters()])

    assert update(plain).norm() > 0
    torch.testing.assert_close(update(strong), 1.5 * update(plain), rtol=1e-3, atol=1e-6)
    assert json.loads((strong / "provenance.json").read_text())["settings"]["strengthen"] == 1.5


def test_the_folder_loads_in_peft_and_tells_its_provenance(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    from peft import PeftModel

    made = _align(chat, prompts, tmp_path)
    assert sorted(p.name for p in made.folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "provenance.json",
    ]
    assert sorted(p.name for p in made.folder.parent.iterdir()) == ["demo"]
    weights = load_file(made.folder / "adapter_model.safetensors")
    assert {t.dtype for t in weights.values()} == {torch.float16}
    assert any(t.abs().max() > 0 for name, t in weights.items() if "lora_B" in name)

    base = make_model(len(chat.tokenizer))
    ids = torch.tensor([chat.render("how to bake bread ?").ids])
    with torch.no_grad():
        before = base(ids).logits
        after = PeftModel.from_pretrained(base, str(made.folder)).merge_and_unload()(ids).logits
    assert not torch.allclose(before, after)

    text = (made.folder / "provenance.json").read_text() + (made.folder / "adapter_config.json").read_text()
    assert str(tmp_path) not in text
    told = json.loads((made.folder / "provenance.json").read_text())
    assert told["base"]["name"] == "tiny"
    assert told["base"]["fingerprint"] == fingerprint(make_model(len(chat.tokenizer)))
    assert told["data"]["examples"] == {"harmful": 12, "harmless": 12}
    assert told["training"]["steps"] == 2
    assert told["settings"]["seed"] == 0
    rates = told["measured"]["test split"]
    assert set(rates) == {"harmful", "harmless", "borderline"}
    assert all(r["n"] + r["invalid"] == 4 for r in rates.values())
    assert told["measured"]["coherence on harmless prompts of the test split"]["n"] == 4
    assert told["versions"]["trl"]


def test_an_adapter_can_be_trained_on(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    first = _align(chat, prompts, tmp_path / "a", measure=False)
    same = replace(SETTINGS, learning_rate=1e-9)
    on = _align(chat, prompts, tmp_path / "b", measure=False, start=first.folder, settings=same)
    fresh = _align(chat, prompts, tmp_path / "c", measure=False, settings=same)
    name = "adapter_model.safetensors"
    one, two, three = (load_file(made.folder / name) for made in (first, on, fresh))
    assert all(torch.allclose(one[key], two[key], atol=1e-3) for key in one)
    assert not all(torch.allclose(one[key], three[key], atol=1e-3) for key in one)
    assert on.provenance["start"]["name"] == "demo" and len(on.provenance["start"]["weights"]) == 16
    assert fresh.provenance["start"] is None
    for changes, said in (
        ({"start": tmp_path}, "no adapter at"),
        ({"start": first.folder, "settings": replace(SETTINGS, rank=4)}, "has rank 2, not 4"),
        ({"start": first.folder, "settings": replace(SETTINGS, full=True)}, "cannot start from an adapter"),
        ({"start": start_at("generic"), "settings": replace(SETTINGS, rank=8)}, "was trained on another model"),
    ):
        with pytest.raises(TrainingError, match=said):
            _align(chat, prompts, tmp_path / "d", measure=False, **changes)


def test_measuring_can_be_left_to_a_comparison(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    measured, left = _align(chat, prompts, tmp_path / "a"), _align(chat, prompts, tmp_path / "b", measure=False)
    assert left.provenance["measured"] == {} and measured.provenance["measured"]
    name = "adapter_model.safetensors"
    assert (left.folder / name).read_bytes() == (measured.folder / name).read_bytes()


def test_only_train_prompts_are_trained_on(
    chat: Any, prompts: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rasslib.mitigation.aligning as module

    seen: list[str] = []
    real = module.fine_tune

    def spy(model: Any, chat: Any, examples: Any, *rest: Any, **named: Any) -> Any:
        seen.extend(example.prompt_id for example in examples)
        return real(model, chat, examples, *rest, **named)

    monkeypatch.setattr(module, "fine_tune", spy)
    _align(chat, prompts, tmp_path)
    used = prompts.set_index("id").loc[seen]
    assert len(seen) == 24
    assert set(used["split"]) == {"train"}
    assert set(used["intent"]) == {"harmful", "harmless"}


def test_a_failed_save_leaves_the_old_adapter_and_the_next_call_goes_on(
    chat: Any, prompts: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "out" / "demo"
    old.mkdir(parents=True)
    (old / "adapter_config.json").write_text("old")

    def full(path: Path, value: Any) -> None:
        raise OSError(28, "No space left on device")

    real = adapters_module.atomic_json
    monkeypatch.setattr(adapters_module, "atomic_json", full)
    with pytest.raises(WorkspaceError, match="disk is full"):
        _align(chat, prompts, tmp_path)
    assert [p.name for p in old.iterdir()] == ["adapter_config.json"]
    assert (old / "adapter_config.json").read_text() == "old"
    assert not list(old.parent.glob(".*.new"))

    monkeypatch.setattr(adapters_module, "atomic_json", real)
    made = _align(chat, prompts, tmp_path)
    assert made.provenance["training"]["resumed_at"] == made.provenance["training"]["steps"] == 2
    assert (old / "provenance.json").is_file()
    assert sorted(p.name for p in old.parent.iterdir()) == ["demo"]


class StopAt:
    """Asks to stop in the training after so many steps."""

    def __init__(self, step: int) -> None:
        self.step = step

    def update(self, stage: str, done: int, total: int) -> None:
        if stage == "Training" and done >= self.step:
            raise Stopped()


def test_a_stopped_run_goes_on_but_other_settings_start_afresh(
    chat: Any, prompts: pd.DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        _align(chat, prompts, tmp_path, progress=StopAt(1))
    assert not (tmp_path / "out" / "demo").exists()
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path, copy, ignore=shutil.ignore_patterns("copy"))
    assert _align(chat, prompts, tmp_path).provenance["training"]["resumed_at"] == 1
    other = replace(SETTINGS, learning_rate=5e-3)
    with pytest.raises(Stopped):
        _align(chat, prompts, copy, progress=StopAt(1), settings=other)
    assert len(list((copy / "out").glob(".demo.*.work/checkpoint-1"))) == 2, "the work of the first one is kept"
    assert _align(chat, prompts, copy, settings=other).provenance["training"]["resumed_at"] == 1
    assert [path.name for path in (copy / "out").iterdir()] == ["demo"], "nothing is left lying about"
    again = replace(other, checkpoints=3, micro_batch=6)
    assert _align(chat, prompts, copy, settings=again, measure=False).folder.is_dir(), "the same training, in effect"
    with pytest.raises(WorkspaceError, match="holds the adapter of another training"):
        _align(chat, prompts, copy)


def test_too_few_prompts_is_a_sentence(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    few = prompts[(prompts["intent"] != "harmless") | (prompts["split"] != "train")]
    with pytest.raises(TrainingError, match="holds 0 harmless prompts"):
        _align(chat, few, tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_base_without_usable_replies_is_a_sentence(
    model: Any, chat: Any, prompts: pd.DataFrame, tmp_path: Path
) -> None:
    file = ReplyFile(tmp_path / f"{fingerprint(model)}-{chat.hash}-5.jsonl")
    file.append({str(key): Reply("", 1, True) for key in prompts["id"]})
    with pytest.raises(TrainingError, match="usable reply to only 0"):
        align(model, chat.tokenizer, prompts, tmp_path / "out", SETTINGS, base_name="t", replies_folder=tmp_path)


def test_a_folder_with_other_files_is_not_replaced(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    other = tmp_path / "out" / "demo"
    other.mkdir(parents=True)
    (other / "thesis.txt").write_text("precious")
    with pytest.raises(WorkspaceError, match="holds other files"):
        _align(chat, prompts, tmp_path)
    assert (other / "thesis.txt").read_text() == "precious"


def test_the_command_tells_loss_and_refusals_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    _tell(Event(5, 40, {"loss": 0.123456}, {"harmful": {"refused": 3, "n": 4}}))
    told = capsys.readouterr().err
    assert "Step 5 of 40: loss 0.1235." in told and "harmful 3 of 4" in told


def test_a_name_that_is_shipped_and_a_folder_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert start_at("generic") == shipped_adapters()["generic"] and start_at("~/x") == Path.home() / "x"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "generic").mkdir()
    assert start_at("./generic") == Path("generic")
    with pytest.raises(TrainingError, match="both a shipped adapter and a folder"):
        start_at("generic")


def test_the_embedded_model_is_no_base(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="train embedded-base, or go on from generic"):
        _align(chat, prompts, tmp_path, base_name="embedded")


def test_all_weights_need_an_empty_folder_before_the_work_begins(
    chat: Any, prompts: pd.DataFrame, tmp_path: Path
) -> None:
    made = _align(chat, prompts, tmp_path, measure=False)
    with pytest.raises(WorkspaceError, match="is not empty"):
        _align(chat, prompts, tmp_path, settings=replace(SETTINGS, full=True))
    assert made.folder.is_dir()


def test_two_trainings_do_not_write_to_one_folder(chat: Any, prompts: pd.DataFrame, tmp_path: Path) -> None:
    from filelock import FileLock

    (tmp_path / "out").mkdir()
    with (
        FileLock(tmp_path / "out" / ".demo.lock"),
        pytest.raises(TrainingError, match="already writing"),
    ):
        _align(chat, prompts, tmp_path)


def test_measurements_are_added(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="There is no adapter"):
        add_measurement(tmp_path, "x", {})
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "provenance.json").write_text('{"measured": {"test split": 1}}')
    add_measurement(tmp_path, "public set", {"safe": {"n": 2}})
    told = json.loads((tmp_path / "provenance.json").read_text())
    assert told["measured"] == {"test split": 1, "public set": {"safe": {"n": 2}}}


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("owner/model", "owner/model"),
        ("embedded-base", "embedded-base"),
        ("/home/me/models/tiny", "tiny"),
        ("C:\\models\\tiny", "tiny"),
        ("./tiny", "tiny"),
    ],
)
def test_names_lose_this_machines_paths(name: str, public: str) -> None:
    assert public_name(name) == public
