"""What an arm of a comparison is: its name, its seeds, what it started from, and what it is compared with."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rasslib.errors import AnalysisError, ModelError
from rasslib.mitigation.arms import check_base, named_arms
from rasslib.mitigation.comparing import compare, summarise
from rasslib.mitigation.outcomes import ArmModel, Outcome
from rasslib.mitigation.references import kin_of, references
from rasslib.mitigation.seeds import check_seeds
from rasslib.mitigation.speakers import Speaker
from rasslib.models.fingerprint import adapter_digest
from tests.mitigation.test_comparing import QUICK, SETS, _outcome


def test_models_of_one_arm_are_seeds(tmp_path: Path) -> None:
    """By their provenance: in the order of their seeds, and never two trainings that differ in more."""

    def model(seed: int, steps: int, refused: int) -> Outcome:
        folder = tmp_path / f"{seed}-{steps}"
        folder.mkdir(exist_ok=True)
        settings = {"seed": seed, "steps": steps, "checkpoints": seed}
        (folder / "provenance.json").write_text(json.dumps({"settings": settings, "training": None}))
        one = _outcome("trigger", {"plain": refused, "hard": 0, "bad": 8})
        (folder / "adapter_model.safetensors").write_text(folder.name)
        return replace(one, model=ArmModel("trigger", folder))

    found = summarise([model(2, 9, 4), model(0, 9, 0)], SETS, QUICK)["arms"]["trigger"]
    assert [one["mean_rr"] for one in found["by_seed"]] == pytest.approx([0.0, 0.2])
    (tmp_path / "bare").mkdir()
    for pair in ((model(0, 9, 4), model(1, 8, 4)), (model(1, 8, 4), model(0, 9, 4))):
        with pytest.raises(AnalysisError, match="trigger differ in steps"):
            check_seeds("trigger", [one.model for one in pair])
    for pair in ([tmp_path / "bare", tmp_path / "0-9"], [tmp_path / "0-9", tmp_path / "bare"]):
        with pytest.raises(AnalysisError, match="trigger differ in steps"):
            check_seeds("trigger", [ArmModel("trigger", path) for path in pair])
    shutil.copytree(tmp_path / "0-9", tmp_path / "copy")
    with pytest.raises(AnalysisError, match="same weights"):
        check_seeds("trigger", [ArmModel("trigger", tmp_path / name) for name in ("0-9", "copy")])
    told = json.loads((tmp_path / "copy" / "provenance.json").read_text())
    (tmp_path / "copy" / "provenance.json").write_text(json.dumps(told | {"start": {"weights": "5e"}}))
    (tmp_path / "copy" / "adapter_model.safetensors").write_text("other")
    with pytest.raises(AnalysisError, match="trigger differ in start"):
        compare([ArmModel("trigger", tmp_path / name) for name in ("0-9", "copy")], SETS, _never, QUICK)


def test_what_is_steered_unlike_is_no_seed(tmp_path: Path) -> None:
    for name, rank in (("one", 8), ("two", 4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "provenance.json").write_text(json.dumps({"settings": {"rank": rank}}))
        (tmp_path / name / "adapter_model.safetensors").write_text(name)
    one, two = tmp_path / "one", tmp_path / "two"
    check_seeds("x", [ArmModel("x", one, "ablation-random"), ArmModel("x", one, "ablation-random", 1)])
    for other in (ArmModel("x", one), ArmModel("x", one, "conditional"), ArmModel("x", None, "ablation")):
        with pytest.raises(AnalysisError, match="steered in different ways"):
            check_seeds("x", [ArmModel("x", one, "ablation"), other])
    with pytest.raises(AnalysisError, match="x differ in rank"):
        check_seeds("x", [ArmModel("x", one, "ablation"), ArmModel("x", two, "ablation")])


def test_a_training_is_compared_with_what_it_started_from(tmp_path: Path) -> None:
    for name in ("start", "same-recipe", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_model.safetensors").write_text(name)
    digest = adapter_digest(tmp_path / "start")
    (tmp_path / "after" / "provenance.json").write_text(json.dumps({"start": {"weights": digest[:16]}}))
    models = [ArmModel("base"), *(ArmModel(name, tmp_path / name) for name in ("start", "same-recipe", "after"))]
    assert kin_of(models[3], models) == ["start"] and kin_of(models[1], models) == kin_of(models[0], models) == []
    names = [one.arm for one in models]
    assert references("after", names, {}, kin_of(models[3], models)) == ["base", "start"]


def _never(model: ArmModel) -> Speaker:
    raise AssertionError(f"{model.arm} was loaded, though the arms cannot be compared")


def test_each_method_has_its_own_controls() -> None:
    names = ["base", "generic", "random", "generic-dpo", "random-dpo", "trigger", "trigger-dpo", "trigger-p-sft"]
    assert references("trigger-dpo", names) == ["base", "generic-dpo", "random-dpo", "trigger"]
    assert references("trigger", names) == ["base", "generic", "random"]
    assert references("trigger-p-sft", names) == ["base", "trigger"]
    assert references("mine", [*names, "mine"], {"mine": "dpo"}) == ["base", "generic-dpo", "random-dpo"], "not by name"
    same = {"plain": 5, "hard": 2, "bad": 4}
    against = summarise([_outcome(n, same) for n in ("base", "trigger")], SETS, QUICK)["arms"]["trigger"]["against"]
    assert against["base"]["rates"]["hard"] == {"difference": 0.0, "interval": [0.0, 0.0]}


def test_an_adapter_of_another_model_is_told(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "provenance.json").write_text('{"base": {"fingerprint": "abc"}}')
    check_base(ArmModel("mine", tmp_path), "tiny", "abc")
    check_base(ArmModel("base"), "tiny", "abd")
    with pytest.raises(ModelError, match="mine was trained on another model than tiny"):
        check_base(ArmModel("mine", tmp_path), "tiny", "abd")


def test_names_of_arms(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="holds no adapter_model"):
        named_arms([str(tmp_path / "a")])
    for name in ("a", "b"):
        (tmp_path / name / "adapter_model.safetensors").write_text("x")
    (tmp_path / "c").mkdir()
    shutil.copytree(tmp_path / "a", tmp_path / "c" / "a")
    with pytest.raises(ModelError, match="Two folders are called a"):
        named_arms([str(tmp_path / "a"), str(tmp_path / "c" / "a")])
    with pytest.raises(ModelError, match="over embedded-base"):
        named_arms(["trigger"], "embedded")
    found = named_arms(["generic", f"mine={tmp_path / 'a'}", f"mine={tmp_path / 'b'}", str(tmp_path / "b")])
    assert [one.arm for one in found] == ["base", "generic", "mine", "mine", "b"]
    assert [one.arm for one in named_arms(["shipped"])] == ["base", "generic", "rass", "trigger"]


def test_an_own_adapter_is_never_taken_for_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "generic").mkdir()
    (tmp_path / "generic" / "adapter_config.json").write_text("{}")
    (tmp_path / "generic" / "adapter_model.safetensors").write_text("x")
    with pytest.raises(ModelError, match="generic is a shipped adapter"):
        named_arms(["shipped", str(tmp_path / "generic")])
    assert named_arms([f"generic-own={tmp_path / 'generic'}"])[1].adapter == (tmp_path / "generic").resolve()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match="both a shipped adapter and a folder here"):
        named_arms(["generic"])
