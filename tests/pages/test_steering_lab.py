"""The steering lab in a test browser: no run, replies side by side, ablation, a stopped and a failing model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rasslib.errors import ModelError
from rasslib.models.decode import Reply
from rasslib.steering.streaming import stream_outcomes, variants
from rasslib.workspace import Workspace
from tests.pages.conftest import APP, Finished
from tests.pages.fake_lens import ANSWER, REFUSAL, FakeLens
from tests.pages.navigated import navigated  # noqa: F401

PAGE = "pages/steering_lab.py"


def open_page(finished: Finished | None = None, intent: str = "harmless") -> AppTest:
    """The page, with the first prompt of an intent chosen where there is a run."""
    at = AppTest.from_file(APP, default_timeout=60).run().switch_page(PAGE).run()
    if finished is not None:
        table = finished.analysis.prompts
        first = table.loc[table["intent"] == intent, "id"].iloc[0]
        at.session_state[f"lab-pick-{finished.run_id}-"] = first
        at.run()
    return at


def run(at: AppTest) -> AppTest:
    """Press Run."""
    return next(b for b in at.button if b.label == "Run").click().run()


def captions(at: AppTest) -> str:
    """All captions in one text."""
    return "\n".join(caption.value for caption in at.caption)


def test_without_a_run_it_says_where_to_start(empty_workspace: Workspace) -> None:
    at = open_page()
    assert not at.exception
    assert "no finished run" in at.info[0].value


def test_run_waits_for_a_prompt(finished_run: Finished) -> None:
    at = open_page()
    assert not next(b for b in at.button if b.label == "Run").disabled, "an example is there"
    at.session_state["lab-how"] = "Type one"
    at.run()
    assert not at.exception
    assert next(b for b in at.button if b.label == "Run").disabled


def test_the_size_of_a_push_is_shown_beside_the_slider(finished_run: Finished) -> None:
    at = open_page(finished_run)
    at.slider[0].set_value(1.5).run()
    direction = finished_run.analysis.summary["direction"]
    share = 1.5 * direction["gap"] / direction["residual_norm"]
    assert f"Moves the margin at layer 1 by +3.0; {100 * share:.0f} % of its mean residual norm." in captions(at)


def test_three_columns_with_behaviour_score_and_tokens(finished_run: Finished) -> None:
    at = open_page(finished_run)
    at.slider[0].set_value(2.0).run()
    at = run(at)
    assert not at.exception
    # The prompt, then baseline, steered, control.
    assert [code.value for code in at.code][1:3] == [ANSWER, REFUSAL]
    assert len(at.code) == 4
    told = captions(at)
    assert "complied · refusal score" in told
    assert "refused · refusal score +" in told
    assert "(p = " in told
    assert "8 tokens, ended by itself" in told
    assert "a random direction of the same norm added" in told
    row = at.dataframe[0].value.iloc[0]
    assert (row["change"], row["baseline"], row["steered"]) == ("add +2.0 at layer 1", "complied", "refused")
    assert row["steered score"] > row["baseline score"]


def test_ablation_turns_a_refusal_into_an_answer(finished_run: Finished) -> None:
    at = open_page(finished_run, "harmful")
    at.session_state["lab-mode"] = "Ablate"
    at.session_state["lab-control"] = False
    at = run(at.run())
    assert not at.exception
    assert at.slider[0].disabled
    assert [code.value for code in at.code][1] == REFUSAL
    assert len(at.code) == 3
    assert "taken out of the residual stream at every layer" in captions(at)
    assert at.dataframe[0].value["change"].tolist() == ["ablate layer 1"]


def test_the_last_runs_stay_in_the_table_until_cleared(finished_run: Finished) -> None:
    at = open_page(finished_run)
    for strength in (0.5, 1.0):
        at.slider[0].set_value(strength).run()
        at = run(at)
    assert at.dataframe[0].value["change"].tolist() == ["add +1.0 at layer 1", "add +0.5 at layer 1"]
    next(b for b in at.button if b.label == "Clear comparisons").click().run()
    assert not at.dataframe


def test_a_model_that_fails_half_way_is_one_sentence_and_the_text_stays(
    finished_run: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: FakeLens, *args: Any, **kwargs: Any) -> Iterator[list[Reply]]:
        yield [Reply("Half a", 2, False)] * 3
        raise ModelError("embedded gave scores that are not numbers; use a smaller strength.")

    monkeypatch.setattr(FakeLens, "stream", broken)
    at = run(open_page(finished_run))
    assert not at.exception
    assert "use a smaller strength" in at.error[0].value
    at.run()
    assert [code.value for code in at.code][1:] == ["Half a"] * 3
    assert "stopped, not judged" in captions(at)


def test_a_closed_stream_closes_the_models(finished_run: Finished) -> None:
    closed = []

    class Watched(FakeLens):
        def stream(self, *args: Any, **kwargs: Any) -> Iterator[list[Reply]]:
            try:
                yield [Reply("One", 1, False), Reply("One", 1, False)]
                yield [Reply("One two", 2, False), Reply("One two", 2, False)]
            finally:
                closed.append(True)

    steps = stream_outcomes(Watched(), "Hello", variants(finished_run.analysis.direction, 1.0), ["Sorry"])  # type: ignore[arg-type]
    assert [outcome.text for outcome in next(steps)] == ["One", "One"]
    assert not closed
    steps.close()
    assert closed == [True]


def test_harmful_text_is_hidden_where_asked(finished_run: Finished) -> None:
    at = open_page(finished_run, "harmful")
    at.session_state["hide-harmful"] = True
    at = run(at.run())
    assert not at.exception
    assert len(at.code) == 4
    assert all("hidden" in code.value for code in at.code)
