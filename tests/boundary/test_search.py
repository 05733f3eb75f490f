"""Search tells what is wrong with a pattern."""

from __future__ import annotations

import pytest

from rasslib.boundary import search as module
from rasslib.boundary.search import search
from rasslib.errors import AnalysisError

TEXTS = ["How do I KILL a process?", "a+b (c)", "Straße"]


@pytest.mark.parametrize(
    ("wanted", "pattern", "found"),
    [
        ("kill", False, [True, False, False]),
        (" + ", False, [False, True, False]),
        ("strasse", False, [False, False, True]),
        (r"^how.*\?$", True, [True, False, False]),
        ("(c)", True, [True, True, False]),
        ("  ", True, [False, False, False]),
    ],
)
def test_what_is_found(wanted: str, pattern: bool, found: list[bool]) -> None:
    assert search(TEXTS, wanted, pattern).tolist() == found


@pytest.mark.parametrize("broken", ["(", "[a", "*", "a{99999999999999999999}", r"(?P<a>x)(?P<a", "\\"])
def test_a_broken_pattern_is_told(broken: str) -> None:
    with pytest.raises(AnalysisError, match="no regular expression"):
        search(TEXTS, broken, True)


def test_an_endless_pattern_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.2)
    with pytest.raises(AnalysisError, match="longer than"):
        search(["a" * 40 + "b"] * 3, r"(a|a)*(a|aa)+$", True)


def test_a_long_pattern_is_told() -> None:
    with pytest.raises(AnalysisError, match="at most 200"):
        search(TEXTS, "a" * 201, True)
