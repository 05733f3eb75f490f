"""The pipeline on a stand-in model whose refusals follow a planted direction."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rasslib.boundary.analysis import AnalysisSettings, analyze, complete_run, place_prompts
from rasslib.boundary.run import open_run
from rasslib.errors import AnalysisError, Stopped, WorkspaceError
from rasslib.prompts import make_prompt_set
from rasslib.workspace import Workspace
from tests.pages.conftest import fake_prompts
from tests.pages.fake_lens import FakeLens


class StopAfter:
    """Asks to stop once a stage has done so many prompts."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def update(self, stage: str, done: int, total: int) -> None:
        if self.stage in stage and done:
            raise Stopped()


def test_run_finds_the_planted_direction_and_reports_held_out_prompts(tmp_path: Path) -> None:
    prompts = fake_prompts()
    found = analyze(FakeLens(), prompts, prompts, Workspace(tmp_path), AnalysisSettings(), title="fake")
    s = found.summary
    held = prompts[prompts["split"] == "test"]
    assert sum(rate["n"] for rate in s["behaviour"].values()) == len(held)
    assert s["direction"]["auc_test"] > 0.9 > s["direction"]["auc_random"]["value"]
    assert s["direction"]["auc_low"] <= s["direction"]["auc_test"] <= s["direction"]["auc_high"]
    assert set(found.directions) == {"intent", "behaviour"}
    train = found.prompts["split"].eq("train").to_numpy()
    for intent, mean in (("harmful", 1.0), ("harmless", -1.0)):
        rows = train & found.prompts["intent"].eq(intent).to_numpy()
        assert found.margins[rows, found.layer].mean() == pytest.approx(mean, abs=1e-4)
    json.dumps(s, allow_nan=False)


def test_a_foreign_prompt_file_is_test_data_only(tmp_path: Path) -> None:
    fit = fake_prompts()
    shared = fit[fit["split"] == "train"].iloc[0]
    foreign = make_prompt_set(
        [{"prompt": f"A dangerous new thing {i}", "intent": "harmful", "split": "train"} for i in range(4)]
        + [{"prompt": shared["prompt"], "intent": shared["intent"]}]
    )
    found = analyze(FakeLens(), foreign, fit, Workspace(tmp_path))
    table = found.prompts.set_index("id")
    assert (table.loc[foreign["id"][:4], "split"] == "test").all()
    assert table.loc[shared["id"], "split"] == "train", "a prompt that was fitted on is never reported as test"
    assert found.summary["behaviour"]["harmful"]["n"] == 4
    assert int(table["given"].sum()) == 5


def test_a_run_opens_without_a_model_and_equals_what_was_saved(tmp_path: Path) -> None:
    prompts = fake_prompts()
    made = analyze(FakeLens(), prompts, prompts, Workspace(tmp_path))
    opened = open_run(Workspace(tmp_path), made.run_id)
    np.testing.assert_array_equal(opened.margins, made.margins)
    assert opened.summary["direction"]["layer"] == made.layer
    assert opened.prompts["prompt"].tolist() == made.prompts["prompt"].tolist()
    first, again = opened.projection(made.layer, "pca"), opened.projection(made.layer, "pca")
    np.testing.assert_allclose(first.xy, again.xy)


def test_nothing_is_computed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = fake_prompts()
    first = analyze(FakeLens(), prompts, prompts, Workspace(tmp_path))

    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("computed again")

    for name in ("capture", "generate", "next_token_logits"):
        monkeypatch.setattr(FakeLens, name, never)
    again = analyze(FakeLens(), prompts, prompts, Workspace(tmp_path))
    assert again.run_id == first.run_id
    assert len(Workspace(tmp_path).database.list_runs()) == 1


@pytest.mark.parametrize("stage", ["activations", "replies"])
def test_a_stopped_run_goes_on(tmp_path: Path, stage: str) -> None:
    prompts = fake_prompts()
    with pytest.raises(Stopped):
        analyze(FakeLens(), prompts, prompts, Workspace(tmp_path), progress=StopAfter(stage))
    assert Workspace(tmp_path).database.list_runs() == []
    assert analyze(FakeLens(), prompts, prompts, Workspace(tmp_path)).summary["complete"]


def test_an_early_run_is_completed_later(tmp_path: Path) -> None:
    prompts, place = fake_prompts(), Workspace(tmp_path)
    early = analyze(FakeLens(), prompts, prompts[prompts["split"] != "none"], place, complete=False)
    assert "behaviour" not in early.directions
    assert (early.prompts.loc[early.prompts["split"] == "train", "behaviour"] == "").all()
    assert (early.prompts.loc[early.prompts["split"] == "test", "behaviour"] != "").all()
    full = complete_run(FakeLens(), early, place)
    assert "behaviour" in full.directions
    assert full.run_id == early.run_id
    assert full.margins == pytest.approx(early.margins)


def test_a_complete_run_stays_complete_and_can_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts, place, lens = fake_prompts(), Workspace(tmp_path), FakeLens()
    whole = analyze(lens, prompts, prompts, place, title="mine")
    with monkeypatch.context() as patched:
        patched.setattr(lens, "generate", None)
        again = analyze(lens, prompts.assign(category="new"), prompts, place, title="another", complete=False)
    assert (again.run_id, again.title) == (whole.run_id, "another") and "behaviour" in again.directions
    assert set(open_run(place, whole.run_id).prompts["category"]) == {"new"}
    assert place.database.get_run(whole.run_id).summary["complete"]
    (again.folder / "prompts.parquet").unlink()
    analyze(lens, prompts, prompts, place, complete=False)
    assert open_run(place, whole.run_id).margins == pytest.approx(whole.margins)


def test_one_intent_only_is_told(tmp_path: Path) -> None:
    prompts = fake_prompts()
    only = prompts[prompts["intent"] == "harmful"]
    with pytest.raises(AnalysisError, match="0 harmless"):
        analyze(FakeLens(), only, only, Workspace(tmp_path))


def test_an_empty_set_is_told(tmp_path: Path) -> None:
    prompts = fake_prompts()
    with pytest.raises(AnalysisError, match="no prompts"):
        analyze(FakeLens(), prompts.iloc[:0], prompts, Workspace(tmp_path))


def test_prompts_typed_by_hand_fall_where_the_run_would_put_them(tmp_path: Path) -> None:
    prompts, place = fake_prompts(), Workspace(tmp_path)
    found = analyze(FakeLens(), prompts, prompts, place)
    text = found.prompts["prompt"].iloc[3]
    placed, margins, _ = place_prompts(FakeLens(), found, [text], place)
    assert placed["margin"].iloc[0] == pytest.approx(found.prompts["margin"].iloc[3], abs=1e-3)
    assert margins.shape == (1, found.n_layers)


def test_a_missing_or_damaged_run_is_told(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    with pytest.raises(WorkspaceError, match="no run"):
        open_run(place, "nothing")
    prompts = fake_prompts()
    made = analyze(FakeLens(), prompts, prompts, place)
    (made.folder / "result.json").write_text("{")
    with pytest.raises(WorkspaceError, match="start it again"):
        open_run(place, made.run_id)
