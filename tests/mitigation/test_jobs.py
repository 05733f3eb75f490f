"""Jobs: what is kept of an ask, how a job ends, that it goes on where it was, and its process."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rasslib.errors import WorkspaceError
from rasslib.mitigation import AlignSettings, TrainingError
from rasslib.mitigation.curves import of_events, of_history
from rasslib.mitigation.jobs import starting
from rasslib.mitigation.jobs.asks import CompareAsk, TrainAsk, as_json, from_json, name_of, with_content
from rasslib.mitigation.jobs.job import (
    FAILED,
    FINISHED,
    KILLED,
    OUTCOME,
    RUNNING,
    STARTING,
    STOP,
    STOPPED,
    job_named,
    jobs,
    make_job,
    open_job,
)
from rasslib.mitigation.jobs.worker import FileProgress, work
from rasslib.mitigation.live import Event, read_live
from rasslib.mitigation.provenance import provenance_of
from rasslib.mitigation.training_prompts import training_prompts
from rasslib.settings import settings
from rasslib.workspace import Workspace

QUICK = AlignSettings(recipe="generic", steps=6, batch_size=4, micro_batch=2, reply_tokens=4, checkpoints=6)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A workspace that the jobs see."""
    monkeypatch.setenv("RASS_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("RASS_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    yield Workspace(tmp_path / "workspace")
    settings.cache_clear()


@pytest.fixture
def ask(model: Any, tokenizer: Any, prompts: pd.DataFrame, tmp_path: Path) -> TrainAsk:
    """A training of the tiny model, from its folder, on a file of prompts."""
    folder = tmp_path / "tiny"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    file = tmp_path / "prompts.csv"
    prompts.to_csv(file, index=False)
    return TrainAsk(QUICK, base=str(folder), prompts=str(file), watch=2)


def test_an_ask_survives_its_file() -> None:
    train = TrainAsk(AlignSettings(recipe="trigger", method="dpo", seed=3), watch=4)
    compare = CompareAsk(("generic", "x=/y"), ("harmful",), {"xstest": "/a.csv"}, limit=5)
    for one in (train, compare):
        assert from_json(as_json(one)) == one
    assert name_of(train) == name_of(from_json(as_json(train))) != name_of(TrainAsk())
    assert train.title == "trigger-dpo, seed 3"
    assert compare.title == "base, generic, x on harmful (test, 5 prompts a set)"
    with pytest.raises(WorkspaceError, match="another version"):
        from_json({"kind": "train", "ask": {"nothing": 1}})


def test_a_training_stops_goes_on_and_ends(place: Workspace, ask: TrainAsk) -> None:
    job = make_job(place, ask)
    assert job.state() == KILLED, "nobody has worked on it"
    seen: list[int] = []

    def after_three() -> bool:
        seen.append(job.told().stage == "Training")
        return sum(seen) >= 3

    work(job.folder, after_three)
    assert job.state() == STOPPED
    assert "goes on from there" in job.outcome()["said"]
    assert not job.adapter.exists()
    reached = max(event.step for event in read_live(job.live))
    assert 0 < reached < 6
    work(job.folder)
    assert job.state() == FINISHED
    training = provenance_of(job.adapter)["training"]
    assert training["resumed_at"] == reached
    assert training["steps"] == 6
    curves = of_history(training["history"])
    assert [step for step, _ in curves.loss] == [1, 2, 3, 4, 5, 6]
    assert curves.of("harmful")
    assert [one.name for one in jobs(place, TrainAsk)] == [job.name]
    assert jobs(place, CompareAsk) == []
    with pytest.raises(WorkspaceError, match="finished already"):
        starting.start(job)


def test_what_goes_wrong_is_a_sentence(place: Workspace, ask: TrainAsk, monkeypatch: pytest.MonkeyPatch) -> None:
    few = make_job(place, TrainAsk(AlignSettings(recipe="trigger", steps=2), base=ask.base, prompts=ask.prompts))
    work(few.folder)
    assert few.state() == FAILED
    assert "trigger" in few.outcome()["said"]
    gone = make_job(place, TrainAsk(QUICK, base=str(place.root / "nowhere")))
    work(gone.folder)
    assert "nowhere" in gone.outcome()["said"]

    def breaks(*_: object) -> None:
        raise ZeroDivisionError("one")

    monkeypatch.setattr("rasslib.mitigation.jobs.worker.train_for", breaks)
    work(gone.folder)
    assert "ZeroDivisionError" in gone.outcome()["said"]


def test_states_without_a_word(place: Workspace) -> None:
    job = make_job(place, TrainAsk())
    job.ended(STARTING)
    assert job.state() == RUNNING
    job.ended(STARTING, at=time.time() - 1000)
    assert job.state() == KILLED, "it never began"
    job.ended(RUNNING)
    assert job.state() == KILLED, "it says that it runs, and holds no lock"
    with job.lock():
        assert open_job(job.folder).state() == RUNNING
    (job.folder / OUTCOME).write_text("{half", encoding="utf-8")
    assert job.state() == KILLED
    (job.folder / "progress.json").write_text('{"other": 1}', encoding="utf-8")
    assert job.told().stage == ""
    (job.folder / "job.json").write_text("[]", encoding="utf-8")
    assert jobs(place, TrainAsk) == []
    with pytest.raises(WorkspaceError):
        job_named(place, "../escape")


def test_progress_is_written_seldom(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    told = FileProgress(path)
    told.update("Training", 1, 9)
    first = path.read_text()
    told.update("Training", 2, 9)
    assert path.read_text() == first
    told.update("Training", 9, 9)
    assert '"done": 9' in path.read_text()


def test_a_process_that_dies_at_once_is_told(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(place, TrainAsk())
    job.ask_to_stop()

    def dies(folder: Path) -> None:
        starting._processes[folder] = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])

    monkeypatch.setattr(starting, "spawn", dies)
    starting.start(job)
    assert not (job.folder / STOP).exists(), "an old wish to stop does not count"
    starting._processes[job.folder].wait(60)
    assert starting.state_of(job) == KILLED


def test_curves_of_adapters_without_a_history() -> None:
    assert of_history({}).empty
    assert of_history({"loss": None, "validation": None}).empty
    found = of_events([Event(1, 2, {"loss": 2.0}), Event(2, 2, {"loss": 1.0, "reward": 0.5})])
    assert found.loss == ((1, 2.0), (2, 1.0))
    assert found.reward[-1] == (2, 0.5)


def test_settings_that_make_no_sense_are_told_when_read() -> None:
    saved = as_json(TrainAsk())
    saved["ask"]["settings"]["learning_rate"] = -1.0
    with pytest.raises(TrainingError, match="learning_rate"):
        from_json(saved)


def test_a_changed_file_is_another_training(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("prompt,intent\nHow do I bake bread?,harmless\n")
    ask = TrainAsk(AlignSettings(recipe="trigger"), prompts=str(file))
    one = name_of(with_content(ask))
    assert one == name_of(with_content(ask))
    file.write_text("prompt,intent\nHow do I bake a cake?,harmless\n")
    assert name_of(with_content(ask)) != one
    assert with_content(TrainAsk()).content == "" != with_content(TrainAsk(start="generic")).content


def test_only_a_file_without_splits_gets_them(tmp_path: Path) -> None:
    file, notes = tmp_path / "mine.csv", list[str]()
    rows = [f"How do I bake bread number {k}?,{'harmful' if k % 2 else 'harmless'},train" for k in range(40)]
    file.write_text("prompt,intent,split\n" + "\n".join(rows))
    assert set(training_prompts(str(file), notes)["split"]) == {"train"} and not notes
    file.write_text("prompt,intent\n" + "\n".join(row.rpartition(",")[0] for row in rows))
    assert training_prompts(str(file), notes)["split"].nunique() > 1 and "has no splits" in notes[-1]
