"""How the boundary moved: by hand on made-up activations, and read from a tiny model."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from rasslib.boundary.analysis import analyze
from rasslib.boundary.directions import fit_axis
from rasslib.boundary.margin import margins
from rasslib.errors import AnalysisError, Stopped
from rasslib.mitigation.moving import how_moved, moved
from rasslib.mitigation.moving_arms import moved_arms
from rasslib.mitigation.outcomes import ArmModel
from rasslib.models import load, resolve
from rasslib.progress import Silent
from rasslib.workspace import Workspace
from tests.pages.conftest import fake_prompts
from tests.tiny import tiny_adapter, tiny_folder, tiny_lens


def _made() -> tuple[pd.DataFrame, torch.Tensor]:
    torch.manual_seed(0)
    intents = ["harmful", "harmless"] * 20 + ["harmful", "harmless", "borderline"] * 10
    splits = ["train"] * 40 + ["test"] * 30
    prompts = pd.DataFrame({"id": [f"p{k}" for k in range(70)], "prompt": "bread", "intent": intents, "split": splits})
    place = {"harmful": 1.0, "harmless": -1.0, "borderline": 0.5}
    x = torch.randn(70, 6) * 0.1
    x[:, 0] += torch.tensor([place[i] for i in intents])
    return prompts, x


def test_borderline_prompts_that_move_show_their_change() -> None:
    prompts, x = _made()
    rows = (prompts["split"] == "train").to_numpy(copy=True)
    axis = fit_axis(x[rows][:, None], (prompts["intent"] == "harmful").to_numpy()[rows], layers=[3])[0]
    y = x.clone()
    y[(prompts["intent"] == "borderline").to_numpy(copy=True), 0] -= 1.0
    found = moved(prompts, x, y, axis, 3, "last_template")
    assert set(found.table["intent"]) == {"harmful", "harmless", "borderline"}
    assert len(found.table) == 30
    by = found.by_intent()
    assert by["borderline"]["change"] == pytest.approx(-1.0, abs=0.05)
    assert by["borderline"]["low"] <= by["borderline"]["change"] <= by["borderline"]["high"]
    assert by["borderline"]["crossed_to_harmless"] == 10
    assert by["harmful"]["change"] == pytest.approx(0, abs=1e-6)
    low, high = by["borderline"]["random"]
    assert -1 < low < 0 < high < 1, "a random direction of six holds part of it"
    assert by["harmful"]["random"] == pytest.approx([0, 0], abs=1e-6)
    assert found.cosine == pytest.approx(1, abs=1e-6)
    assert found.line is not None
    still = found.table[found.table["intent"] == "harmful"]
    assert (still["x"] - still["x_after"]).abs().max() < 1e-6
    assert found.as_dict()["layer"] == 3


def test_train_prompts_alone_are_a_sentence() -> None:
    prompts, x = _made()
    axis = fit_axis(x[:, None], (prompts["intent"] == "harmful").to_numpy(), layers=[0])[0]
    with pytest.raises(AnalysisError, match="test split"):
        moved(prompts.assign(split="train"), x, x, axis, 0, "last_template")


def test_the_trained_model_is_read_once_and_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, prompts = Workspace(tmp_path / "place"), fake_prompts(12)
    run = analyze(tiny_lens(), prompts, prompts, place, title="tiny", complete=False)
    spec = resolve(str(tiny_folder(tmp_path)), tiny_adapter(tmp_path / "adapter"), "auto")
    after = load(spec, dtype="float32", batch_size=4)
    assert after.key != run.key

    class StopEarly:
        def update(self, stage: str, done: int, total: int) -> None:
            if done:
                raise Stopped

    with pytest.raises(Stopped):
        how_moved(run, after, StopEarly())
    used = (prompts["split"] == "test") | ((prompts["split"] == "train") & (prompts["intent"] != "borderline"))
    key, ids = f"{after.key}-layer-{run.layer}", prompts["id"].tolist()
    assert len(place.activations.has(key, ids, (run.position,))) == 4
    found = how_moved(run, after)
    assert place.activations.has(key, ids, (run.position,)) == set(prompts["id"][used])
    seen = after.capture(found.table["prompt"].tolist(), layers=[run.layer], positions=[run.position])
    axis = run.directions.get("intent", run.directions[run.axis])[run.layer]
    expected = margins(seen.activations[run.position].float(), [axis])[:, 0]
    assert found.table["after"].to_numpy() == pytest.approx(expected, abs=1e-5)
    assert (found.table["after"] - found.table["before"]).abs().max() > 1e-3
    monkeypatch.setattr(after, "capture", None)
    pd.testing.assert_frame_equal(how_moved(run, after).table, found.table)


def test_an_arm_of_another_shape_keeps_the_others(tmp_path: Path) -> None:
    base, other = tiny_folder(tmp_path), tiny_folder(tmp_path / "other", d_model=48)
    arms = [ArmModel("base"), ArmModel("other", other), ArmModel("mine", tiny_adapter(tmp_path / "adapter"))]
    found, missing = moved_arms(arms, str(base), "auto", None, Workspace(tmp_path / "place"), Silent(), most=60)
    assert list(found) == ["mine"] and list(missing) == ["other"] and "another shape" in missing["other"]
    assert str(tmp_path) not in Workspace(tmp_path / "place").database.list_runs()[0].title
