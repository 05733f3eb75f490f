"""What trying out directions gives: thresholds, effects, verdicts, and the choice (:mod:`rasslib.boundary.causal`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class CausalSettings:
    """Thresholds as published by Arditi et al. (2406.11717), and how much is run.

    Attributes:
        kl_limit: Most KL that ablation may cost, in nats (0.2 is usual for a false-refusal axis).
        induce_least: Least mean refusal score that addition must reach on harmless prompts (0: p = 1/2).
        depth: Share of the depth below which a layer must lie.
        prompts: Prompts per class, at most.
        controls: Random directions.
        control_layers: Layers at which random directions are added (and the chosen one besides).
        strength: Multiple of the direction that is added.
        seed: Seed of the draw of prompts and of the random directions.
    """

    kl_limit: float = 0.1
    induce_least: float = 0.0
    depth: float = 0.8
    prompts: int = 32
    controls: int = 5
    control_layers: int = 3
    strength: float = 1.0
    seed: int = 0

    def reasons_against(self, layer: int, n_layers: int, effect: Effect | None) -> tuple[str, ...]:
        """Why a candidate does not qualify, for people; empty if it does."""
        if effect is None:
            return ("both classes have the same mean here, so there is no direction",)
        found = []
        if not layer < self.depth * n_layers - 1e-9:
            found.append(f"layer {layer} is not below {self.depth:g} of {n_layers} layers")
        if not effect.induce >= self.induce_least:
            found.append(f"adding it brings harmless prompts to {effect.induce:.2f} only, not {self.induce_least:g}")
        if not effect.kl <= self.kl_limit:
            found.append(f"ablating it changes harmless prompts too much (KL {effect.kl:.3f} > {self.kl_limit:g})")
        if not math.isfinite(effect.bypass):
            found.append("the refusal score under ablation is no number")
        return tuple(found)


@dataclass(frozen=True)
class CausalCost:
    """Forward passes of single prompts, at most.

    Attributes:
        base: Without intervention.
        candidates: With the candidates ablated and added.
        controls: With random directions.
    """

    base: int
    candidates: int
    controls: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.base + self.candidates + self.controls


@dataclass(frozen=True)
class Effect:
    """What a direction does to the model.

    Attributes:
        bypass: Mean refusal score of harmful prompts with the direction ablated.
        induce: Mean refusal score of harmless prompts with it added.
        kl: Mean KL(base ‖ ablated) after harmless prompts, in nats.
        bypass_low, bypass_high: 95 % limits of the change of the score by ablation (Student's t over the prompts); NaN
            with one prompt.
        induce_low, induce_high: The same by addition.
    """

    bypass: float
    kl: float
    induce: float
    bypass_low: float = math.nan
    bypass_high: float = math.nan
    induce_low: float = math.nan
    induce_high: float = math.nan


@dataclass(frozen=True)
class Spread:
    """A control over several random directions.

    Attributes:
        mean: Mean over the draws.
        low: Lowest draw.
        high: Highest draw: with five draws, smallest and largest say more than a normal interval would.
        draws: How many.
    """

    mean: float
    low: float
    high: float
    draws: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Mean, smallest and largest."""
        return cls(float(np.mean(values)), float(min(values)), float(max(values)), len(values))


@dataclass(frozen=True)
class Tested:
    """A candidate that was tried out.

    Attributes:
        layer: Its layer (0-based).
        position: Its read position.
        axis: Its axis.
        method: How it was fitted.
        norm: Length of the whole vector; the random control of addition has the same.
        effect: What it does; None where there is no direction.
        against: Why it does not qualify; empty if it does.
        control_induce: Mean refusal score of harmless prompts with random directions of the same norm added at this
            layer; None where that was not run.
        split_half: Split-half cosine, where given.
    """

    layer: int
    position: str
    axis: str
    method: str
    norm: float
    effect: Effect | None
    against: tuple[str, ...]
    control_induce: Spread | None = None
    split_half: float | None = None

    @property
    def qualifies(self) -> bool:
        """Whether it passes every threshold."""
        return not self.against


def choose(candidates: Sequence[Tested]) -> int | None:
    """Row of the qualifying candidate with the lowest bypass (ties to the earlier layer); None if there is none."""
    ranked = [
        (c.effect.bypass, c.layer, row) for row, c in enumerate(candidates) if c.qualifies and c.effect is not None
    ]
    return min(ranked)[2] if ranked else None


@dataclass(frozen=True)
class CausalChoice:
    """The direction that controls refusal, or that there is none.

    Attributes:
        chosen: Row of the chosen candidate; None: nothing qualifies.
        candidates: All that were tried out.
        control_bypass: Bypass of random directions, for every layer the same.
        control_kl: KL of random directions, likewise.
        base_harmful: Mean refusal score of the harmful prompts without intervention.
        base_harmless: The same of the harmless ones.
        n_harmful: Harmful prompts it was measured on.
        n_harmless: Harmless ones.
        settings: Thresholds and amounts.
    """

    chosen: int | None
    candidates: tuple[Tested, ...]
    control_bypass: Spread | None
    control_kl: Spread | None
    base_harmful: float
    base_harmless: float
    n_harmful: int
    n_harmless: int
    settings: CausalSettings

    @property
    def best(self) -> Tested | None:
        """The chosen candidate."""
        return None if self.chosen is None else self.candidates[self.chosen]

    @property
    def beats_control(self) -> bool | None:
        """Whether the chosen one bypasses and induces more than every random direction; None if not known.

        If not, its effect is one of norm or of damage, not of refusal.
        """
        best = self.best
        if best is None or best.effect is None or self.control_bypass is None or best.control_induce is None:
            return None
        return best.effect.bypass < self.control_bypass.low and best.effect.induce > best.control_induce.high

    @property
    def reason(self) -> str:
        """The choice in a sentence or two, for people."""
        counts = f"{self.n_harmful} harmful and {self.n_harmless} harmless prompts"
        best = self.best
        if best is None or best.effect is None:
            none = f"Nothing qualifies: none of {len(self.candidates)} directions controls refusal ({counts})."
            return none + self._near
        passing = sum(c.qualifies for c in self.candidates)
        text = (
            f"Layer {best.layer} has the lowest bypass of the {passing} of {len(self.candidates)} directions that "
            f"qualify ({counts}): ablating it takes harmful prompts from {self.base_harmful:.2f} to "
            f"{best.effect.bypass:.2f}, adding it takes harmless ones from {self.base_harmless:.2f} to "
            f"{best.effect.induce:.2f}, KL {best.effect.kl:.3f}."
        )
        if self.beats_control is None:
            return text
        if self.beats_control:
            return f"{text} Random directions of the same norm do less."
        return f"{text} Random directions of the same norm do as much, so this may be damage rather than control."

    @property
    def _near(self) -> str:
        """What kept the candidates out, and the one that fails least: of fewest criteria, then of the lowest bypass."""
        tried = [c for c in self.candidates if c.effect is not None]
        if not tried:
            return " At no layer is there a direction."
        weak = sum(c.effect is not None and not c.effect.induce >= self.settings.induce_least for c in tried)
        harmful = sum(c.effect is not None and not c.effect.kl <= self.settings.kl_limit for c in tried)
        nearest = min(tried, key=lambda c: (len(c.against), c.effect.bypass if c.effect else math.inf, c.layer))
        return (
            f" Added, {weak} do not bring harmless prompts to {self.settings.induce_least:g}; ablated, {harmful} "
            f"change harmless prompts by more than KL {self.settings.kl_limit:g}. Nearest is layer {nearest.layer}: "
            f"{'; '.join(nearest.against)}."
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it: a number that is not finite becomes None."""
        rows = [{**asdict(c), "qualifies": c.qualifies} for c in self.candidates]
        found = {
            **asdict(self),
            "candidates": rows,
            "layer": None if self.best is None else self.best.layer,
            "beats_control": self.beats_control,
            "reason": self.reason,
        }
        plain: dict[str, Any] = _plain(found)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
