"""The page Mitigation in a test browser: empty, wrong input, running, stopped, finished, and what it shows of each."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.mitigation import compare_panel, trade_off_chart
from rasslib.errors import WorkspaceError
from rasslib.mitigation.adapters import PROVENANCE
from rasslib.mitigation.along import Along
from rasslib.mitigation.compare_report import markdown
from rasslib.mitigation.comparing import summarise
from rasslib.mitigation.jobs import starting
from rasslib.mitigation.jobs.asks import CompareAsk, TrainAsk
from rasslib.mitigation.jobs.doing import RESULT
from rasslib.mitigation.jobs.job import FAILED, FINISHED, STOPPED, Job, jobs, make_job
from rasslib.mitigation.live import Event, LiveLog
from rasslib.mitigation.moving import Moved, moves
from rasslib.mitigation.moving_files import save_moved
from rasslib.mitigation.settings import AlignSettings
from rasslib.models.catalogue import shipped_adapters
from rasslib.workspace import Workspace
from rasslib.workspace.files import atomic_json
from tests.mitigation.test_comparing import QUICK, SETS, _outcome
from tests.pages.conftest import APP
from tests.pages.navigated import navigated  # noqa: F401

FEW, MANY = {"plain": 2, "hard": 1, "bad": 6}, {"plain": 8, "hard": 4, "bad": 7}
ASK = CompareAsk(("generic", "<b>x=/y"), ("harmless", "harmful"), limit=4)


def open_page(view: str = "Compare") -> AppTest:
    at = AppTest.from_file(APP, default_timeout=300)
    at.query_params["mitigation"] = view.lower()
    return at.run().switch_page("pages/mitigation.py").run()


def words(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.error, at.warning, at.subheader)
    return "\n".join(str(e.value) for kind in kinds for e in kind).replace("\\", "")


def made_moved() -> dict[str, Moved]:
    """Nine prompts of one arm."""
    n = 9
    table = pd.DataFrame(
        {"id": [f"p{k}" for k in range(n)], "prompt": "<script>alert(1)</script>",
         "intent": ["harmful", "borderline", "harmless"] * 3, "before": 1.0, "after": -0.5, "refitted": 0.1,
         "x": range(n), "y": 0.0, "x_after": 1.0, "y_after": range(n)}
    ).astype({"x": float, "y_after": float})  # fmt: skip
    along = dict.fromkeys(("harmful", "borderline", "harmless"), (0.1, -0.1))
    return {"generic": Moved(table, 2, "last_template", (0.5, 0.2), None, 0.9, along)}


def finish(job: Job, moved: bool = True) -> None:
    """Write what a comparison would have found."""
    result = summarise([_outcome("base", FEW, 1), _outcome("generic", MANY), _outcome("<b>x", FEW)], SETS, QUICK)
    atomic_json(job.folder / RESULT, result)
    if moved:
        save_moved(job.folder / "moved", made_moved())
    job.ended(FINISHED)


def test_an_empty_workspace_says_what_to_do(empty_workspace: Workspace) -> None:
    at = open_page()
    assert not at.exception and not at.error
    assert "None of yours yet" in words(at) and "at most" in words(at)
    assert "base: not trained; generic: recipe sft, sft, 318 steps of 8" in words(at)
    assert at.multiselect(key="mitigation-arms").value == ["generic (shipped)", "rass (shipped)", "trigger (shipped)"]
    assert not at.button(key="mitigation-compare-start").disabled
    at.multiselect(key="mitigation-arms").set_value([]).run()
    assert at.button(key="mitigation-compare-start").disabled and "at least one arm" in words(at)
    at.multiselect(key="mitigation-compare-sets").set_value(["harmful"]).run()
    assert "no aggregate" in words(at)


def test_a_comparison_that_comes_along_is_shown_before_anything_ran(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = summarise([_outcome("base", FEW, 1), _outcome("generic", MANY)], SETS, QUICK)
    save_moved(tmp_path / "a", made_moved())
    known = {
        "a": Along("a", "*All* <b>arms</b>", result, tmp_path / "a"),
        "b": Along("b", "Old", {"format": 1}),
        "c": Along("c", "Unlike", result | {"not_moved": {"generic": "<b>It</b> has another shape."}}),
    }
    monkeypatch.setattr(compare_panel, "comparisons_along", lambda: known)
    at = open_page()
    assert not at.exception and not at.error, words(at)
    assert at.selectbox(key="mitigation-comparison").value == "along:a" and "None of yours yet" in words(at)
    table = next(frame.value for frame in at.dataframe if "mean RR" in frame.value and "arm" in frame.value)
    assert list(table["arm"]) == ["base", "generic"] and "How the boundary moved" in words(at)
    at.selectbox(key="mitigation-comparison").set_value("along:c").run()
    assert not at.exception and "boundary moved in generic is not told" in words(at)
    at.selectbox(key="mitigation-comparison").set_value("along:b").run()
    assert not at.exception and "earlier version" in words(at)


def test_files_hold_how_the_boundary_moved() -> None:
    result = summarise([_outcome("base", FEW), _outcome("generic", MANY)], SETS, QUICK)
    whole = result | moves(made_moved() | {"b": replace(made_moved()["generic"], cosine=math.nan)}, {"x": "Why."})
    assert "## How the boundary moved" in markdown(whole) and "boundary moved in x is not told" in markdown(whole)
    assert json.loads(json.dumps(whole, allow_nan=False))["moved"]["generic"]["by_intent"]["harmful"]["n"] == 3


def test_many_arms_are_told_apart_by_the_legend_alone() -> None:
    drawn = [
        trade_off_chart.figure(
            summarise([_outcome("base", FEW), *(_outcome(f"a{k}", MANY) for k in range(n))], SETS, QUICK),
            "ellipses",
            theirs=False,
        )
        for n in (2, 9)
    ]
    named = [[trace.name for trace in one.data if "text" in (trace.mode or "")] for one in drawn if one]
    assert named == [["base", "a0", "a1"], ["base"]]
    assert [sum(bool(trace.showlegend is not False) for trace in one.data) for one in drawn if one] == [3, 10]


def test_a_damaged_installation_keeps_nobody_from_comparing(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged() -> dict[str, Along]:
        raise WorkspaceError("The comparison x is damaged; install the program again.")

    monkeypatch.setattr(compare_panel, "comparisons_along", damaged)
    at = open_page()
    assert not at.exception and "install the program again" in words(at)
    assert not at.button(key="mitigation-compare-start").disabled


def test_wrong_files_are_sentences(empty_workspace: Workspace) -> None:
    at = open_page()
    at.text_area(key="mitigation-compare-files").set_value("xstest=/nowhere.csv").run()
    assert not at.exception and "There is no file /nowhere.csv" in words(at)


def test_the_button_starts_a_process_and_the_result_is_shown(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Path] = []

    def spawn(folder: Path) -> None:
        begun.append(folder)
        finish(next(job for job in jobs(empty_workspace, CompareAsk) if job.folder == folder))

    monkeypatch.setattr(starting, "spawn", spawn)
    at = open_page()
    at.number_input(key="mitigation-compare-limit").set_value(4).run()
    at.button(key="mitigation-compare-start").click().run()
    assert not at.exception and not at.error, words(at)
    assert len(begun) == 1
    table = next(frame.value for frame in at.dataframe if "mean RR" in frame.value and "arm" in frame.value)
    assert list(table["arm"])[:2] == ["base", "generic"]
    assert len(at.get("plotly_chart")) == 2 and len(at.get("download_button")) == 4
    assert "theirs" in words(at).lower() and "our reading" in words(at)
    again = open_page()
    assert not again.exception and len(again.get("plotly_chart")) == 2, "shown again after a reload"
    again.toggle(key="mitigation-theirs").set_value(True).run()
    again.segmented_control(key="mitigation-shape").set_value("crosses").run()
    assert not again.exception and "other models, other sets" in words(again)


def test_an_error_is_told_and_one_can_go_on(empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(empty_workspace, ASK)
    job.ended(FAILED, "The *base* has no chat template; give one.")
    at = open_page()
    assert "The *base* has no chat template" in words(at)
    begun: list[Path] = []
    monkeypatch.setattr(starting, "spawn", lambda folder: (begun.append(folder), finish(job)))
    at.button(key=f"mitigation-on-{job.name}").click().run()
    assert not at.exception and begun == [job.folder]


def test_damaged_results_are_sentences(empty_workspace: Workspace) -> None:
    job = make_job(empty_workspace, ASK)
    finish(job)
    (job.folder / RESULT).write_text("{half", encoding="utf-8")
    at = open_page()
    assert not at.exception and "damaged" in words(at)
    atomic_json(job.folder / RESULT, {"arms": {}, "sets": {}})
    at = open_page()
    assert not at.exception and "earlier version" in words(at)


def test_a_training_is_foretold_and_started(empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[Path] = []
    monkeypatch.setattr(starting, "spawn", begun.append)
    at = open_page("train")
    assert not at.exception and not at.error, words(at)
    assert "2 harmful and 8 benign" in words(at) and "It will take about" in words(at)
    ahead = next(frame.value for frame in at.dataframe if "in a batch" in frame.value)
    assert list(ahead["set"]) == ["harmful", "trigger"]
    at.number_input(key="mitigation-train-steps").set_value(6).run()
    assert "6 steps of 10" in words(at)
    at.selectbox(key="mitigation-train-method").set_value("grpo").run()
    assert "not known" in words(at)
    at.selectbox(key="mitigation-train-recipe").set_value("rass-band").run()
    assert not at.exception and "reads the bundled prompts" in words(at)
    at.text_input(key="mitigation-train-prompts").set_value("/nowhere.csv").run()
    assert not at.exception and at.error
    at.text_input(key="mitigation-train-prompts").set_value("bundled").run()
    at.text_input(key="mitigation-train-from").set_value("/nowhere").run()
    assert not at.exception and "no adapter at" in words(at)
    generic = shipped_adapters()["generic"]
    at.text_input(key="mitigation-train-from").set_value(str(generic)).run()
    assert not at.exception and not at.error
    at.button(key="mitigation-train-start").click().run()
    assert not at.exception and len(begun) == 1
    (job,) = jobs(empty_workspace, TrainAsk)
    assert isinstance(job.ask, TrainAsk) and job.ask.settings.recipe == "rass-band" and job.ask.settings.steps == 6
    assert job.ask.start == str(generic) and job.ask.title.endswith("on generic")
    assert at.button(key="mitigation-train-start").disabled
    at.button(key=f"mitigation-stop-{job.name}").click().run()
    assert not at.exception and job.stopping


def test_a_stopped_training_shows_its_curves(empty_workspace: Workspace) -> None:
    job = make_job(empty_workspace, TrainAsk(AlignSettings(recipe="trigger")))
    log = LiveLog(job.live)
    rate = {"rate": 0.5, "low": 0.2, "high": 0.8, "n": 8}
    for step in range(1, 5):
        log.tell(Event(step, 9, {"loss": 1.0 / step}))
    log.tell(Event(4, 9, rates={"harmful": rate}))
    job.ended(STOPPED, "Stopped. What was finished is kept; the same button goes on from there.")
    at = open_page("train")
    assert not at.exception and "Stopped." in words(at)
    assert len(at.get("plotly_chart")) == 2 and at.button(key=f"mitigation-on-{job.name}")


def test_a_finished_training_can_be_compared(empty_workspace: Workspace) -> None:
    job = make_job(empty_workspace, TrainAsk(AlignSettings(recipe="trigger")))
    rate = {"rate": 0.5, "low": 0.2, "high": 0.8, "n": 8, "refused": 4, "invalid": 0}
    told: dict[str, Any] = {
        "measured": {"test split": {"harmful": rate}},
        "training": {
            "exposure": {"harmful": {"examples": 3, "draws": 6, "passes": 2.0, "reply_tokens": 60}},
            "history": {"loss": [[1, 2.0], [2, 1.0]], "validation": [{"step": 2, "refusal_rates": {"harmful": rate}}]},
        },
    }
    atomic_json(job.adapter / PROVENANCE, told)
    job.ended(FINISHED)
    at = open_page("train")
    assert not at.exception and any(code.value == str(job.adapter) for code in at.code)
    assert any("n = 8" in str(frame.value) for frame in at.dataframe)
    at.button(key=f"mitigation-compare-{job.name}").click().run()
    assert not at.exception
    assert any(label.startswith("trigger, seed 0") for label in at.multiselect(key="mitigation-arms").value)
