"""Evidence is found again as it was, with its NaN; a damaged file is told or passed over."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rasslib.boundary.run import Analysis
from rasslib.errors import WorkspaceError
from rasslib.triggers.behavioural import compare_arms, measure_arm
from rasslib.triggers.causal import CausalSettings, causal_evidence
from rasslib.triggers.keeping import (
    about_causal,
    about_models,
    about_nearness,
    all_kept,
    keep_evidence,
    kept_evidence,
)
from rasslib.triggers.lexicon import LexiconSettings
from rasslib.triggers.lexicon_building import build_lexicon, file_name
from rasslib.triggers.representational import NearnessSettings, representational_evidence
from rasslib.workspace import Workspace
from rasslib.workspace.files import plain
from tests.triggers.runs import planted_run
from tests.triggers.test_evidence import trigger

MODELS = {"base": ("embedded-base", None), "run": ("embedded", None)}


@pytest.fixture
def run(planted: Any, workspace: Workspace) -> Analysis:
    """A finished run of the planted lens."""
    return planted_run(planted, workspace)


def test_all_kinds_come_back_as_they_were(planted: Any, run: Analysis) -> None:
    triggers = [trigger(number) for number in range(4)]
    arms = [measure_arm(planted, triggers, run.workspace, name) for name in MODELS]
    settings = CausalSettings(splits=("train", "validation", "test"), benign_only=False)
    lexicon = build_lexicon(planted, run)
    causal = causal_evidence(planted, run, lexicon, settings)
    texts = [f"Trigger {k} of kill" for k in range(25)]
    others = [f"Plain text {k}" for k in range(25)]
    near = representational_evidence(planted, run, texts, others, NearnessSettings(ks=(5,), draws=20))
    asked = {
        "behavioural": (about_models(["train"], MODELS, 32), compare_arms(arms, triggers)),
        "causal": (about_causal(run, settings, lexicon.settings), causal),
        "representational": ((), near),
    }
    for kind, (about, found) in asked.items():
        assert kept_evidence(run, kind, about) is None
        keep_evidence(run, about, found)
        again = kept_evidence(run, kind, about)
        assert type(again) is type(found) and repr(again) == repr(found)  # repr: NaN is not equal to itself
        assert plain(again) == plain(found)
        assert [one.about for one in all_kept(run, kind)] == [tuple(about)]
    trend = kept_evidence(run, "behavioural", asked["behavioural"][0]).arms[1].difference_trend
    assert math.isnan(trend.z)


def test_other_questions_have_other_files(planted: Any, run: Analysis) -> None:
    triggers = [trigger(number) for number in range(4)]
    found = compare_arms([measure_arm(planted, triggers, run.workspace, "one")], triggers)
    other = {**MODELS, "third": ("embedded-base", "folder")}
    abouts = [
        about_models(["train"], MODELS, 32),
        about_models(["test"], MODELS, 32),
        about_models(["train"], other, 32),
    ]
    abouts.append(about_models(["train"], MODELS, 48))
    for number, about in enumerate(abouts):
        keep_evidence(run, about, replace(found, n_triggers=number))
    assert [kept_evidence(run, "behavioural", about).n_triggers for about in abouts] == [0, 1, 2, 3]
    assert len(all_kept(run, "behavioural")) == 4 and all_kept(run, "causal") == []
    lexicon = LexiconSettings()
    assert about_causal(run, CausalSettings(), lexicon) != about_causal(run, CausalSettings(benign_only=False), lexicon)


def test_more_replies_or_other_weights_are_another_question(run: Analysis, tmp_path: Path) -> None:
    lexicon, settings, near = LexiconSettings(), CausalSettings(), NearnessSettings()
    told = run.prompts.assign(behaviour=["refused", *run.prompts["behaviour"][1:]])
    changed = replace(run, prompts=told.assign(behaviour=told["behaviour"].where(told.index > 0, "complied")))
    assert changed.state != run.state
    assert about_causal(changed, settings, lexicon) != about_causal(run, settings, lexicon)
    assert about_nearness(changed, ["a"], near) != about_nearness(run, ["a"], near)
    assert about_nearness(run, ["b"], near) != about_nearness(run, ["a"], near)
    assert file_name(changed, lexicon) != file_name(run, lexicon)
    models = {"arm": ("base", str(tmp_path))}
    seen = set()
    for weights in (None, b"one", b"two"):
        if weights is not None:
            (tmp_path / "adapter_model.safetensors").write_bytes(weights)
        seen.add(about_models(["test"], models, 32))
    assert len(seen) == 3


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1, "about": [], "found": {}}', '{"format": 9}'])
def test_a_damaged_file_is_told_by_name_and_passed_over_in_the_list(planted: Any, run: Analysis, content: str) -> None:
    triggers = [trigger(number) for number in range(4)]
    found = compare_arms([measure_arm(planted, triggers, run.workspace, "one")], triggers)
    path = keep_evidence(run, ("x",), found)
    path.write_text(content)
    with pytest.raises(WorkspaceError, match=path.name):
        kept_evidence(run, "behavioural", ("x",))
    assert all_kept(run, "behavioural") == []
