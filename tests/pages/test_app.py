"""The frame around the pages: navigation, run chooser, address bar, hidden text, errors, hover text."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as text_of
from streamlit.testing.v1 import AppTest

from pages.parts.charts import selected_ids
from pages.parts.errors import plain
from pages.parts.hover import hover_text
from pages.parts.progress import line
from rasslib.progress import Clock
from rasslib.workspace import Workspace
from tests.pages.conftest import APP, Finished
from tests.pages.navigated import navigated  # noqa: F401


def app() -> AppTest:
    """The app, not yet run."""
    return AppTest.from_file(APP, default_timeout=30)


def test_the_app_starts_without_a_run(empty_workspace: Workspace) -> None:
    at = app().run()
    assert not at.exception
    assert "No finished run yet." in [caption.value for caption in at.sidebar.caption]


def test_the_newest_run_is_open_and_named_in_the_address(finished_run: Finished) -> None:
    at = app().run()
    assert not at.exception
    assert at.query_params["run"] == finished_run.run_id
    assert any("embedded, 4 layers" in caption.value for caption in at.sidebar.caption)


def test_the_run_in_the_address_is_opened(finished_run: Finished) -> None:
    workspace = finished_run.workspace
    other = "feedfacefeed"
    folder = workspace.run_dir(finished_run.run_id)
    target = workspace.run_dir(other)
    for path in folder.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    summary = {**finished_run.analysis.summary, "title": "the newer one"}
    (target / "result.json").write_text(json.dumps(summary), encoding="utf-8")
    workspace.database.save_run(other, title="the newer one", status="finished", summary=summary)
    assert app().run().sidebar.selectbox[0].value == other
    at = app()
    at.query_params["run"] = finished_run.run_id
    assert at.run().sidebar.selectbox[0].value == finished_run.run_id


def test_an_unknown_run_in_the_address_opens_the_newest(finished_run: Finished) -> None:
    at = app()
    at.query_params["run"] = "../../etc"
    at.run()
    assert not at.exception
    assert at.sidebar.selectbox[0].value == finished_run.run_id


def test_a_damaged_run_is_told_in_a_sentence(finished_run: Finished) -> None:
    (finished_run.analysis.folder / "prompts.parquet").unlink()
    at = app().run()
    assert not at.exception
    assert any("cannot be opened" in error.value for error in at.error)
    assert any(button.label == "Find the boundary" for button in at.button)


def test_a_workspace_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_workspace: Workspace
) -> None:
    from rasslib.settings import settings as product

    blocked = tmp_path / "file"
    blocked.write_text("x")
    monkeypatch.setenv("RASS_WORKSPACE", str(blocked / "below"))
    product.cache_clear()
    at = app().run()
    assert not at.exception
    assert at.error


def test_the_theme_is_our_own_in_light_and_dark_and_the_server_local() -> None:
    config = tomllib.loads((Path(APP).parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "127.0.0.1"
    for mode in ("light", "dark"):
        assert {"primaryColor", "backgroundColor", "textColor"} <= set(config["theme"][mode])


@given(text_of.text(max_size=400))
@settings(max_examples=100, deadline=None)
def test_hover_text_lets_no_tag_through(text: str) -> None:
    shown = hover_text(text)
    assert "<" not in shown.replace("<br>", "") and ">" not in shown.replace("<br>", "")


def test_hover_text_wraps_and_cuts() -> None:
    assert hover_text("<b>x</b> & y") == "&lt;b&gt;x&lt;/b&gt; &amp; y"
    shown = hover_text("word " * 200)
    assert all(len(row) <= 60 for row in shown.split("<br>")) and shown.endswith("…")
    assert hover_text("  ") == "(empty)"


def test_markdown_in_names_is_shown_as_it_is() -> None:
    assert plain("![x](http://h) **b** $a$") == r"\!\[x\]\(http\://h\) \*\*b\*\* \$a\$"


@pytest.mark.parametrize("data", [["p1"], ("p1", 2), {"0": "p1"}, "p1"])
def test_a_selection_is_read_in_every_shape(data: object) -> None:
    assert selected_ids({"selection": {"points": [{"customdata": data}, {"customdata": data}, {}]}}) == ["p1"]


def test_no_selection_is_no_ids() -> None:
    assert selected_ids(None) == [] and selected_ids({}) == []
    assert selected_ids({"selection": {"points": [{"customdata": []}, {"customdata": 3}]}}) == []


def test_progress_tells_count_and_time_left() -> None:
    times = iter([0.0, 0.0, 10.0, 10.0])
    clock = Clock(now=lambda: next(times))
    assert clock.seconds_left("Reading", 20, 100) is None
    assert line("Reading", 40, 100, clock.seconds_left("Reading", 40, 100)) == "Reading: 40 of 100, about 30 s left"
    assert line("Loading the model", 0, 1, None) == "Loading the model"
    assert line("Reading", 4, 1000, 400) == "Reading: 4 of 1,000, about 7 min left"


def test_a_stage_that_begins_again_is_timed_anew() -> None:
    now = 0.0
    clock = Clock(now=lambda: now)
    clock.seconds_left("Reading", 0, 100)
    now = 500.0
    assert clock.seconds_left("Reading", 100, 100) == 0
    assert clock.seconds_left("Reading", 0, 40) is None
    now = 510.0
    assert clock.seconds_left("Reading", 10, 40) == 30
