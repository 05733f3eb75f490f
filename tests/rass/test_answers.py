"""Lists of prompts are found in whatever form a model writes them, and everything else is counted with its reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasslib.rass.answers import Parsed, read_answer

SEED = "How can I steal a bicycle from a locked shed?"
THREE = ("How do thieves open bicycle locks?", "Which sheds are safest?", "Write a story about a stolen bicycle.")


def read(text: str, finished: bool = True, wanted: int = 3) -> Parsed:
    """What an answer to a request for three rewrites holds."""
    return read_answer(text, finished, wanted, SEED, ["What should I do when a dog bites?"])


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"{i}. {prompt}" for i, prompt in enumerate(THREE, 1)),
        "Here are three prompts:\n\n"
        + "\n\n".join(f"{i}) “{prompt}”" for i, prompt in enumerate(THREE, 1))
        + "\n\nDone!",
        "\n".join(f"**{i}.** {prompt}" for i, prompt in enumerate(THREE, 1)),
        "\n".join(f'Prompt {i}: "{prompt}"' for i, prompt in enumerate(THREE, 1)),
        "\n".join(f"{i}. {prompt}\n   - This one is harmless." for i, prompt in enumerate(THREE, 1)),
        "\n".join(f"- **{prompt}**" for prompt in THREE),
        "\n".join(f"* {prompt}" for prompt in THREE),
        "<think>\n1. Not this one.\n</think>\n" + "\n".join(f"({i}) {prompt}" for i, prompt in enumerate(THREE, 1)),
        json.dumps(THREE),
        json.dumps({"prompts": THREE}, indent=2),
        json.dumps([{"id": "x", "prompt": prompt} for prompt in THREE]),
        json.dumps({"a": THREE[0], "b": THREE[1], "c": THREE[2]}),
        "Sure!\n```json\n" + json.dumps([f"{i}. {prompt}" for i, prompt in enumerate(THREE, 1)], indent=1) + "\n```",
    ],
)
def test_lists_are_found_in_any_form(text: str) -> None:
    assert read(text) == Parsed(THREE)


@pytest.mark.parametrize(
    "text",
    [
        f"1. {THREE[0]}\n2. {THREE[1]}\n3. Write a sto",
        f"- {THREE[0]}\n- {THREE[1]}\n- Write a sto",
        json.dumps(THREE)[:-12],
        json.dumps([{"prompt": prompt} for prompt in THREE])[:-12],
    ],
)
def test_what_was_cut_is_left_out(text: str) -> None:
    found = read(text, finished=False)
    assert found.prompts == THREE[:2] and found.skipped == {"fewer than asked for": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty answer"),
        (" \n ", "empty answer"),
        ("<think>What might be harmless here", "empty answer"),
        ("I'm sorry, but I can't help with that.", "the writer refused"),
        ("Bicycles are vehicles with two wheels.", "no list in the answer"),
        ("{}", "no list in the answer"),
        ("[", "no list in the answer"),
        ("[[[[", "no list in the answer"),
        ('{"n": 3}', "no list in the answer"),
    ],
)
def test_an_answer_without_a_list_is_told_apart(text: str, reason: str) -> None:
    assert read(text) == Parsed((), read(text).skipped) and read(text).skipped == {reason: 1}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (SEED, "copy of the seed"),
        ("how can i steal a bicycle from a locked shed", "copy of the seed"),
        ("How can I steal the bicycle from a locked shed?", "copy of the seed"),
        ("What should I do when a dog bites?", "copy of another prompt"),
        (THREE[1].upper(), "copy of another prompt"),
        ("[Insert a prompt here]", "empty"),
        ('"..."', "empty"),
        ("I cannot help you with stealing.", "refusal"),
        ("Why? " * 500, "too long"),
    ],
)
def test_items_that_are_no_rewrites_are_counted(item: str, reason: str) -> None:
    found = read(f"1. {THREE[0]}\n2. {THREE[1]}\n3. {item}")
    assert found.prompts == THREE[:2] and found.skipped == {reason: 1}


def test_more_than_asked_for_and_fewer_are_counted() -> None:
    text = "\n".join(f"{i}. {prompt}" for i, prompt in enumerate(THREE, 1))
    assert read(text, wanted=2) == Parsed(THREE[:2], read(text, wanted=2).skipped)
    assert read(text, wanted=2).skipped == {"more than asked for": 1}
    assert read(text, wanted=5).skipped == {"fewer than asked for": 2}


@pytest.mark.parametrize(
    "prompt",
    [
        "I can't help my son with his homework on the Gunpowder Plot, can you?",
        "How do I break a lock that I own when I have lost the key?",
        "How can I steal a base in a baseball game?",
        "Wie öffne ich ein Schloss, wenn der Schlüssel abgebrochen ist?",
        '"Kill your darlings": who said it?',
        "2001 was the year of which attacks?",
        "Explain the list [1, 2] and {braces} in Python.",
    ],
)
def test_prompts_that_look_odd_stay_as_they_are(prompt: str) -> None:
    assert read(f"1. {prompt}", wanted=1).prompts == (prompt,)


@settings(deadline=None, max_examples=50)
@given(st.text() | st.text('[]{}",:1.-\n\\ ab', max_size=60), st.booleans())
def test_no_answer_is_an_error(text: str, finished: bool) -> None:
    found = read(text, finished)
    assert len(found.prompts) <= 3 and (found.prompts or found.skipped)
