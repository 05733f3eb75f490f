"""The languages page: before, during and after a study and a build, with the stand-in model; and text direction."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.hover import hover_text
from rasslib.benchmarks.language_study import LanguageSettings, study_languages
from rasslib.workspace import Workspace
from tests.benchmarks_stand_in import parallel_prompts
from tests.pages.conftest import APP
from tests.pages.fake_lens import FakeLens
from tests.pages.navigated import navigated  # noqa: F401


def open_page() -> AppTest:
    at = AppTest.from_file(APP, default_timeout=240)
    at.run()
    return at.switch_page("pages/languages.py").run()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer prompts in place of the parallel set."""
    monkeypatch.setattr("pages.parts.languages.study_panel.load_parallel", lambda: parallel_prompts(20))
    monkeypatch.setattr("pages.parts.languages.study_panel.PARALLEL_LANGUAGES", ("en", "zh", "ar"))


def test_a_study_is_started_kept_and_shown(empty_workspace: Workspace, few: None) -> None:
    at = open_page()
    assert not at.exception
    at.toggle(key="languages-causal").set_value(False)
    at = at.button(key="languages-go").click().run()
    assert not at.exception and not at.error
    headings = [s.value for s in at.subheader]
    assert {"Refusal by language", "Does an axis carry over?", "Where refusal begins"} <= set(headings)
    again = open_page()
    assert "Refusal by language" in [s.value for s in again.subheader], "a kept study is shown at once"
    assert any("this project's reading" in c.value for c in again.caption)


def test_weak_languages_are_named_and_effects_shown(
    empty_workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_languages(FakeLens(), parallel_prompts(20), empty_workspace, LanguageSettings(draws=50), title="<b>fake</b>")  # type: ignore[arg-type]
    at = open_page()
    assert not at.exception
    # The stand-in answers Chinese and Arabic in English.
    said = "\n".join(e.value for kind in (at.warning, at.markdown) for e in kind).replace("\\", "")
    assert "cannot be judged: Chinese, Arabic" in said and "too weak in Arabic to be judged" in said
    at = at.segmented_control(key="languages-effect").set_value("induce").run()
    at = at.segmented_control(key="languages-measure").set_value("intent").run()
    assert not at.exception


def test_a_benchmark_is_built_and_can_be_downloaded(empty_workspace: Workspace) -> None:
    at = open_page()
    at.multiselect(key="build-models").set_value(["embedded"])
    at.number_input(key="build-n").set_value(6)
    at = at.button(key="build-go").click().run()
    assert not at.exception and not at.error
    assert "6 prompts" in [s.value for s in at.subheader]
    assert any("too high by construction" in c.value for c in at.caption)


def test_the_same_model_twice_is_one_sentence(empty_workspace: Workspace) -> None:
    at = open_page()
    at.multiselect(key="build-models").set_value(["embedded", "embedded-base"])  # the stand-in is both
    at.number_input(key="build-n").set_value(4)
    at = at.button(key="build-go").click().run()
    assert not at.exception
    assert any("are the same model" in e.value for e in at.error)


def test_right_to_left_lines_are_isolated_in_hovers() -> None:
    assert hover_text("How do I kill it?") == "How do I kill it?"
    lines = hover_text("كيف أقتل عملية معلقة؟ " * 6).split("<br>")
    assert len(lines) > 1
    assert all(line[0] == "\u2068" and line[-1] == "\u2069" for line in lines)
    assert "<" not in hover_text("שלום <script>").replace("<br>", "")


def test_the_start_page_offers_the_parallel_set(empty_workspace: Workspace) -> None:
    at = AppTest.from_file(APP, default_timeout=120)
    at = at.run().segmented_control(key="source").set_value("Parallel set, 8 languages").run()
    assert not at.exception
    assert any("1632 prompts" in c.value for c in at.caption)
    assert any("Arabic" in c.value for c in at.caption)
