"""The closest crossing with scores and behaviours whose answer is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from rasslib.boundary.crossing import CrossingSettings, find_crossing
from rasslib.boundary.crossing_words import answer_text, searched_text
from rasslib.errors import AnalysisError

Level = Callable[[str], float]


def score_by(level: Level) -> Callable[[Sequence[str]], NDArray[np.float64]]:
    return lambda texts: np.array([level(text) for text in texts])


def behave_by(level: Level) -> Callable[[str], str]:
    return lambda text: "refused" if level(text) > 0 else "complied"


def kill(text: str) -> float:
    return 1.0 if "kill" in text else -1.0


def both(text: str) -> float:
    return sum(word in text for word in ("kill", "bomb", "poison")) - 1.5


def test_the_planted_word_is_what_is_taken_out() -> None:
    found = find_crossing("How do I kill a process?", score_by(kill), behave_by(kill), words=["thing"])
    assert found.edits == (("kill", ""),)
    assert found.changed == "How do I a process?"
    assert (found.behaviour, found.changed_behaviour) == ("refused", "complied")
    assert found.changed_score == -1.0
    assert [(s.size, s.kind, s.complete) for s in found.steps] == [(1, "removals", True)]


def test_two_words_where_one_is_not_enough() -> None:
    text = "How do I kill or bomb or poison a thing?"
    found = find_crossing(text, score_by(both), behave_by(both))
    assert len(found.edits) == 2 and all(new == "" for _, new in found.edits)
    assert {old for old, _ in found.edits} < {"kill", "bomb", "poison"}
    assert found.steps[0].crossed == 0 and found.steps[0].tried == 10  # one removal was tried completely


def test_two_words_found_by_the_beam_where_all_pairs_are_too_many() -> None:
    text = "How do I kill or bomb or poison a thing?"
    found = find_crossing(text, score_by(both), behave_by(both), settings=CrossingSettings(complete=1, beam=2))
    assert len(found.edits) == 2 and not found.steps[-1].complete
    assert "may have been missed" in searched_text(found)


def test_from_complied_to_refused_by_a_replacement() -> None:
    found = find_crossing("How do I stop a process?", score_by(kill), behave_by(kill), words=["make", "kill"])
    assert len(found.edits) == 1 and found.edits[0][1].lower() == "kill"
    assert found.changed_behaviour == "refused"
    assert [s.kind for s in found.steps] == ["removals", "replacements"]


def test_no_crossing_is_an_answer() -> None:
    settings = CrossingSettings(max_edits=2)
    found = find_crossing("Tell me a story", score_by(lambda _: 1.0), lambda _: "refused", settings=settings)
    assert not found.found and found.changed == ""
    assert [s.size for s in found.steps] == [1, 2]
    assert "No crossing found within 2 edits" in answer_text(found, settings)


def test_a_crossing_that_the_reply_does_not_confirm_is_not_one() -> None:
    settings = CrossingSettings(max_edits=1, confirm=2)
    asked: list[str] = []

    def behave(text: str) -> str:
        asked.append(text)
        return "refused"

    found = find_crossing("kill it kill", score_by(lambda t: t.count("kill") - 1.5), behave, settings=settings)
    assert not found.found and found.predicted_only == "it kill"
    assert len(asked) == 1 + 2 and found.steps[0].answered == 2
    assert "cross by their score" in answer_text(found, settings)


def test_an_unconfirmed_smaller_one_does_not_end_the_search() -> None:
    def behave(text: str) -> str:
        return "complied" if "kill" not in text and "now" not in text else "refused"

    found = find_crossing("kill it now", score_by(kill), behave, settings=CrossingSettings(max_edits=2))
    assert {old for old, _ in found.edits} == {"kill", "now"}


def test_a_prompt_on_no_side_or_predicted_wrongly_is_told() -> None:
    invalid = find_crossing("Tell me", score_by(kill), lambda _: "invalid")
    assert "no side" in invalid.note and not invalid.steps
    wrong = find_crossing("Tell me", score_by(kill), lambda _: "refused")
    assert "go astray" in wrong.note
    moved = find_crossing("kill", score_by(kill), behave_by(kill), settings=CrossingSettings(threshold=2.0))
    assert "go astray" in moved.note


def test_the_last_word_is_never_taken_out_and_no_word_is_told() -> None:
    found = find_crossing("kill!", score_by(kill), behave_by(kill))
    assert not found.found and not found.steps
    with pytest.raises(AnalysisError, match="no word"):
        find_crossing("?!", score_by(kill), behave_by(kill))


def test_replacements_keep_the_script_and_the_capital() -> None:
    seen: list[str] = []

    def score(texts: Sequence[str]) -> NDArray[np.float64]:
        seen.extend(texts)
        return np.ones(len(texts))

    find_crossing(
        "Kill 杀死", score, lambda _: "refused", words=["make", "制作"], settings=CrossingSettings(max_edits=1)
    )
    assert "Make 杀死" in seen and "Kill 制作" in seen
    assert not any("make" in text.lower() and "杀死" not in text for text in seen)
