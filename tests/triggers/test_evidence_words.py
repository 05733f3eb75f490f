"""Evidence in words, tables and charts: every number with n and interval, missing ones said, texts escaped."""

from __future__ import annotations

import math

import pytest

from pages.parts.triggers import charts
from rasslib.boundary.statistics import Interval
from rasslib.refusal.rates import rate_of
from rasslib.triggers.evidence import Arm, Behavioural, Box, Causal, Difference, Nearness, Representational, Swap, Trend
from rasslib.triggers.evidence_words import (
    difference_text,
    level_table,
    nearness_table,
    p_text,
    rate_text,
    rows_of,
    swap_table,
    swap_text,
    trend_text,
)
from rasslib.triggers.lexicon import Entry, Lexicon, LexiconSettings
from rasslib.triggers.lexicon_view import CUES, TRIGGERS, entries_of, entry_table, lexicon_text

HALF = rate_of(["refused", "complied"] * 10)
NONE = rate_of(["invalid"])
MORE = Difference(20, 0.25, 0.1, 0.4)
NAN = float("nan")


def arm(name: str, base: bool) -> Arm:
    trend = Trend(-2.1, 0.03, -0.05, 0.0004, 80)
    levels = (HALF, HALF, HALF, NONE)
    if base:
        return Arm(name, "k", levels, HALF, trend, {})
    return Arm(name, "k", levels, HALF, trend, {}, (MORE,) * 4, Trend(NAN, NAN, 0.01, 0.5, 80))


def near(k: int, anchors: str) -> Nearness:
    box = Box(9, 0.1, 0.2, 0.3, 0.4, 0.5)
    auc = Interval(0.8, 0.7, 0.9, 9, 9)
    return Nearness("last_template", anchors, k, False, box, box, auc, auc, 0.002, auc)


def entry(phrase: str, low: float, cue: bool, words: int = 1) -> Entry:
    return Entry(phrase, words, 5, 2, 3, 4, 5, 5, low + 1, low, low + 2, 0.1, 0.0, 0.15, cue, (f"Tell me {phrase}.",))


BEHAVIOURAL = Behavioural((arm("base", True), arm("<b>tuned</b>", False)), ("test",), 20, 32)
REPRESENTATIONAL = Representational(
    tuple(near(k, anchors) for anchors in ("trigger", "control") for k in (10, 5)),
    (("last_template", 5, False, MORE),), 50, (9, 10), Interval(0.6, 0.5, 0.7, 9, 9), {},
)  # fmt: skip
ROW = {"id": "p1", "phrase": "kill", "before_text": "=a"}
SWAP = Swap("insertion", 20, HALF, HALF, HALF, MORE, MORE, MORE, 0.0001, (MORE, MORE), (ROW,))


def test_numbers_come_with_n_and_interval_and_missing_ones_are_said() -> None:
    assert rate_text(HALF) == "50 % (30–70 %; 10 of 20)"
    assert rate_text(NONE) == "no reply could be judged"
    assert difference_text(MORE) == "+25 points (+10 … +40; n = 20)"
    assert difference_text(Difference(0, NAN, NAN, NAN)) == "nothing to compare"
    assert [p_text(p) for p in (0.0001, 0.03, NAN)] == ["p < 0.001", "p = 0.030", "no p-value"]


def test_levels_are_told_with_the_difference_from_the_base() -> None:
    table = level_table(BEHAVIOURAL)
    assert len(table) == 10 and table["against_base"].tolist()[:6] == [""] * 6
    assert table["against_base"].tolist()[6:] == [difference_text(MORE)] * 4
    base, tuned = (trend_text(one) for one in BEHAVIOURAL.arms)
    assert "-5.0 points per level (p < 0.001 within prompts, p = 0.030 by Cochran–Armitage; n = 80)" in base
    assert "Net of the base model: +1.0 points" in tuned and "Net" not in base


def test_nearness_stands_beside_its_control() -> None:
    assert [row.k for row in rows_of(REPRESENTATIONAL, "last_template", "trigger", False)] == [5, 10]
    table = nearness_table(REPRESENTATIONAL)
    assert table["k"].tolist() == [10, 5] and set(table["auc_control"]) == {"0.800 (0.700–0.900)"}
    assert table["beyond_control"].tolist() == ["", "+0.250 (+0.100 … +0.400)"]


def test_swaps_name_their_control() -> None:
    told = swap_text(SWAP)
    assert "in the control" in told and "p < 0.001 (exact McNemar)" in told
    assert swap_table(Causal(SWAP, None, ("kill",))).to_dict("records") == [{"kind": "insertion", **ROW}]
    assert swap_table(Causal(None, None, ())).empty


def test_charts_hold_intervals_and_no_foreign_tags() -> None:
    levels = charts.level_rates(BEHAVIOURAL)
    assert [bar.name for bar in levels.data] == ["base", "&lt;b&gt;tuned&lt;/b&gt;"]
    assert levels.data[0].error_y.array[0] == pytest.approx(100 * (HALF.high - HALF.rate))
    boxes = charts.nearness_boxes(rows_of(REPRESENTATIONAL, "last_template", "trigger", False))
    assert list(boxes.data[0].x) == ["k = 5", "k = 10"] and boxes.data[0].q1[0] == 0.2
    assert [bar.name for bar in charts.swap_rates(Causal(SWAP, None, ())).data] == [
        "before",
        "trigger",
        "phrase without effect",
    ]
    bars = charts.lexicon_bars([entry("<b>kill</b>", 0.5, True), entry("<b>kill</b> " + "x" * 99, -1.0, False)])
    assert "<b>" not in str(bars.to_plotly_json()["data"]) and len(bars.data) == 2


def test_the_lexicon_is_searched_and_narrowed() -> None:
    entries = (entry("kill", 0.5, True), entry("how to", 0.2, False, 2), entry("the", -1.0, False))
    lexicon = Lexicon(entries, 30, 10, 29, 99, "r", "m", 2, LexiconSettings())
    names = lambda *given: [one.phrase for one in entries_of(lexicon, *given)]  # noqa: E731
    assert names() == ["kill", "how to", "the"] and names(TRIGGERS) == ["kill", "how to"] and names(CUES) == ["kill"]
    assert names("all", "TELL  me how") == ["how to"] and names("all", "", [1]) == ["kill", "the"]
    assert names("all", "", [], 6) == []
    table = entry_table(entries)
    assert table["interval"][0] == "+0.50 … +2.50" and table["refused"][0] == "4 of 5"
    assert entry_table([]).empty and "2 triggers, 1 of them benign cues" in lexicon_text(lexicon)
    assert math.isclose(table["change"][1], 1.2)
