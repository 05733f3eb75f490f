"""The report page: before, during and after the measurement, and when it cannot be made."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rasslib.boundary import report_reading
from rasslib.boundary.report import REPORT
from rasslib.workspace import Workspace
from tests.boundary.test_report import openers
from tests.pages.conftest import APP, Finished
from tests.pages.fake_lens import FakeLens
from tests.pages.navigated import navigated  # noqa: F401


def open_page() -> AppTest:
    at = AppTest.from_file(APP, default_timeout=120)
    at.run()
    return at.switch_page("pages/boundary_report.py").run()


def press(at: AppTest, label: str) -> AppTest:
    return next(b for b in at.button if b.label == label).click().run()


@pytest.fixture
def readable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLens, "positions", {"last_template": 1, "last_instruction": 2}, raising=False)
    monkeypatch.setattr(report_reading, "read_openers", openers)
    counted: Any = lambda lens, texts: [[1] * (i + 1) for i in range(len(texts))]  # noqa: E731
    monkeypatch.setattr(report_reading, "encode_openers", counted)


def test_without_a_run_it_says_where_to_start(empty_workspace: Workspace) -> None:
    at = open_page()
    assert not at.exception
    assert "no finished run" in at.info[0].value


def test_the_report_is_measured_kept_and_shown(finished_run: Finished, readable: None) -> None:
    at = open_page()
    assert not at.exception
    assert "some minutes" in at.info[0].value
    at = press(at, "Measure the boundary")
    assert not at.exception and not at.error
    headings = [s.value for s in at.subheader]
    assert "The claims, as numbers that could have failed" in headings
    assert "Which direction really controls refusal" in headings
    assert (finished_run.analysis.folder / REPORT).is_file()
    again = open_page()
    assert "Controls" in [s.value for s in again.subheader], "a kept report is shown at once"
    assert any("this project's reading" in c.value for c in again.caption)


def test_a_damaged_report_is_told_in_a_sentence(finished_run: Finished) -> None:
    (finished_run.analysis.folder / REPORT).write_text("{", encoding="utf-8")
    at = open_page()
    assert not at.exception
    assert "damaged" in at.error[0].value


def test_a_run_of_another_model_is_told(
    finished_run: Finished, readable: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    monkeypatch.setattr(FakeLens, "key", "another-key")
    at = press(at, "Measure the boundary")
    assert not at.exception
    assert at.error
