"""The prompt inspector in a test browser: no run, a prompt of the run, a typed prompt, a model that cannot be had."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from rasslib import models
from rasslib.errors import ModelError
from rasslib.models.catalogue import ModelSpec
from rasslib.workspace import Workspace
from tests.pages.conftest import APP, Finished
from tests.pages.fake_lens import ANSWER, REFUSAL
from tests.pages.navigated import navigated  # noqa: F401

PAGE = "pages/inspector.py"
TYPED = "Tell me about one more dangerous thing."


def open_page() -> AppTest:
    """The page as it is first seen."""
    return AppTest.from_file(APP, default_timeout=60).run().switch_page(PAGE).run()


def pick(at: AppTest, finished: Finished, intent: str) -> tuple[AppTest, int]:
    """Choose the first held-out prompt of an intent, on a PCA map (UMAP takes long to import)."""
    table = finished.analysis.prompts
    row = int(table.index[(table["intent"] == intent) & (table["split"] == "test")][0])
    at.session_state["inspector-map"] = "PCA"
    at.session_state[f"inspector-pick-{finished.run_id}-"] = table["id"].iloc[row]
    return at.run(), row


def metrics(at: AppTest) -> dict[str, str]:
    """Values by label, of the prompt itself (the tab of the comparison comes after it)."""
    return {metric.label: metric.value for metric in reversed(at.metric)}


def press(at: AppTest, label: str) -> AppTest:
    """Press the button with this label."""
    return next(b for b in at.button if b.label == label).click().run()


def type_prompt(at: AppTest, text: str) -> AppTest:
    """Type a prompt and press the button."""
    at.session_state["inspector-map"] = "PCA"
    at.session_state["inspector-how"] = "Type one"
    at.run()
    at.text_area[0].set_value(text).run()
    return next(b for b in at.button if b.label == "Inspect this prompt").click().run()


def test_without_a_run_it_says_where_to_start(empty_workspace: Workspace) -> None:
    at = open_page()
    assert not at.exception
    assert "no finished run" in at.info[0].value
    assert len(at.get("page_link")) == 1


def test_before_a_choice_it_shows_the_overrefusal_nearest_the_boundary(finished_run: Finished) -> None:
    at = open_page()
    assert not at.exception
    table = finished_run.analysis.prompts
    over = table[(table["split"] == "test") & table["overrefusal"]]
    assert at.code[0].value == over.loc[over["margin"].abs().idxmin(), "prompt"]


def test_a_prompt_of_the_run_is_shown_with_all_its_numbers(finished_run: Finished) -> None:
    at, row = pick(open_page(), finished_run, "harmful")
    assert not at.exception
    run = finished_run.analysis
    found = metrics(at)
    assert found[f"Margin, layer {run.layer}"] == f"{run.prompts['margin'].iloc[row]:+.2f}"
    assert found["Behaviour"] == "refused"
    assert found["Intent"] == "harmful"
    assert [code.value for code in at.code] == [run.prompts["prompt"].iloc[row], REFUSAL]
    assert len(at.get("plotly_chart")) == 4  # the fourth compares two prompts
    assert any("Held-out test prompt" in caption.value for caption in at.caption)
    for table, behaviour in zip(at.dataframe, ("refused", "complied"), strict=False):
        near = table.value
        assert len(near) == 6 and set(near["behaviour"]) == {behaviour}
        assert run.prompts["prompt"].iloc[row] not in near["prompt"].tolist()
        assert near["cosine"].is_monotonic_decreasing
    assert (at.dataframe[0].value["intent"] == "harmful").sum() > 3


def test_the_layer_changes_the_neighbours_margins(finished_run: Finished) -> None:
    at, _ = pick(open_page(), finished_run, "borderline")
    other = 0 if finished_run.analysis.layer != 0 else 1
    at.slider[0].set_value(other).run()
    assert not at.exception
    near = at.dataframe[0].value
    assert near["margin"].tolist() == pytest.approx(finished_run.analysis.margins[near["row"], other].tolist())


def test_the_selection_of_the_map_is_offered_first(finished_run: Finished) -> None:
    at = AppTest.from_file(APP, default_timeout=60).run()
    chosen = finished_run.analysis.prompts["id"].iloc[[7, 11]].tolist()
    at.session_state["map-selected"] = {finished_run.run_id: chosen}
    at.session_state["inspector-map"] = "PCA"
    at.switch_page(PAGE).run()
    assert not at.exception
    assert at.code[0].value == finished_run.analysis.prompts["prompt"].iloc[7]


def test_a_typed_prompt_is_read_by_the_model(finished_run: Finished) -> None:
    at = type_prompt(open_page(), TYPED)
    assert not at.exception
    found = metrics(at)
    assert found["Behaviour"] == "refused"
    assert float(found[f"Margin, layer {finished_run.analysis.layer}"]) > 0.2
    assert found["Intent"] == "not labelled"
    assert any("Cross: this prompt" in caption.value for caption in at.caption)
    assert any("Typed by hand" in caption.value for caption in at.caption)
    assert TYPED not in str(dict(at.query_params))


def test_the_umap_of_a_typed_prompt_says_what_it_cannot_show(finished_run: Finished) -> None:
    from rasslib.boundary.inspecting import inspect_text, place_on_pca
    from rasslib.boundary.projection import Projection
    from rasslib.boundary.prompt_words import map_text
    from tests.pages.fake_lens import FakeLens

    run = finished_run.analysis
    prompt = inspect_text(FakeLens(), run, "Tell me about another gentle thing.")  # type: ignore[arg-type]
    assert prompt.reply == ANSWER
    umap = Projection(run.projection(run.layer, "pca").xy, "umap", "A map.", None, {})
    assert place_on_pca(run, prompt, run.layer, umap) is None
    assert "not computed for typed prompts" in map_text(prompt, umap, False)


def test_a_prompt_of_the_run_typed_by_hand_falls_on_its_own_point(finished_run: Finished) -> None:
    from rasslib.boundary.inspecting import inspect_text, place_on_pca
    from tests.pages.fake_lens import FakeLens

    run = finished_run.analysis
    prompt = inspect_text(FakeLens(), run, run.prompts["prompt"].iloc[3])  # type: ignore[arg-type]
    assert prompt.row == 3
    projection = run.projection(run.layer, "pca")
    assert place_on_pca(run, prompt, run.layer, projection) == pytest.approx(tuple(projection.xy[3]), abs=1e-4)


def test_a_model_that_cannot_be_had_is_one_sentence(finished_run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object, **kwargs: object) -> ModelSpec:
        raise ModelError("There is no file or folder smol; check the path of the model.")

    monkeypatch.setattr(models, "load", gone)
    at = type_prompt(open_page(), TYPED)
    assert not at.exception
    assert "check the path of the model" in at.error[0].value
    assert not at.metric


def test_harmful_text_is_hidden_where_asked(finished_run: Finished) -> None:
    at = open_page()
    at.session_state["hide-harmful"] = True
    at, row = pick(at, finished_run, "harmful")
    assert finished_run.analysis.prompts["prompt"].iloc[row] not in [code.value for code in at.code]
    assert REFUSAL not in [code.value for code in at.code]


def test_a_page_started_alone_starts_over_from_the_app(finished_run: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload after a restart of the server: the sidebar with the run chooser must be there."""
    from streamlit.runtime.pages_manager import PagesManager

    linked_to = open_page()
    monkeypatch.setattr(PagesManager, "uses_pages_directory", True)
    linked_to.run()
    assert not linked_to.exception
    assert "Run" in [box.label for box in linked_to.sidebar.selectbox]
