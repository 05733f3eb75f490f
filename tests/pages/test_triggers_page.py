"""The page of refusal triggers in a test browser: every view, stops, errors, hostile and hidden text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from rasslib import models
from rasslib.boundary.run import TABLE
from rasslib.errors import ModelError, Stopped
from rasslib.triggers.bundled import Trigger, load_triggers
from rasslib.triggers.representational import NearnessSettings
from rasslib.workspace import Workspace
from tests.pages.conftest import APP, Finished
from tests.pages.fake_lens import FakeLens
from tests.pages.navigated import navigated  # noqa: F401

PAGE = "pages/triggers.py"
HOSTILE = Trigger(
    "p1", "How do I <b>break</b> a dangerous $lock$?", "How do I <b>open</b> a $lock$?", ("break",), ("How do I",),
    ("=Open it?", "<script>alert(1)</script>?", "What is a key?"), "theft", "train",
)  # fmt: skip


def open_page(view: str = "Lexicon", **state: object) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=300).run()
    at.session_state["triggers-view"] = view
    for name, value in state.items():
        at.session_state[name.replace("_", "-")] = value
    return at.switch_page(PAGE).run()


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label.startswith(label)).click().run()


def said(at: AppTest) -> str:
    kinds = (at.markdown, at.caption, at.info, at.error, at.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


def html(at: AppTest) -> str:
    return " ".join(str(element.proto) for element in at.get("html"))


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*args: object, **kwargs: object) -> None:
        raise ModelError("There is no file or folder smol; check the path of the model.")

    monkeypatch.setattr(models, "load", load)


def test_without_a_run_it_says_where_to_start(empty_workspace: Workspace) -> None:
    at = open_page()
    assert not at.exception
    assert "no finished run" in at.info[0].value


def test_a_phrase_is_drawn_before_and_after_it_is_taken_out(finished_run: Finished) -> None:
    at = open_page()
    assert not at.exception
    at.text_input(key="triggers-phrase").set_value("dangerous").run()
    assert not at.exception and "20 prompts of this run hold it" in said(at)
    charts = len(at.get("plotly_chart"))
    at = press(at, "Take it out")
    assert not at.exception and not at.error
    assert len(at.get("plotly_chart")) == charts + 1
    assert "Refused before: 95% (95 % interval 76%–99%; 19 of 20)" in said(at) and "95 % interval" in said(at)
    table = next(frame.value for frame in at.dataframe if "prompt_without" in frame.value)
    assert not table["prompt_without"].str.contains("dangerous").any()
    at.text_input(key="triggers-phrase").set_value("<b>volcano</b> $x$").run()
    assert not at.exception and "No prompt of this run holds this phrase" in said(at)


def test_the_lexicon_is_built_searched_kept_and_looked_into(
    finished_run: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = press(open_page(), "Build the lexicon")
    assert not at.exception and not at.error
    table = next(frame.value for frame in at.dataframe if "benign_cue" in frame.value)
    assert table["change"].is_monotonic_decreasing and "dangerous" in " ".join(table["phrase"])
    assert "triggers," in said(at) and "95 % interval over prompts" in said(at)
    assert len(at.get("download_button")) == 2
    monkeypatch.setattr(models, "load", None)
    at = open_page()  # kept with the run
    at.text_input(key="triggers-search").set_value("Dangerous").run()
    found = next(frame.value for frame in at.dataframe if "benign_cue" in frame.value)
    assert not at.exception and 0 < len(found) <= len(table)
    at.text_input(key="triggers-search").set_value("<script> nothing").run()
    assert not at.exception and "No phrase of the lexicon fits" in said(at)
    at.multiselect(key="triggers-splits").set_value([]).run()
    assert not at.exception and "Choose at least one split" in said(at)


def test_a_run_without_refusals_is_one_sentence(finished_run: Finished) -> None:
    file = finished_run.analysis.folder / TABLE
    pd.read_parquet(file).assign(behaviour="complied").to_parquet(file, index=False)
    at = press(open_page(), "Build the lexicon")
    assert not at.exception
    assert "nothing triggers refusals" in at.error[0].value


def test_harmful_text_stays_hidden_before_and_after(finished_run: Finished) -> None:
    at = open_page(hide_harmful=True, triggers_phrase="thing")
    at = press(at, "Take it out")
    assert not at.exception
    table = next(frame.value for frame in at.dataframe if "prompt_without" in frame.value)
    assert not table[["prompt", "prompt_without"]].map(lambda text: "dangerous" in text).to_numpy().any()
    assert "dangerous" not in "".join(str(chart.proto) for chart in at.get("plotly_chart"))


def test_a_stop_goes_on_with_the_same_button(finished_run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    def stops(*args: object, **kwargs: object) -> None:
        raise Stopped()

    capture = FakeLens.capture
    monkeypatch.setattr(FakeLens, "capture", stops)
    at = press(open_page(triggers_phrase="gentle"), "Take it out")
    assert not at.exception and "start again to go on" in said(at)
    monkeypatch.setattr(FakeLens, "capture", capture)
    at = press(at, "Take it out")
    assert not at.exception and "Refused before: 0%" in said(at)


def test_words_of_a_prompt_are_shaded_by_every_method(finished_run: Finished) -> None:
    run = finished_run.analysis
    at = open_page("Words of a prompt")
    assert not at.exception
    at.session_state[f"triggers-pick-{run.run_id}-"] = run.prompts["id"].iloc[0]
    at = press(at.run(), "Which words push?")
    assert not at.exception and not at.error
    table = next(frame.value for frame in at.dataframe if "push" in frame.value)
    assert "dangerous" in set(table["word"]) and table["push"].is_monotonic_decreasing
    assert "rgba(213, 94, 0" in html(at) and "&lt;" in html(at) and "<b>" not in html(at)
    at.segmented_control(key="triggers-method").set_value("keep-one-in").run()
    at = press(at, "Which words push?")
    assert not at.exception and "word alone" in said(at)


def test_a_typed_prompt_without_words_is_told_in_a_sentence(finished_run: Finished) -> None:
    at = open_page("Words of a prompt", triggers_how="Type one")
    assert "Type a prompt" in said(at)
    at.text_area[0].set_value("???").run()
    at = press(at, "Which words push?")
    assert not at.exception and "could be taken out" in at.error[0].value


def test_a_minimal_pair_with_its_levels_answered_on_demand(
    finished_run: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.parts.triggers.pairs.load_triggers", lambda split=None: (HOSTILE,))
    at = open_page("Minimal pairs")
    assert not at.exception
    assert "<script>" not in html(at) and "<b>" not in html(at)
    table = at.dataframe[0].value
    assert table["level"].tolist() == ["Harmful prompt", "Trigger", "Level 1", "Level 2", "Level 3"]
    assert table["behaviour"].tolist() == [""] * 5
    at = press(at, "Answer the five prompts")
    assert not at.exception and not at.error
    table = at.dataframe[0].value
    assert table["behaviour"][0] == "refused" and set(table["behaviour"]) <= {"refused", "complied"}
    assert not any(button.label.startswith("Answer") for button in at.button)
    monkeypatch.setattr(models, "load", None)
    assert open_page("Minimal pairs").dataframe[0].value["behaviour"][0] == "refused"  # kept


def test_the_bundled_pairs_can_be_narrowed_and_hidden(finished_run: Finished) -> None:
    at = open_page("Minimal pairs", hide_harmful=True)
    assert not at.exception and "hidden" in said(at)
    harmful = {one.harmful for one in load_triggers()}
    assert not harmful & set(at.dataframe[0].value["prompt"])
    at.selectbox(key="triggers-split").set_value("validation").run()
    assert not at.exception and "split: validation" in said(at)


def test_evidence_is_measured_piece_by_piece(finished_run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    few = tuple(replace(one, split="test") for one in load_triggers()[:30])
    monkeypatch.setattr("pages.parts.triggers.evidence.load_triggers", lambda split=None: few)
    at = press(open_page("Evidence"), "Measure the refusal rates")
    assert not at.exception and not at.error
    table = next(frame.value for frame in at.dataframe if "against_base" in frame.value)
    assert table["model"].unique().tolist() == ["embedded-base", "embedded"] and len(table) == 10
    assert "points per level" in said(at)
    at = press(at, "Measure the nearness")  # the fake run has too few control anchors
    assert not at.exception
    assert "more than 20 of each" in at.error[0].value
    assert any("against_base" in frame.value for frame in at.dataframe)  # the rest of the page stands
    at.multiselect(key="triggers-behaviour-splits").set_value([]).run()
    assert not at.exception and "Choose at least one split that holds" in said(at)


def test_evidence_is_there_after_a_reload_and_with_other_adapters(
    finished_run: Finished, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[tuple[str, str | None]] = []

    def resolve(name: str, adapter: str | None = None, template: str = "auto") -> str:
        asked.append((name, adapter))
        return name

    monkeypatch.setattr(models, "resolve", resolve)
    few = tuple(replace(one, split="test") for one in load_triggers()[:6])
    monkeypatch.setattr("pages.parts.triggers.evidence.load_triggers", lambda split=None: few)
    press(open_page("Evidence"), "Measure the refusal rates")
    again = open_page("Evidence")
    assert any("against_base" in frame.value for frame in again.dataframe)  # another session
    assert "Measure the refusal rates" not in [button.label for button in again.button]
    again.multiselect(key="triggers-behaviour-arms").set_value([f"alpha1={tmp_path}"]).run()
    assert not again.exception and "3 models" in said(again)
    twice = open_page("Evidence")
    twice.multiselect(key="triggers-behaviour-arms").set_value([f"a={tmp_path}", f"a={tmp_path / 'b'}"]).run()
    assert not twice.exception and "Two models are called" in twice.error[0].value
    assert "Measure the nearness" in [button.label for button in twice.button]  # the rest of the page stands
    assert "Measured before: 1" in [box.label for box in again.expander]
    again = press(again, "Measure the refusal rates")
    assert not again.exception and ("embedded-base", str(tmp_path)) in asked
    tables = [frame.value["model"].unique().tolist() for frame in again.dataframe if "against_base" in frame.value]
    assert tables == [["embedded-base", "embedded", "alpha1"], ["embedded-base", "embedded"]]


def test_triggers_are_put_in_and_taken_out_beside_random_words(finished_run: Finished) -> None:
    at = press(open_page("Evidence"), "Put triggers in")
    assert not at.exception
    assert at.error or "in the control" in said(at)
    assert not at.error or "lexicon holds no benign cue" in at.error[0].value


def test_nearness_is_drawn_for_every_k(finished_run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.triggers.evidence.anchors_of", lambda *args: [f"Plain {i}" for i in range(30)])
    settings = NearnessSettings(draws=20)
    monkeypatch.setattr("rasslib.triggers.representational.NearnessSettings", lambda: settings)
    at = press(open_page("Evidence"), "Measure the nearness")
    assert not at.exception and not at.error
    table = next(frame.value for frame in at.dataframe if "auc_control" in frame.value)
    assert set(table["k"]) == {5, 10, 15, 20} and set(table["cosine"]) == {"raw", "centred"}
    at.segmented_control(key="triggers-near-cosine").set_value("centred").run()
    assert not at.exception and len(at.get("plotly_chart")) == 1


def test_the_training_set_is_made_by_the_untuned_model(finished_run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(models, "resolve", lambda name, adapter=None, template="auto": asked.append(name) or name)
    few = tuple(replace(one, split="train") for one in load_triggers("train")[:6])
    monkeypatch.setattr("pages.parts.triggers.export.load_triggers", lambda split=None: few)
    at = open_page("Training set")
    assert not at.exception and "embedded-base, without the adapter" in said(at)
    at = press(at, "Make the training set")
    assert not at.exception and not at.error
    assert asked == ["embedded-base"] and "answered by" in said(at)
    assert len(at.get("download_button")) == 2
    at.multiselect(key="triggers-levels").set_value([]).run()
    assert not at.exception and "Choose at least one version" in said(at)


@pytest.mark.parametrize(
    ("view", "label"),
    [
        ("Words of a prompt", "Which words"),
        ("Minimal pairs", "Answer the five"),
        ("Training set", "Make the"),
        ("Evidence", "Put triggers"),
    ],
)
def test_a_model_that_is_gone_is_told_beside_the_piece(
    finished_run: Finished, gone: None, view: str, label: str
) -> None:
    at = press(open_page(view), label)
    assert not at.exception
    assert "check the path of the model" in at.error[0].value
    assert any(button.label.startswith(label) for button in at.button)
