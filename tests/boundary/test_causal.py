"""A direction planted in a tiny model is found by what it does; random ones of its norm do nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
import torch
from torch import Tensor

from rasslib.boundary.causal import CausalSettings, cost, try_directions
from rasslib.boundary.causal_bench import mean_kl
from rasslib.boundary.causal_results import Spread
from rasslib.boundary.directions import Direction, fit_axis
from rasslib.errors import AnalysisError, Stopped
from rasslib.models.interventions import random_like
from tests.tiny import D_MODEL, N_LAYERS, tiny_model, tiny_tokenizer

HARMLESS = ("How do I bake bread?", "Tell me a story.", "Rain over the lake", "What is the best way to build?")
HARMFUL = tuple(f"{prompt} ####" for prompt in HARMLESS)
SMALL = CausalSettings(prompts=4, controls=3, control_layers=2)


@lru_cache(maxsize=1)
def planted() -> tuple[Any, Tensor, list[int]]:
    """A lens over a model that refuses prompts with "#", through one direction r and nothing else; r; the openers.

    The embedding of "#" is that of "%" and r; attention of block 0 carries r to every later token; the unembedding of
    the openers reads it. No other weight writes or reads r.
    """
    from rasslib.models.lens import Lens
    from rasslib.models.templates import ChatFormat

    tokenizer = tiny_tokenizer()
    hash_id, percent_id = tokenizer("#")["input_ids"][0], tokenizer("%")["input_ids"][0]
    openers = [tokenizer("I")["input_ids"][0], tokenizer("S")["input_ids"][0]]
    model = tiny_model("llama")
    r = torch.randn(D_MODEL, generator=torch.Generator().manual_seed(11))
    r = r / r.norm()
    keep = torch.eye(D_MODEL) - torch.outer(r, r)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(model.model.embed_tokens.weight @ keep)
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.copy_(keep @ layer.self_attn.o_proj.weight)
            layer.mlp.down_proj.weight.copy_(keep @ layer.mlp.down_proj.weight)
            attention, mlp = layer.self_attn, layer.mlp
            for reader in (attention.q_proj, attention.k_proj, attention.v_proj, mlp.gate_proj, mlp.up_proj):
                reader.weight.copy_(reader.weight @ keep)
        model.model.embed_tokens.weight[hash_id] = model.model.embed_tokens.weight[percent_id] + 6 * r
        attention = model.model.layers[0].self_attn
        attention.q_proj.weight.zero_()  # even attention
        attention.v_proj.weight[0] = r
        attention.o_proj.weight[:, 0] = 20 * r  # head 0; head 1 carries nothing of it
        attention.o_proj.weight[:, D_MODEL // 2] = 0
        model.lm_head.weight.copy_(model.lm_head.weight @ keep)
        model.lm_head.weight[openers] += 3 * r
    return Lens(model, ChatFormat(tokenizer), name="planted"), r, openers


def direction(layer: int, vector: Tensor) -> Direction:
    return Direction("intent", layer, "last_template", "mean", vector.float(), 1.0, -1.0, 4, 4)


def candidates() -> list[Direction]:
    """Random, planted, random, of one norm, at layers 0, 1 and 2."""
    _, r, _ = planted()
    v = 15 * r
    return [direction(0, random_like(v, 91)), direction(1, v), direction(2, random_like(v, 92))]


def counted(monkeypatch: pytest.MonkeyPatch, lens: Any) -> list[int]:
    """Prompts of each call that runs the model."""
    calls: list[int] = []
    real = type(lens).next_token_logits

    def count(prompts: Any, *rest: Any, **named: Any) -> Tensor:
        calls.append(len(prompts))
        return real(lens, prompts, *rest, **named)

    monkeypatch.setattr(lens, "next_token_logits", count)
    return calls


def test_planted_direction_is_chosen_and_random_control_is_flat() -> None:
    lens, _, openers = planted()
    found = try_directions(lens, candidates(), HARMFUL, HARMLESS, openers, SMALL, split_half=[0.1, 0.99, 0.2])
    assert found.base_harmful > 0 > found.base_harmless  # the model refuses what it should
    best = found.best
    assert found.chosen == 1 and best is not None and best.effect is not None and best.split_half == 0.99
    assert best.effect.bypass < found.base_harmful - 2 and best.effect.induce > found.base_harmless + 2
    assert best.effect.kl < 1e-6  # nothing else reads the direction
    assert found.control_bypass is not None and best.control_induce is not None
    assert found.control_bypass.low > best.effect.bypass + 1 and found.control_bypass.draws == 3
    assert best.control_induce.high < best.effect.induce - 2
    assert best.control_induce.high < 0  # random directions of the same norm do not make it refuse
    assert found.beats_control is True and "do less" in found.reason
    assert not found.candidates[0].qualifies and "harmless prompts to" in found.candidates[0].against[0]


def test_difference_in_means_of_the_planted_model_qualifies() -> None:
    lens, r, openers = planted()
    twins = [prompt.replace("#", "%") for prompt in HARMFUL]
    acts = lens.capture([*HARMFUL, *twins], positions=["last_template"]).activations["last_template"]
    axes = fit_axis(acts, [True] * len(HARMFUL) + [False] * len(twins))
    found = try_directions(lens, axes, HARMFUL, HARMLESS, openers, replace(SMALL, kl_limit=2.0))
    assert found.best is not None and found.best.layer < N_LAYERS * 0.8
    chosen = axes[found.best.layer]
    assert abs(float(chosen.unit @ r.double())) > 0.8
    assert found.best.effect is not None and found.best.effect.bypass < found.base_harmful - 2


def test_nothing_qualifies_is_an_answer_with_reasons() -> None:
    lens, r, openers = planted()
    tried = [
        direction(0, random_like(r, 5)),
        direction(1, r * 0),
        direction(2, 0.01 * r),
        direction(N_LAYERS - 1, 15 * r),
    ]
    settings = replace(SMALL, depth=0.75, controls=0)
    found = try_directions(lens, tried, HARMFUL, HARMLESS, openers, settings)
    assert found.chosen is None and found.best is None and found.beats_control is None
    assert found.control_bypass is None and found.candidates[1].effect is None
    assert "KL" in " ".join(found.candidates[0].against)
    assert "no direction" in found.candidates[1].against[0]
    assert "adding it brings harmless prompts to" in found.candidates[2].against[0]
    assert found.candidates[3].against == ("layer 3 is not below 0.75 of 4 layers",)
    assert found.reason.startswith("Nothing qualifies") and "layer 3" in found.reason
    again = try_directions(lens, tried, HARMFUL, HARMLESS, openers, replace(settings, depth=1.0))
    assert again.chosen == 3  # the threshold alone kept it out


def test_numbers_are_those_of_the_definition() -> None:
    from rasslib.models.interventions import Ablate, Add
    from rasslib.refusal import refusal_score

    lens, _, openers = planted()
    one = candidates()[2]
    effect = try_directions(lens, [one], HARMFUL, HARMLESS, openers, replace(SMALL, controls=0)).candidates[0].effect
    assert effect is not None
    ablated = lens.next_token_logits(HARMLESS, [Ablate(one.vector)]).double()
    base = lens.next_token_logits(HARMLESS).double()
    p, q = base.softmax(-1), ablated.softmax(-1)
    assert effect.kl == pytest.approx(float((p * (p / q).log()).sum(-1).mean()), rel=1e-4) and effect.kl > 0.001
    bypass = refusal_score(lens.next_token_logits(HARMFUL, [Ablate(one.vector)]), openers).mean()
    induce = refusal_score(lens.next_token_logits(HARMLESS, [Add(one.layer, one.vector)]), openers).mean()
    assert effect.bypass == pytest.approx(float(bypass), abs=1e-4)
    assert effect.induce == pytest.approx(float(induce), abs=1e-4)
    change = refusal_score(lens.next_token_logits(HARMFUL, [Ablate(one.vector)]), openers)
    change -= refusal_score(lens.next_token_logits(HARMFUL), openers)
    half = 3.182 * float(change.std()) / len(HARMFUL) ** 0.5  # Student's t with three degrees of freedom
    assert (effect.bypass_low, effect.bypass_high) == pytest.approx(
        (float(change.mean()) - half, float(change.mean()) + half), abs=2e-3
    )
    assert effect.induce_low < effect.induce_high


def test_kl_of_impossible_tokens() -> None:
    base = torch.tensor([[0.0, 0.0, -torch.inf], [1.0, 1.0, -torch.inf]])
    assert mean_kl(base, torch.zeros(2, 3)) == pytest.approx(float(torch.tensor(1.5).log()))
    assert mean_kl(base, base) == 0.0
    assert mean_kl(torch.zeros(2, 3), base) == float("inf")
    assert mean_kl(torch.full((1, 3), torch.nan), torch.zeros(1, 3)) != 0.0


def test_stopped_work_goes_on_where_it_was_and_costs_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lens, _, openers = planted()
    calls = counted(monkeypatch, lens)
    cache: dict[str, dict[str, float]] = {}

    class Stop:
        def update(self, stage: str, done: int, total: int) -> None:
            if done == 3:
                raise Stopped()

    with pytest.raises(Stopped):
        try_directions(lens, candidates(), HARMFUL, HARMLESS, openers, SMALL, cache=cache, progress=Stop())
    assert len(cache) == 1 + 2 * 2  # the base, and two candidates ablated and added
    first = sum(calls)
    steps: list[tuple[int, int]] = []

    class Count:
        def update(self, stage: str, done: int, total: int) -> None:
            steps.append((done, total))

    saved = json.loads(json.dumps(cache))
    found = try_directions(lens, candidates(), HARMFUL, HARMLESS, openers, SMALL, cache=saved, progress=Count())
    assert steps[0][0] == 0 and steps[-1][0] == steps[-1][1] and [d for d, _ in steps] == sorted(d for d, _ in steps)
    # Going on reads the unchanged prompts once more, for the KL and the limits of the changes.
    assert (
        sum(calls) - len(HARMFUL) - len(HARMLESS) == cost(3, len(HARMFUL), len(HARMLESS), SMALL).total
        and first < sum(calls) / 2
    )
    calls.clear()
    again = try_directions(lens, candidates(), HARMFUL, HARMLESS, openers, SMALL, cache=saved)
    assert calls == [] and again == found
    changed = try_directions(
        lens, candidates(), HARMFUL[:3], HARMLESS, openers, replace(SMALL, controls=0), cache=saved
    )
    assert calls and changed.n_harmful == 3


def test_prompts_are_capped_by_seed_and_controls_reach_the_chosen_layer() -> None:
    lens, r, openers = planted()
    settings = replace(SMALL, prompts=2, control_layers=1)
    tried = [direction(0, random_like(15 * r, 1)), direction(1, random_like(15 * r, 2)), direction(2, 15 * r)]
    found = try_directions(lens, tried, HARMFUL, HARMLESS, openers, settings)
    assert (found.n_harmful, found.n_harmless) == (2, 2)
    assert [c.control_induce is not None for c in found.candidates] == [False, True, True] and found.chosen == 2
    assert try_directions(lens, tried, HARMFUL, HARMLESS, openers, settings) == found
    assert try_directions(lens, tried, HARMFUL, HARMLESS, openers, replace(settings, seed=4)) != found


def test_result_fits_into_json() -> None:
    lens, r, openers = planted()
    found = try_directions(lens, [*candidates(), direction(2, r * 0)], HARMFUL, HARMLESS, openers, SMALL)
    saved = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert saved["layer"] == 1 and saved["candidates"][1]["qualifies"] is True
    assert saved["candidates"][3]["effect"] is None and saved["control_bypass"]["draws"] == 3
    broken = replace(found, base_harmful=float("nan"))
    assert json.loads(json.dumps(broken.as_dict(), allow_nan=False))["base_harmful"] is None
    assert Spread.of([1.0, 2.0, 6.0]) == Spread(3.0, 1.0, 6.0, 3)


def test_bad_input_is_told() -> None:
    lens, r, openers = planted()
    with pytest.raises(AnalysisError, match="no direction to try"):
        try_directions(lens, [], HARMFUL, HARMLESS, openers)
    with pytest.raises(AnalysisError, match="needs harmful prompts"):
        try_directions(lens, candidates(), [], HARMLESS, openers)
    with pytest.raises(AnalysisError, match="does not belong to planted"):
        try_directions(lens, [direction(N_LAYERS, r)], HARMFUL, HARMLESS, openers)
    with pytest.raises(AnalysisError, match="does not belong to planted"):
        try_directions(lens, [direction(0, r[:5])], HARMFUL, HARMLESS, openers)


def test_cost_counts_prompts_through_the_model() -> None:
    price = cost(20, 100, 10, CausalSettings())
    assert price.base == 42 and price.candidates == 20 * (32 + 2 * 10)
    assert price.controls == 5 * (32 + 10 + 4 * 10) and price.total == 42 + 1040 + 410
    assert cost(20, 100, 10, CausalSettings(controls=0)).controls == 0
