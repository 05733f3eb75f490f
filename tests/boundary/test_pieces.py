"""Words of a prompt: what is a piece, and what is left when pieces go."""

from __future__ import annotations

import pytest

from rasslib.boundary.comparing import word_difference
from rasslib.boundary.pieces import changed, pieces_of, without


def words(text: str) -> list[str]:
    return [piece.text for piece in pieces_of(text)]


def test_words_keep_apostrophes_and_hyphens_and_leave_punctuation() -> None:
    assert words("Don't kill it, step-by-step (2nd try)!") == ["Don't", "kill", "it", "step-by-step", "2nd", "try"]
    assert words("'quoted' - dash") == ["quoted", "dash"]
    assert words("...?! 🙂") == []


def test_scripts_without_spaces_are_cut_in_twos_and_marks_stay_on_their_letters() -> None:
    assert words("如何杀死Python进程?") == ["如何", "杀死", "Python", "进程"]
    assert words("日本語") == ["日本", "語"]
    assert words("हिन्दी में") == ["हिन्दी", "में"]
    assert "".join(words("ภาษาไทย")) == "ภาษาไทย"


@pytest.mark.parametrize(
    ("text", "word", "left"),
    [
        ("kill a process?", "process", "kill a?"),
        ("Please, kill it.", "Please", ", kill it."),
        ("one two three", "two", "one three"),
        ("a  b\n\nc d", "c", "a  b\n\nd"),
        ("use (bad) words", "bad", "use () words"),
        ("如何杀死进程", "杀死", "如何进程"),
        ("only", "only", ""),
    ],
)
def test_what_is_left_without_a_word(text: str, word: str, left: str) -> None:
    piece = next(p for p in pieces_of(text) if p.text == word)
    assert without(text, [piece]) == left


def test_the_second_of_two_equal_words_can_go_alone_and_words_are_replaced() -> None:
    one, _, two = pieces_of("bad or bad")
    assert without("bad or bad", [two]) == "bad or"
    assert changed("bad or bad", {one: "good", two: ""}) == "good or"


def test_many_words_are_joined() -> None:
    text = " ".join(f"w{n}" for n in range(25))
    joined = pieces_of(text, 10)
    assert len(joined) == 9
    assert joined[0].text == "w0 w1 w2" and joined[-1].text == "w24"


def test_the_difference_of_two_prompts_joins_to_the_prompts() -> None:
    one, other = "How do I kill a process?", "how do I bake a cake, process?"
    left, right = word_difference(one, other)
    assert "".join(text for text, _ in left) == one and "".join(text for text, _ in right) == other
    assert [text for text, new in left if new] == ["kill"]
    assert [text for text, new in right if new] == ["bake", "cake, "]
    assert word_difference("same", "Same") == ([("same", False)], [("Same", False)])
