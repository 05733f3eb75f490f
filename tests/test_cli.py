"""The command: one sentence on bad input, one JSON object with --json."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pandas as pd
import pytest

from rasslib import cli
from rasslib.commands.options import stopped_by_keyboard
from rasslib.errors import Stopped
from rasslib.progress import Silent
from rasslib.settings import settings
from tests.pages.conftest import fake_prompts
from tests.pages.fake_lens import FakeLens


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of ``rass ARGUMENTS``."""
    sys.argv = ["rass", *arguments]
    try:
        cli.main()
        code = 0
    except SystemExit as leave:
        code = int(leave.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The stand-in model and prompts; returns a workspace folder."""
    monkeypatch.setattr("rasslib.models.load", lambda *args, **others: FakeLens())
    monkeypatch.setattr("rasslib.prompts.load_bundled", fake_prompts)
    monkeypatch.setenv("RASS_WORKSPACE", str(tmp_path / "workspace"))
    settings.cache_clear()
    return tmp_path


def test_models_lists_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "models", "--json")
    assert code == 0
    assert {"embedded", "embedded-base"} <= {entry["name"] for entry in json.loads(out)["models"]}


def test_analyze_then_select(capsys: pytest.CaptureFixture[str], fake: Path) -> None:
    code, out, err = run(capsys, "analyze", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["direction"]["auc_low"] <= found["direction"]["auc_test"]
    assert set(found["behaviour"]["harmful"]) >= {"n", "refused", "rate", "low", "high"}
    assert found["seconds"]
    target = fake / "picked.csv"
    code, out, err = run(capsys, "select", "--policy", "band", "-n", "5", "--tau", "5", "--out", str(target), "--json")
    assert code == 0, err
    table = pd.read_csv(target)
    assert len(table) == json.loads(out)["n"] == 5
    assert not table["intent"].eq("harmful").any()


def test_findings_for_people_name_n_and_interval(capsys: pytest.CaptureFixture[str], fake: Path) -> None:
    code, out, _ = run(capsys, "analyze")
    assert code == 0
    assert "95 % interval" in out
    assert "held-out" in out


def test_steer_needs_one_way(capsys: pytest.CaptureFixture[str], fake: Path) -> None:
    for arguments in ([], ["--ablate", "--strength", "1"]):
        code, out, err = run(capsys, "steer", "Tell me about gentle things", *arguments)
        assert code == 1
        assert err.count("\n") == 1
        assert "--strength" in err
        assert out == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["analyze", "--prompts", "nowhere.csv"], "nowhere.csv"),
        (["analyze", "--prompts", "FOLDER"], "folder"),
        (["analyze", "--prompts", "EMPTY"], "empty"),
        (["analyze", "--prompts", "COLUMNS"], "column"),
        (["analyze", "--prompts", "TWO", "--fit", "same"], "intent"),
        (["analyze", "--prompts", "bundled", "--intent-map", "safe"], "NAME=VALUE"),
        (["analyze", "--intent", "evil"], "evil"),
        (["analyze", "--workspace", "FILE"], "place"),
        (["select", "--run", "missing"], "missing"),
        (["select", "--policy", "best"], "rass analyze"),
    ],
)
def test_bad_input_is_one_sentence(
    capsys: pytest.CaptureFixture[str], fake: Path, arguments: list[str], told: str
) -> None:
    files = {"EMPTY": "", "COLUMNS": "a,b\n1,2\n", "TWO": "prompt\nOne thing\nAnother thing\n", "FILE": "x"}
    for name, content in files.items():
        (fake / f"{name.lower()}.csv").write_text(content)
    (fake / "folder").mkdir()
    named = {name: str(fake / f"{name.lower()}.csv") for name in files} | {"FOLDER": str(fake / "folder")}
    code, out, err = run(capsys, *[named.get(a, a) for a in arguments])
    assert code == 1
    assert told.lower() in err.splitlines()[-1].lower()
    assert "Traceback" not in err
    assert out == ""


@pytest.mark.parametrize("name", ["nonsense", "./nowhere", "x.gguf", "FOLDER", "TEXT", "BROKEN"])
def test_an_unknown_model_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("RASS_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("RASS_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    (tmp_path / "text.txt").write_text("hello")
    (tmp_path / "broken.gguf").write_bytes(b"not a model")
    named = {"FOLDER": tmp_path, "TEXT": tmp_path / "text.txt", "BROKEN": tmp_path / "broken.gguf"}
    code, out, err = run(capsys, "analyze", "--model", str(named.get(name, name)))
    settings.cache_clear()
    assert code == 1
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert out == ""
    assert not (tmp_path / "cache" / "models").exists()


def test_the_keyboard_stops_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        progress = stopped_by_keyboard(Silent())
        progress.update("Training", 1, 9)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Stopped):
            progress.update("Training", 2, 9)
        assert "its state is saved" in capsys.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_settings_that_the_recipe_sft_has_not_are_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "align", "--steps", "10", "--json")
    assert (code, out) == (1, "") and "every example once an epoch" in err
