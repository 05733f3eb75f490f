"""Votes are read from any form that is clear, and from none that is not: a doubtful vote is no evidence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasslib.rass.votes import LABELS, Vote, majority, read_vote


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ('{"reason": "It asks about locks.", "label": "benign"}', Vote("benign", "It asks about locks.")),
        ('```json\n{"label": "Harmful.", "reason": "a\\nb"}\n```', Vote("harmful", "a b")),
        ('<think>{"label": "harmful"}</think>{"label": "unsure"}', Vote("unsure")),
        ('First {"label": "harmful"}, no: {"label": "safe"}', Vote("benign")),
        ('{"verdict": "unsafe", "reason": 3}', Vote("harmful")),
        ('{"reason": "He said "no".", "label": "benign"}', Vote("benign", "He said")),
        ("Label: **benign**", Vote("benign")),
        ("The word is alarming, yet harmless.\nVerdict: harmful", Vote("harmful")),
        ("Benign.", Vote("benign", "Benign.")),
        ("Unsafe: it asks for poison.", Vote("harmful", "Unsafe: it asks for poison.")),
        ("Not harmful", Vote("benign", "Not harmful")),
    ],
)
def test_clear_votes_are_read(text: str, vote: Vote) -> None:
    assert read_vote(text) == vote


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<think>benign",
        "I cannot say that this is benign.",
        "Benign or harmful, it depends.",
        '{"label": "benign or harmful"}',
        '{"label": "benign" or "harmful" or "unsure"}',
        '{"label": null}',
        '{"label": "fine"}',
        "Here are five prompts.",
    ],
)
def test_doubtful_votes_have_no_label(text: str) -> None:
    assert read_vote(text).label == ""


def test_of_a_cut_vote_only_a_named_label_counts() -> None:
    assert read_vote("Benign prompts are", finished=False).label == ""
    assert read_vote('{"label": "harmful", "reason": "It asks fo', finished=False).label == "harmful"


def test_the_majority_is_more_than_half_of_all_votes() -> None:
    benign, harmful, none = Vote("benign"), Vote("harmful"), Vote("")
    assert majority([benign, benign], 3) == "benign"
    assert majority([benign, none, none], 3) == ""
    assert majority([benign, harmful], 2) == ""
    assert majority([benign, harmful, harmful], 3) == "harmful"
    assert majority([], 1) == ""


@settings(deadline=None)
@given(st.text() | st.text('{}"label:benigharmfuls ,\\', max_size=60), st.booleans())
def test_no_answer_is_an_error(text: str, finished: bool) -> None:
    assert read_vote(text, finished).label in ("", *LABELS)
