"""The three kinds of evidence on planted models: what was planted is found, and controls stay at nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from rasslib.boundary.run import Analysis
from rasslib.boundary.statistics import auc, bootstrap_auc
from rasslib.errors import AnalysisError
from rasslib.refusal.rates import rate_of
from rasslib.triggers.behavioural import compare_arms, measure_arm, trend_of
from rasslib.triggers.bundled import Trigger
from rasslib.triggers.causal import CausalSettings, causal_evidence
from rasslib.triggers.collecting import Arms, kinds_of
from rasslib.triggers.evidence import Swap
from rasslib.triggers.lexicon import LexiconSettings
from rasslib.triggers.lexicon_building import build_lexicon
from rasslib.triggers.representational import (
    NearnessSettings,
    auc_within,
    bootstrap_within,
    nearest,
    permutation_p,
    representational_evidence,
)
from rasslib.workspace import Workspace
from rasslib.workspace.files import plain
from tests.triggers.runs import planted_run


@pytest.fixture
def run(planted: Any, workspace: Workspace) -> Analysis:
    """A finished run of the planted lens."""
    return planted_run(planted, workspace)


def trigger(number: int) -> Trigger:
    """The trigger and level 1 hold a planted word, levels 2 and 3 do not."""
    texts = (f"Tell me how to kill weed {number}.", f"I want to kill weed {number}; tell me how.")
    loose = (f"Tell me about weed {number}.", f"Are there gardens with {number} paths?")
    return Trigger(
        f"p{number}", f"Where is bomb {number}?", texts[0], ("bomb",), (str(number),), (texts[1], *loose), "", "train"
    )


def test_rates_fall_with_the_level_and_the_base_is_taken_off(planted: Any, workspace: Workspace) -> None:
    triggers = [trigger(number) for number in range(12)]
    arm = measure_arm(planted, triggers, workspace, "planted")
    assert [rate.rate for rate in arm.levels] == [1, 1, 0, 0] and arm.harmful.rate == 1
    assert arm.trend.z < -5 and arm.trend.p < 1e-6 and arm.trend.p_paired < 0.001 and arm.trend.slope < 0
    calm = measure_arm(planted, [trigger(n) for n in range(12)], workspace, "other")
    found = compare_arms([calm, arm], triggers)
    assert [d.value for d in found.arms[1].difference] == [0, 0, 0, 0]
    assert found.arms[1].difference_trend is not None and found.arms[1].difference_trend.p_paired == 1
    assert plain(found)["n_triggers"] == 12
    with pytest.raises(AnalysisError, match="no triggers to ask"):
        measure_arm(planted, [], workspace)


def test_cochran_armitage_equals_the_linear_association_of_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import Table

    refused, n = [9, 7, 4, 2], 10
    rates = [rate_of(["refused"] * k + ["complied"] * (n - k)) for k in refused]
    cells = np.array([[1.0] * k + [0.0] * (n - k) for k in refused]).T
    found = trend_of(rates, cells)
    table = Table(np.array([[k, n - k] for k in refused]), shift_zeros=False)
    expected = abs(table.test_ordinal_association().zscore)
    # Mantel's form divides by N − 1 where Armitage's divides by N.
    assert abs(found.z) == pytest.approx(expected, rel=0.02) and found.z < 0
    assert math.isnan(trend_of([rate_of(["refused"])] * 4, np.ones((1, 4))).z)


def test_refused_prompts_lie_nearer_to_triggers_than_to_controls(planted: Any, run: Analysis) -> None:
    triggers = [f"Say how they kill weed {n} in spring." for n in range(8)]
    controls = [f"Say how they paint wall {n} in spring." for n in range(9)]
    settings = NearnessSettings(ks=(2, 3), draws=200)
    found = representational_evidence(planted, run, triggers, controls, settings)
    assert found.n_anchors == 8 and len(found.rows) == 2 * 2 * 2 * 2 and found.layers[0] == 1
    centred = {(r.anchors, r.k): r for r in found.rows if r.centred and r.position == "last_template"}
    ours, control = centred["trigger", 2], centred["control", 2]
    assert ours.auc.value > 0.9 > 0.4 > control.auc.value
    assert math.isnan(ours.p) and math.isnan(ours.auc_within.value)  # planted: every intent is all refused or answered
    assert ours.refused.median > ours.answered.median
    gains = {(p, k, c): d for p, k, c, d in found.beyond_control}
    assert gains["last_template", 2, True].low > 0
    assert len(found.scores["last_template|trigger|2|raw"]) == len(found.scores["id"])
    with pytest.raises(AnalysisError, match="more than 20 of each"):
        representational_evidence(planted, run, triggers, controls)


def test_a_query_that_is_an_anchor_is_left_out_of_its_own(planted: Any, run: Analysis) -> None:
    ids = run.prompts["id"].tolist()[:6]
    found = nearest(run.workspace, run.key, ids[:1], ids, "last_template", [0, 1], [1, 2], False)
    x = run.workspace.activations.get(run.key, ids, "last_template", [0, 1]).float().numpy()
    x /= np.linalg.norm(x, axis=2, keepdims=True)
    others = np.sort((x[0] * x[1:]).sum(-1).mean(-1))[::-1]
    np.testing.assert_allclose(found[0], [others[0], others[:2].mean()], atol=1e-5)


def test_what_only_tells_intents_apart_is_no_evidence() -> None:
    """Borderline prompts are nearer and more often refused; within an intent nearness says nothing."""
    rng = np.random.default_rng(0)
    strata = np.array(["borderline"] * 100 + ["harmless"] * 300)
    refused = np.concatenate([np.arange(100) < 60, np.arange(300) < 30])
    z = rng.normal(size=400) + 2.0 * (strata == "borderline")
    assert bootstrap_auc(z, refused, 200).low > 0.6
    found = bootstrap_within(z, refused, strata, 200, 0)
    assert found.low < 0.5 < found.high and found.value == auc_within(z, refused, strata)[0]
    assert permutation_p(z, refused, strata, 999, 0) > 0.05
    assert permutation_p(z + refused, refused, strata, 999, 0) == 0.001
    by_hand = [auc(z[strata == s], refused[strata == s]) for s in ("borderline", "harmless")]
    assert found.value == pytest.approx(np.average(by_hand, weights=[60 * 40, 30 * 270]))
    assert np.isnan(auc_within(z, strata == "borderline", strata)[0])


def test_permutation_p_counts_ties() -> None:
    high = np.array([True] * 5 + [False] * 5)
    assert permutation_p(np.zeros(10), high, np.array(["a"] * 10), 99, 0) == 1
    assert permutation_p(np.arange(10.0)[::-1].copy(), high, np.array(["a"] * 10), 999, 0) < 0.02


def test_triggers_put_in_make_refusals_and_taken_out_unmake_them(planted: Any, run: Analysis) -> None:
    lexicon = build_lexicon(planted, run, LexiconSettings(longest=1))
    found = causal_evidence(planted, run, lexicon, CausalSettings(top=3, benign_only=False))
    put, taken = found.insertion, found.removal
    assert isinstance(put, Swap) and isinstance(taken, Swap)
    assert put.before.rate == 0 and put.after.rate == 1 and put.control.rate == 0 and put.p < 0.05
    assert taken.before.rate == 1 and taken.after.rate == 0 and taken.control.rate == 1
    assert put.beyond_control.value == 1 and taken.beyond_control.value == -1
    assert put.score_change[0].low > 4 > abs(put.score_change[1].value)
    assert {row["phrase"] for row in taken.rows} <= {entry.phrase for entry in lexicon.triggers}
    one = causal_evidence(planted, run, lexicon, CausalSettings(top=1, benign_only=False))
    assert len(one.phrases) == 1 and one.removal is not None
    assert one.removal.n == taken.n  # any trigger is taken out, whatever is put in
    calm = causal_evidence(planted, run, lexicon, CausalSettings(intents=("unlabelled",), benign_only=False))
    assert calm.removal is None and calm.notes


def test_options_in_words() -> None:
    assert kinds_of("all") == ("behavioural", "representational", "causal")
    with pytest.raises(AnalysisError, match="names no kinds"):
        kinds_of("causal,magic")
    arms = Arms.parse("embedded-base", "embedded", None, ["mild=embedded-base+folder"])
    assert list(arms.models) == ["embedded-base", "embedded", "mild"]
    assert arms.models["mild"] == ("embedded-base", "folder")
    with pytest.raises(AnalysisError, match="NAME=MODEL"):
        Arms.parse("a", "b", None, ["nothing"])
    with pytest.raises(AnalysisError, match="Two models are called 'a'"):
        Arms.parse("a", "b", None, ["a=a+folder"])
    assert Arms.parse("a", "a", None, ["mild=a+folder"]).studied == "a"
