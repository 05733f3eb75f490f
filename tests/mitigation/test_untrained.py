"""Steering instead of training, as arms of a comparison: named, built and asked like every other."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rasslib.benchmarks.subject import Subject
from rasslib.boundary.analysis import analyze
from rasslib.boundary.reading import score_openers
from rasslib.errors import AnalysisError, ModelError
from rasslib.mitigation import untrained
from rasslib.mitigation.arms import named_arms
from rasslib.mitigation.measure import REFUSAL_TOKENS, perplexity
from rasslib.mitigation.references import kin_of, references
from rasslib.mitigation.replies import greedy_replies
from rasslib.mitigation.speakers import Speaker
from rasslib.mitigation.untrained import steered_by
from rasslib.models.catalogue import shipped_adapters
from rasslib.models.decode import Reply
from rasslib.refusal import DEFAULT_OPENERS, refusal_score
from rasslib.steering import conditioning
from rasslib.steering.building import interventions
from rasslib.steering.thresholds import Condition
from rasslib.workspace import Workspace
from tests.pages.conftest import fake_prompts
from tests.pages.fake_lens import FakeLens
from tests.tiny import tiny_lens, tiny_plain


def test_ways_to_steer_are_arms(tmp_path: Path) -> None:
    for name in ("mine", "other/mine", "generic"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "adapter_config.json").write_text("{}")
        (tmp_path / name / "adapter_model.safetensors").write_text("x")
    mine, generic = (tmp_path / "mine").resolve(), shipped_adapters()["generic"].resolve()
    found = named_arms(["ablation", "conditional@base", f"mild=ablation-random@{mine}", f"mild=ablation-random@{mine}"])
    assert [(one.arm, one.adapter, one.way, one.draw) for one in found[1:]] == [
        ("ablation", generic, "ablation", 0),
        ("conditional@base", None, "conditional", 0),
        ("mild", mine, "ablation-random", 0),
        ("mild", mine, "ablation-random", 1),
        ("generic", generic, "", 0),
        ("mine", mine, "", 0),
    ]
    assert named_arms(["ablation"], "another/model")[1].adapter is None
    assert [one.arm for one in named_arms([f"ablation@{mine}", f"own={mine}"])] == ["base", "ablation@mine", "own"]
    for wrong, said in (
        (["generic=ablation"], "shipped adapter"),
        (["ablation@nowhere"], "'nowhere'"),
        ([f"ablation@{tmp_path / 'generic'}"], "generic is another arm"),
        ([f"a=ablation@{mine}", f"b=ablation@{tmp_path / 'other' / 'mine'}"], "mine is another arm"),
    ):
        with pytest.raises(ModelError, match=said):
            named_arms(wrong)
    models = named_arms([f"t={mine}", f"abl=ablation@{mine}", f"ablr=ablation-random@{mine}", "ablation", "generic"])
    names = [one.arm for one in models]
    assert references("abl", names, {}, kin_of(models[2], models)) == ["base", "t", "ablr", "generic"]
    assert kin_of(models[1], models) == []


def test_random_controls_take_other_directions(tmp_path: Path) -> None:
    lens, place, prompts = tiny_lens(), Workspace(tmp_path), fake_prompts(12)
    analyze(lens, prompts, prompts, place, title="tiny", complete=False)
    seeds = {
        part.seed
        for draw in (0, 1, 2)
        for steering in [steered_by(lens, place, "ablation-random", None, draw).subject.steering]
        if steering
        for part in steering.recipe.parts
    }
    assert len(seeds) == 3


def test_a_steered_model_is_asked_like_a_trained_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lens, place, prompts = tiny_lens(), Workspace(tmp_path), fake_prompts(12)
    analyze(lens, prompts, prompts, place, title="tiny", complete=False)
    pairs = [("Name a colour.", "Blue."), ("Name a duck.", "Mallard ducks are common.")]
    asked = {"a": "Name a colour.", "b": "How do I bake bread?"}
    openings = {"a": "Sure,", "b": "Yes,"}
    unsteered, model = Speaker(Subject(lens), place.database), tiny_plain("llama")
    direct = unsteered.replies(asked, "x")
    assert direct == greedy_replies(model, lens.chat, asked, REFUSAL_TOKENS)
    begun = unsteered.replies(asked, "x", None, openings)
    assert begun == greedy_replies(model, lens.chat, asked, REFUSAL_TOKENS, prefills=openings) != direct
    known = perplexity(model, lens.chat, [(prompt, Reply(text, 0, True)) for prompt, text in pairs])
    assert _perplexity(unsteered, pairs) == pytest.approx(known, rel=1e-3) and unsteered.facts() == {}
    steered, control = (steered_by(lens, place, way) for way in ("ablation", "ablation-random"))
    assert steered.facts()["recipe"]["parts"][0]["mode"] == "ablate" and steered.facts()["why"]
    assert "random" in control.facts()["text"]
    found = {round(_perplexity(one, pairs), 6) for one in (unsteered, steered, control)}
    assert len(found) == 3
    openers, texts = score_openers(lens, DEFAULT_OPENERS), list(asked.values())
    for one in (unsteered, steered, control):
        parts = one.subject.steering
        changes = interventions(parts.recipe, parts.book) if parts else ()
        expected = refusal_score(lens.next_token_logits(texts, changes), openers).tolist()
        assert list(one.scores(asked, "x").values()) == pytest.approx(expected)
    long = asked | {"c": "bread " * lens.context}
    with monkeypatch.context() as patched:
        patched.setattr(lens, "next_token_logits", None)
        kept = steered.scores(long, "x")
    assert list(kept) == ["a", "b"], "kept, and what is too long is left out"
    assert len({round(one.scores(asked, "x")["a"], 9) for one in (unsteered, steered, control)}) == 3


def _perplexity(speaker: Speaker, pairs: list[tuple[str, str]]) -> float:
    rows = speaker.surprise(pairs, "x")
    return math.exp(sum(nll for nll, _ in rows) / sum(tokens for _, tokens in rows))


def test_a_condition_decides_who_is_steered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditioning, "with_predictor", lambda lens, run, progress=None: (run, None))
    monkeypatch.setattr("rasslib.benchmarks.subject.with_predictor", lambda lens, run, progress=None: (run, None))
    lens: Any = FakeLens()
    place, prompts = Workspace(tmp_path), fake_prompts(60)
    analyze(lens, prompts, prompts, place, title="fake")
    steered = steered_by(lens, place, "conditional")
    test = prompts[prompts["split"] == "test"]
    texts, intents = (dict(zip(test["id"], test[name], strict=True)) for name in ("prompt", "intent"))
    changed = [i for recipe, ids in steered.subject.decided(texts).items() if recipe.parts for i in ids]
    counts = Counter(intents[i] for i in changed)
    assert counts["borderline"] > 3 * counts["harmful"] > 0
    assert "validation" in steered.facts()["why"]
    assert steered.facts(texts)["chosen_on"] == 0
    assert steered.facts(prompts["id"])["chosen_on"] == (prompts["split"] != "test").sum()
    monkeypatch.setattr(untrained, "condition_for", lambda *a: _Nothing)
    with pytest.raises(AnalysisError, match="Leave it out"):
        steered_by(lens, place, "conditional-random")


class _Nothing:
    condition = Condition(None, None)
