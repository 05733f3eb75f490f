"""The page Benchmarks in a test browser: catalogue, files, run, stop, errors, comparison, downloads."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rasslib.benchmarks.evaluations import Evaluations
from rasslib.benchmarks.words import catalogue_table, keep_upload, typed_path
from rasslib.errors import BenchmarkError, ModelError, Stopped
from rasslib.workspace import Workspace
from tests.benchmarks.test_evaluate_command import XSTEST
from tests.pages.conftest import APP
from tests.pages.navigated import navigated  # noqa: F401


@pytest.fixture
def xstest(tmp_path: Path) -> Path:
    path = tmp_path / "xstest.csv"
    path.write_text(XSTEST, encoding="utf-8")
    return path


def open_page() -> AppTest:
    return AppTest.from_file(APP, default_timeout=300).run().switch_page("pages/benchmarks.py").run()


def ready(xstest: Path) -> AppTest:
    """Both halves of XSTest chosen, the file given by its path."""
    at = open_page()
    at.multiselect(key="benchmarks-sets").set_value(["xstest", "xstest-unsafe"]).run()
    at.segmented_control(key="benchmarks-how-xstest").set_value("Path on this machine").run()
    return at.text_input(key="benchmarks-path-xstest").set_value(str(xstest)).run()


def words(at: AppTest) -> str:
    return "\n".join(str(e.value) for kind in (at.markdown, at.caption, at.info, at.error) for e in kind).replace(
        "\\", ""
    )


def test_the_catalogue_is_shown_and_nothing_can_run_without_a_file(empty_workspace: Workspace) -> None:
    at = open_page()
    assert not at.exception
    table = at.dataframe[0].value
    assert {"xstest", "hex-phi", "morbench"} <= set(table["id"]) and not table["here"].any()
    assert set(table["gate"]) == {"open", "ask first", "not published"}
    assert table.set_index("id").loc["do-not-answer", "not confirmed"] == "licence, columns"
    assert at.button(key="benchmarks-run").disabled
    at.multiselect(key="benchmarks-sets").set_value(["hex-phi"]).run()
    at.segmented_control(key="benchmarks-how-hex-phi").set_value("Fetch").run()
    assert "hf auth login" in words(at) and at.button(key="benchmarks-fetch-hex-phi").disabled
    assert "Still without a file" in words(at)


def test_it_runs_and_shows_tables_and_chart(empty_workspace: Workspace, xstest: Path) -> None:
    at = ready(xstest)
    assert not at.exception and not at.error
    at.button(key="benchmarks-run").click().run()
    assert not at.exception and not at.error, words(at)
    (made,) = Evaluations(empty_workspace).all()
    assert made.results["xstest"]["n"] == 2
    table = next(frame.value for frame in at.dataframe if "metric" in frame.value and "benchmark" in frame.value)
    assert "n = 2" in table.iloc[0, -1]
    assert len(at.get("plotly_chart")) == 1 and len(at.get("download_button")) == 2
    assert "as published has 250" in words(at)
    assert {"invalid", "unjudged"} <= set(next(f.value for f in at.dataframe if "invalid" in f.value))
    at.segmented_control(key="benchmarks-second").set_value("phrases").run()
    at.button(key="benchmarks-second-go").click().run()
    assert not at.exception and "phrases and phrases agree on 3 of 3 replies" in words(at)
    at.segmented_control(key="benchmarks-attack").set_value("prefill").run()
    at.button(key="benchmarks-run").click().run()
    assert not at.exception and len(Evaluations(empty_workspace).all()) == 2
    assert len(at.multiselect(key="benchmarks-shown").value) == 2, "the new one stands beside the old one"


def test_a_set_of_ones_own_and_more_settings(empty_workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("prompt,intent\nRain <b>?</b>,harmless\nDucks?,harmful\n", encoding="utf-8")
    at = open_page()
    at.text_input(key="benchmarks-own-path").set_value(str(path)).run()
    assert not at.exception and "no name for a set" in words(at) and at.button(key="benchmarks-run").disabled
    at.text_input(key="benchmarks-own-name").set_value("xstest").run()
    assert not at.exception and "choose another" in words(at)
    at.text_input(key="benchmarks-own-name").set_value("mine").run()
    assert not at.exception and "mine, harmful: 1; mine, harmless: 1" in words(at)
    at.text_area(key="benchmarks-columns").set_value("nonsense").run()
    assert not at.exception and "NAME=VALUE" in words(at)
    at.text_area(key="benchmarks-columns").set_value("").run()
    at.text_area(key="benchmarks-recipe").set_value("{").run()
    assert not at.exception and "no steering recipe" in words(at)
    at.text_area(key="benchmarks-recipe").set_value("").run()
    at.number_input(key="benchmarks-temperature-False").set_value(0.7).run()
    at.button(key="benchmarks-run").click().run()
    assert not at.exception and not at.error, words(at)
    (made,) = Evaluations(empty_workspace).all()
    assert set(made.results) == {"mine-harmful", "mine-harmless"} and made.manifest["settings"]["temperature"] == 0.7


def test_another_file_can_take_the_place_of_a_fetched_one(empty_workspace: Workspace, xstest: Path) -> None:
    kept = empty_workspace.root / "benchmarks" / "koala.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"id": "1", "prompt": "Rain?"}\n', encoding="utf-8")
    at = open_page()
    at.multiselect(key="benchmarks-sets").set_value(["koala", "parallel"]).run()
    assert not at.exception and not at.button(key="benchmarks-run").disabled
    at.toggle(key="benchmarks-other-koala").set_value(True).run()
    assert not at.exception and at.segmented_control(key="benchmarks-how-koala")


def test_a_stop_and_an_error_are_told(
    empty_workspace: Workspace, xstest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stops(*_: object) -> None:
        raise Stopped

    def breaks(*_: object) -> None:
        raise ModelError("The *model* broke.")

    at = ready(xstest)
    monkeypatch.setattr("pages.parts.benchmarks.job.evaluate", stops)
    at.button(key="benchmarks-run").click().run()
    assert not at.exception and "Stopped." in words(at)
    monkeypatch.setattr("pages.parts.benchmarks.job.evaluate", breaks)
    at.button(key="benchmarks-run").click().run()
    assert not at.exception and "The *model* broke." in words(at) and at.error


def test_bad_paths_and_files_are_told(empty_workspace: Workspace, tmp_path: Path, xstest: Path) -> None:
    at = ready(tmp_path / "nowhere.csv")
    assert not at.exception and "There is no file" in words(at)
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n1,2\n", encoding="utf-8")
    at.text_input(key="benchmarks-path-xstest").set_value(str(wrong)).run()
    at.button(key="benchmarks-run").click().run()
    assert not at.exception and "has no column" in words(at)


def test_uploads_are_kept_under_the_name_of_the_set(tmp_path: Path) -> None:
    path = keep_upload("koala", "../../odd name.JSONL", b"{}", tmp_path)
    assert path == tmp_path / "uploads" / "koala.jsonl" and path.read_bytes() == b"{}"
    with pytest.raises(BenchmarkError, match="must end in one of"):
        keep_upload("koala", "x.exe", b"", tmp_path)
    with pytest.raises(BenchmarkError, match="no file"):
        typed_path(str(tmp_path / "none"))
    assert typed_path("  ") is None
    assert not catalogue_table(tmp_path)["here"].any()
