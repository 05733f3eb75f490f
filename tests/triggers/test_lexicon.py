"""The lexicon of a planted run: planted triggers first, benign cues told from harm, saved, resumed, bad input named."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from rasslib.boundary.run import Analysis
from rasslib.boundary.statistics import mean_interval
from rasslib.errors import AnalysisError, Stopped
from rasslib.triggers.intervals import mean_difference, rate_difference
from rasslib.triggers.lexicon import LEXICON_COLUMNS, LexiconSettings
from rasslib.triggers.lexicon_building import build_lexicon, saved_lexicon
from rasslib.triggers.occurrences import drawn, find_phrases, left_without
from rasslib.workspace import Workspace
from tests.triggers.runs import planted_run


@pytest.fixture
def run(planted: Any, workspace: Workspace) -> Analysis:
    """A finished run of the planted lens."""
    return planted_run(planted, workspace)


def test_planted_triggers_come_first_and_benign_cues_are_told_from_harm(planted: Any, run: Analysis) -> None:
    assert saved_lexicon(run) is None
    found = build_lexicon(planted, run)
    by_name = {entry.phrase: entry for entry in found.entries}
    assert "bomb" in found.entries[0].phrase
    assert [e.phrase for e in found.entries if e.words == 1][:3] == ["bomb", "kill", "shoot"]
    kill, bomb, tell = by_name["kill"], by_name["bomb"], by_name["tell"]
    assert kill.change == pytest.approx(6, abs=0.05) and kill.low > 5.9
    assert (kill.n, kill.harmful, kill.benign, kill.refused, kill.measured) == (6, 0, 6, 6, 6)
    assert kill.benign_cue and not bomb.benign_cue and not tell.benign_cue
    assert bomb.intent_low > 1 and abs(tell.change) < 0.05
    assert {e.phrase for e in found.benign_cues} <= {e.phrase for e in found.triggers}
    assert all("kill" in example for example in kill.examples) and len(kill.examples) == 3
    assert found.n_prompts == 36 and found.n_refused == 24
    assert tuple(found.table().columns) == LEXICON_COLUMNS and len(found.table()) == len(found.entries)
    assert saved_lexicon(run) == found


def test_nothing_is_read_twice_and_a_stop_keeps_what_was_read(planted: Any, run: Analysis, monkeypatch: Any) -> None:
    class Impatient:
        def update(self, stage: str, done: int, total: int) -> None:
            raise Stopped()

    monkeypatch.setattr("rasslib.triggers.readings.CHUNK", 16)
    planted.read.clear()
    with pytest.raises(Stopped):
        build_lexicon(planted, run, progress=Impatient())
    assert len(planted.read) == 16
    found = build_lexicon(planted, run)
    assert len(planted.read) == len(set(planted.read)) <= found.passes
    planted.read.clear()
    assert build_lexicon(planted, run) == found and not planted.read


def test_frequent_phrases_are_measured_on_a_draw(planted: Any, run: Analysis) -> None:
    found = build_lexicon(planted, run, LexiconSettings(most_measured=4, longest=1, least=6))
    assert max(entry.measured for entry in found.entries) == 4
    assert any("measured on 4" in note for note in found.notes) and {e.words for e in found.entries} == {1}
    ids = [f"p{i}" for i in range(50)]
    assert drawn(ids, "kill", 5, 0) == drawn(ids, "kill", 5, 0) != drawn(ids, "kill", 5, 1)


def test_bad_input(planted: Any, run: Analysis) -> None:
    calm = dataclasses.replace(run, prompts=run.prompts.assign(behaviour="complied"))
    with pytest.raises(AnalysisError, match="refused none of the prompts"):
        build_lexicon(planted, calm)
    with pytest.raises(AnalysisError, match="No phrase stands in 99"):
        build_lexicon(planted, run, LexiconSettings(least=99))
    with pytest.raises(AnalysisError, match="no prompts in split"):
        build_lexicon(planted, run, LexiconSettings(intents=("unlabelled",)))
    with pytest.raises(AnalysisError, match="1 to 3 words"):
        build_lexicon(planted, run, LexiconSettings(longest=4))


def test_prompts_of_one_word_lose_nothing() -> None:
    (one,) = [p for p in find_phrases(["Rain", "Rain again, rain!"], 1, 2) if p.name == "rain"]
    assert left_without("Rain", one.places[0]) == ""
    assert left_without("Rain again, rain!", one.places[1]) == "again,!"


def test_intervals() -> None:
    x = np.random.default_rng(0).normal(1, 2, 400)
    mean, low, high = mean_interval(x)
    assert low < mean < high and high - low == pytest.approx(4 * 1.96 * x.std() / 20 / 2, rel=0.1)
    assert np.isnan(mean_interval([1.0])[1]) and np.isnan(mean_interval([])[0])
    change = mean_difference([2.0, 3.0, 1.0], [1.0, 1.0, 1.0])
    assert (change.n, change.value) == (3, 1.0) and change.low < 0 < change.high  # three prompts tell little


def test_three_prompts_rarely_make_a_trigger_by_chance() -> None:
    draw = np.random.default_rng(1)
    share = np.mean([mean_interval(draw.normal(size=3))[1] > 0 for _ in range(4000)])
    assert 0.015 < share < 0.035  # 2.5 %; a bootstrap of three has about 12 %


def test_intervals_of_paired_rates() -> None:
    from statsmodels.stats.proportion import confint_proportions_2indep

    pairs = [(1, 1)] * 10 + [(1, 0)] * 20 + [(0, 1)] * 10 + [(0, 0)] * 20  # not correlated: as if independent
    after, before = zip(*pairs, strict=True)
    found = rate_difference(after, before)
    low, high = confint_proportions_2indep(30, 60, 20, 60, method="newcomb")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    same = rate_difference([1] * 30 + [0] * 30, [1] * 25 + [0] * 35)
    assert same.high - same.low < 0.6 * (high - low)  # pairs that agree tell more
    every = rate_difference([1] * 63, [0] * 63)
    assert every.value == 1 and 0.9 < every.low < 0.95 and every.high == 1
    assert rate_difference([0] * 9, [0] * 9).low < 0 and np.isnan(rate_difference([], []).value)
