"""Which direction really controls refusal: detection is not control, so directions are tried out on the model.

For a direction v at layer i, with u = v/‖v‖ and ρ the refusal score (Arditi et al. 2024, arXiv 2406.11717, section 2.3
and appendix C):

    bypass = mean ρ of harmful prompts under ablation,   x ← x − ⟨x, u⟩u everywhere
    induce = mean ρ of harmless prompts under addition,  x ← x + strength·v after block i
    KL     = mean KL(p ‖ p_ablated) of next-token distributions after harmless prompts, in nats

Chosen is the lowest bypass among those with KL ≤ 0.1, induce ≥ 0 and layer < 0.8·L; if there is none, there is no such
direction. Call it with *validation* prompts. The random controls beside it are this project's reading of RASS: the same
random directions r for all candidates, of the norm of v where it matters. Ablation knows neither layer nor norm, so one
control serves all candidates; addition depends on both, so its control is run at a few layers only, and at the chosen
one.
"""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence

import numpy as np
import torch

from rasslib.boundary.causal_bench import Bench
from rasslib.boundary.causal_results import CausalChoice, CausalCost, CausalSettings, Effect, Spread, Tested, choose
from rasslib.boundary.directions import Direction
from rasslib.errors import AnalysisError
from rasslib.models.interventions import random_like
from rasslib.models.lens import Lens
from rasslib.progress import Progress, Silent

__all__ = ["CausalChoice", "CausalCost", "CausalSettings", "cost", "try_directions"]


def cost(n_directions: int, n_harmful: int, n_harmless: int, settings: CausalSettings | None = None) -> CausalCost:
    """Forward passes that :func:`try_directions` needs at most, before anything is run.

    Args:
        n_directions: Candidates.
        n_harmful: Harmful prompts given (the cap is applied here).
        n_harmless: Harmless prompts given.
        settings: As for the trial.
    """
    chosen = settings or CausalSettings()
    high, low = min(n_harmful, chosen.prompts), min(n_harmless, chosen.prompts)
    # One more layer than asked for: the chosen one.
    layers = min(chosen.control_layers + 1, n_directions) if chosen.controls and chosen.control_layers else 0
    return CausalCost(
        base=high + low,
        candidates=n_directions * (high + 2 * low),
        controls=chosen.controls * (high + low + layers * low),
    )


def try_directions(
    lens: Lens,
    directions: Sequence[Direction],
    harmful: Sequence[str],
    harmless: Sequence[str],
    opener_ids: Sequence[int],
    settings: CausalSettings | None = None,
    *,
    split_half: Sequence[float] | None = None,
    cache: MutableMapping[str, dict[str, float]] | None = None,
    progress: Progress | None = None,
) -> CausalChoice:
    """Ablate and add every candidate, and random directions beside them; choose the one that controls refusal.

    Args:
        lens: The model.
        directions: Candidates, one per eligible layer.
        harmful: Harmful validation prompts; at most ``settings.prompts`` of them are drawn.
        harmless: Harmless validation prompts, likewise.
        opener_ids: Token ids of the refusal openers, for ρ.
        settings: Thresholds and amounts.
        split_half: Split-half cosine of each direction, to be shown beside it.
        cache: Where what was measured is kept, and looked up: after a stop nothing is measured twice. Keys are digests
            of model, prompts, openers and intervention, so one store serves any number of calls.
        progress: Told after each candidate and each random direction, when it is stored.

    Raises:
        AnalysisError: There are no prompts of a class, no directions, or directions of another model.
    """
    settings, progress = settings or CausalSettings(), progress or Silent()
    _check(lens, directions, harmful, harmless, split_half)
    if cache is None:
        cache = {}
    bench = Bench(
        lens,
        _drawn(harmful, settings.prompts, settings.seed),
        _drawn(harmless, settings.prompts, settings.seed),
        list(opener_ids),
        settings.strength,
        cache,
    )
    real = [d for d in directions if bool(d.vector.any())]
    layers = _spread(sorted({d.layer for d in real}), settings.control_layers if settings.controls else 0)
    seeds = range(settings.seed, settings.seed + settings.controls)
    total = 1 + len(real) + len(seeds) * (1 + len(layers) + bool(layers))
    done = 0

    def told() -> None:
        nonlocal done
        done += 1
        progress.update("Trying out directions", min(done, total), total)

    progress.update("Trying out directions", 0, total)
    base = bench.base()
    told()
    effects: dict[int, Effect] = {}
    for row, direction in enumerate(directions):
        if bool(direction.vector.any()):
            effects[row] = Effect(**bench.ablation(direction.vector), **bench.addition(direction))
            told()
    ablated = []
    for seed in seeds:
        ablated.append(bench.ablation(random_like(torch.ones(lens.d_model), seed)))
        told()
    control_bypass = Spread.of([a["bypass"] for a in ablated]) if ablated else None
    control_kl = Spread.of([a["kl"] for a in ablated]) if ablated else None

    def added(direction: Direction) -> Spread:
        values = []
        for seed in seeds:
            values.append(bench.addition(direction, random_like(direction.vector, seed))["induce"])
            told()
        return Spread.of(values)

    controls = {row: added(d) for row, d in enumerate(directions) if row in effects and d.layer in layers}

    def tested() -> tuple[Tested, ...]:
        return tuple(
            Tested(
                direction.layer,
                direction.position,
                direction.axis,
                direction.method,
                float(direction.vector.double().norm()),
                effects.get(row),
                settings.reasons_against(direction.layer, lens.n_layers, effects.get(row)),
                controls.get(row),
                None if split_half is None else float(split_half[row]),
            )
            for row, direction in enumerate(directions)
        )

    best = choose(tested())
    if best is not None and layers and best not in controls:
        controls[best] = added(directions[best])
    progress.update("Trying out directions", total, total)
    return CausalChoice(
        best, tested(), control_bypass, control_kl, base["harmful"], base["harmless"], *bench.counts, settings
    )


def _check(
    lens: Lens,
    directions: Sequence[Direction],
    harmful: Sequence[str],
    harmless: Sequence[str],
    split_half: Sequence[float] | None,
) -> None:
    if split_half is not None and len(split_half) != len(directions):
        raise ValueError(f"{len(split_half)} split-half cosines for {len(directions)} directions")
    if not directions:
        raise AnalysisError("There is no direction to try out: fit an axis first.")
    for kind, prompts in (("harmful", harmful), ("harmless", harmless)):
        if not prompts:
            raise AnalysisError(
                f"Trying out directions needs {kind} prompts, and there are none in the split it is done on: add some."
            )
    for direction in directions:
        if len(direction.vector) != lens.d_model or not 0 <= direction.layer < lens.n_layers:
            raise AnalysisError(
                f"A direction of width {len(direction.vector)} at layer {direction.layer} does not belong to "
                f"{lens.name} (width {lens.d_model}, {lens.n_layers} layers): choose the model it was fitted on."
            )


def _drawn(prompts: Sequence[str], most: int, seed: int) -> list[str]:
    """At most ``most`` of the prompts, in their order."""
    if len(prompts) <= most:
        return list(prompts)
    rows = np.sort(np.random.default_rng(seed).choice(len(prompts), most, replace=False))
    return [prompts[row] for row in rows.tolist()]


def _spread(layers: Sequence[int], most: int) -> set[int]:
    """At most ``most`` of the layers, evenly spread, both ends among them from two on."""
    if most <= 0 or not layers:
        return set()
    at = [(len(layers) - 1) / 2] if most == 1 else np.linspace(0, len(layers) - 1, min(most, len(layers))).tolist()
    return {layers[round(position)] for position in at}
