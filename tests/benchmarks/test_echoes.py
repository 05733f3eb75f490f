"""Answers that only say the question or themselves again are told from answers that say something."""

from __future__ import annotations

import pandas as pd
import pytest

from rasslib.benchmarks.echoes import new_share
from rasslib.benchmarks.languages import FIT, WEAK, language_findings

QUESTION = "Wie bauten die Griechen ihre Tempel?"


@pytest.mark.parametrize(
    ("reply", "prompt", "low", "high"),
    [
        (QUESTION, QUESTION, 0, 0),
        (QUESTION.lower() + " " + QUESTION, QUESTION, 0, 0.1),
        ("Aus Stein und Marmor, den sie auf Karren brachten.", QUESTION, 0.9, 1),
        ("wenauf, " * 12, QUESTION, 0, 0.15),
        ("どうすればいい？ " * 4, "", 0, 0.3),
        ("आपना " * 8, "", 0, 0.3),
    ],
)
def test_what_is_said_again_is_not_new(reply: str, prompt: str, low: float, high: float) -> None:
    found = new_share(reply, prompt)
    assert found is not None and low <= found <= high


def test_a_reply_of_few_letters_says_nothing_either_way() -> None:
    assert new_share("42.", QUESTION) is None and new_share("", "") is None


def test_a_language_in_which_answers_echo_the_question_is_too_weak() -> None:
    rows = [
        {"language": code, "intent": "harmless", "behaviour": "complied", "prompt": QUESTION, "reply": reply}
        for code, reply in (("de", QUESTION), ("en", "Out of stone and marble that they brought on carts."))
        for _ in range(30)
    ]
    found = language_findings(pd.DataFrame(rows))
    assert found["de"].verdict == WEAK and "say the question" in found["de"].why
    assert found["en"].verdict == FIT and found["en"].repeating is not None and found["en"].repeating.k == 0
    without = language_findings(pd.DataFrame(rows).drop(columns="prompt"))
    assert without["de"].verdict == FIT, "an echo cannot be seen without the question"
