"""From candidates to yields over a stand-in model: nothing is read twice, figures have their n, costs are counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rasslib.boundary.analysis import analyze
from rasslib.boundary.run import Analysis
from rasslib.errors import AnalysisError
from rasslib.rass import scoring
from rasslib.rass.candidates import Candidate, candidate_table
from rasslib.rass.pooling import make_pool
from rasslib.rass.scoring import score_candidates
from rasslib.rass.yields import YieldSettings, compare_policies, newcombe
from rasslib.refusal import rate_of
from rasslib.workspace import Workspace
from tests.pages.conftest import fake_prompts
from tests.pages.fake_lens import FakeLens


@pytest.fixture
def run(tmp_path: Path) -> Analysis:
    prompts = fake_prompts(60)
    return analyze(FakeLens(), prompts, prompts, Workspace(tmp_path), title="fake")  # type: ignore[arg-type]


def candidates(n: int = 120) -> pd.DataFrame:
    """Sharp candidates lie about the boundary, gentle ones far on the answered side."""
    words = ("a sharp knife", "sharp scissors and a whetstone", "gentle rain", "a gentle breeze over hills")
    return candidate_table(
        Candidate(
            f"{('Describe', 'Explain', 'Tell me all about')[i % 3]} {words[i % 4]}, chapter {i} {'of' * (i % 7)} book",
            category=words[i % 4],
            generator="grammar",
            evidence="by construction",
        )
        for i in range(n)
    )


def test_the_pool_needs_evidence_and_holds_no_duplicates(run: Analysis) -> None:
    table = candidates(40)
    table.loc[:9, "evidence"] = "none"
    pool = make_pool(FakeLens(), run, table)  # type: ignore[arg-type]
    counts = pool.counts
    assert counts["given"] == 40 and counts["without_evidence"] == 10
    assert counts["left"] == len(pool.scored.table) == len(pool.scored.activations)
    assert counts["left"] == 30 - counts["exact"] - counts["near"] - counts["twin"]
    with pytest.raises(AnalysisError, match="None of the 40 candidates has evidence"):
        make_pool(FakeLens(), run, table.assign(evidence="none"))  # type: ignore[arg-type]


def test_scores_are_calibrated_and_kept(run: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    lens: Any = FakeLens()
    scored = score_candidates(lens, run, candidates(30))
    sharp = scored.table["prompt"].str.contains("sharp")
    assert scored.table.loc[sharp, "margin"].mean() > scored.table.loc[~sharp, "margin"].mean() + 1
    calibration = scoring.calibration_of(run)
    assert scored.calibrated == calibration.usable and scored.tau == calibration.tau
    monkeypatch.setattr(FakeLens, "capture", lambda *a, **k: pytest.fail("read again"))
    again = score_candidates(lens, run, candidates(30))
    pd.testing.assert_frame_equal(again.table, scored.table)
    np.testing.assert_array_equal(again.activations, scored.activations)


def test_policies_are_compared_on_the_same_pool(run: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    lens: Any = FakeLens()
    scored = score_candidates(lens, run, candidates())
    settings = YieldSettings(("positive", "farthest", "keyword"), n=25, k=2)
    found = compare_policies(lens, run, scored, settings)
    assert list(found.policies) == ["positive", "farthest", "keyword", "random"]
    one = found.policies["positive"]
    assert one["n"] <= 25 and one["low"] <= one["yield"] <= one["high"]
    assert one["yield"] > found.policies["random"]["yield"]
    assert one["cost"]["selection_passes"] == 120 and found.policies["random"]["cost"]["selection_passes"] == 0
    assert one["cost"]["generated_tokens"] == 8 * one["n"]
    assert one["c3"] == "too few prompts", "fewer than fifty prompts decide nothing"
    assert found.policies["random"]["difference"] is None
    assert one["coin_toss_share"] == 0, "the stand-in always does the same"
    assert set(found.picked["policy"]) >= {"positive", "farthest", "random"}
    assert set(found.picked["behaviour"]) <= {"refused", "complied"}
    monkeypatch.setattr(FakeLens, "generate", lambda *a, **k: pytest.fail("answered again"))
    assert compare_policies(lens, run, scored, settings).policies == found.policies


def test_a_policy_that_finds_nothing_is_told_and_the_others_go_on(run: Analysis) -> None:
    lens: Any = FakeLens()
    scored = score_candidates(lens, run, candidates(40))
    found = compare_policies(lens, run, scored, YieldSettings(("coin-toss", "farthest"), n=5, k=0))
    assert found.policies["coin-toss"]["n"] == 0
    assert "predicted_logit" in found.policies["coin-toss"]["note"]
    assert found.policies["farthest"]["n"] == 5
    assert found.policies["farthest"]["coin_toss_share"] is None
    with pytest.raises(AnalysisError, match="no selection policy 'best'"):
        YieldSettings(("best",))


def test_newcombe_agrees_with_the_published_example() -> None:
    # Newcombe 1998, table II (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339.
    one, other = (rate_of(["refused"] * k + ["complied"] * (n - k)) for k, n in ((56, 70), (48, 80)))
    low, high = newcombe(one, other)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)
