"""A recipe: everything that steering does, as a small value that can be compared, hashed, linked to and kept.

It names directions (``intent``, a file, ...) and holds no tensor: :mod:`rasslib.steering.building` turns it into
interventions with a :class:`~rasslib.steering.book.Book` of directions. Strengths are in class-gap units: 1 adds the
whole difference of class means and moves the margin by 2. Conditional steering by two scores of the prompt is this
project's reading of RASS; steering only where a condition holds is that of CAST (Lee et al. 2024, arXiv 2409.05907).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from rasslib.errors import AnalysisError

PART_MODES = ("add", "ablate", "clamp")
MODES = ("baseline", *PART_MODES, "composed", "conditional", "random")


@dataclass(frozen=True)
class Part:
    """One change along one direction.

    Attributes:
        mode: ``add``, ``ablate`` or ``clamp``.
        layer: Layer of the direction (0-based).
        strength: ``add``: in class gaps. ``clamp``: the margin that is held. ``ablate``: without meaning, 0.
        direction: Name of the direction in the book.
        layers: First and last block that are changed. None: that of the direction; for ``ablate`` all, as published.
            ``add`` and ``clamp`` take the direction of each block in the range, and additions add up along it.
        seed: With a seed a random direction of the same norm stands in: the control.
    """

    mode: str
    layer: int
    strength: float = 0.0
    direction: str = "intent"
    layers: tuple[int, int] | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.mode not in PART_MODES:
            raise AnalysisError(f"There is no way to steer called {self.mode!r}: use {', '.join(PART_MODES)}.")
        if not math.isfinite(self.strength):
            raise AnalysisError(f"A strength must be a number, not {self.strength}: try one between -2 and 2.")
        if self.layer < 0 or (self.layers is not None and not 0 <= self.layers[0] <= self.layers[1]):
            raise AnalysisError(f"Layers count from 0, the first before the last; change {self.layers or self.layer}.")

    def text(self) -> str:
        """For people: ``add -0.5 × intent at layer 16``."""
        where = f"layers {self.layers[0]} to {self.layers[1]}" if self.layers else f"layer {self.layer}"
        what = self.direction if self.seed is None else f"random ({self.direction}'s norm, seed {self.seed})"
        if self.mode == "add":
            return f"add {self.strength:+g} × {what} at {where}"
        if self.mode == "clamp":
            return f"clamp {what} to margin {self.strength:+g} at {where}"
        return f"ablate {what} of layer {self.layer}" + (f" in {where}" if self.layers else "")


@dataclass(frozen=True)
class Rule:
    """Parts for prompts of some margin and some predicted refusal; a bound that is None does not bind.

    Attributes:
        parts: What is done.
        least_margin: Lowest margin, at the recipe's gate.
        most_margin: Highest margin.
        least_refusal: Lowest predicted probability of a refusal.
        most_refusal: Highest one.
    """

    parts: tuple[Part, ...]
    least_margin: float | None = None
    most_margin: float | None = None
    least_refusal: float | None = None
    most_refusal: float | None = None

    def holds(self, margin: float, refusal: float) -> bool:
        """Whether it applies; a value that is not known (NaN) meets no bound."""
        return _within(margin, self.least_margin, self.most_margin) and _within(
            refusal, self.least_refusal, self.most_refusal
        )


@dataclass(frozen=True)
class Gate:
    """Where the margin of the rules is read: a direction of the book, at one layer."""

    direction: str
    layer: int


@dataclass(frozen=True)
class Recipe:
    """What is done to every prompt, and by rules to some; the first rule that holds counts.

    Attributes:
        parts: For every prompt.
        rules: For prompts on which they hold, after the parts; decided once per prompt, before its reply.
        gate: Where the rules read the margin; needed with rules.
    """

    parts: tuple[Part, ...] = ()
    rules: tuple[Rule, ...] = ()
    gate: Gate | None = None

    def __post_init__(self) -> None:
        if self.rules and self.gate is None:
            raise AnalysisError("Rules need a gate: say at which direction and layer their margin is read.")

    @property
    def mode(self) -> str:
        """One of :data:`MODES`."""
        parts = self.all_parts
        if any(part.seed is not None for part in parts):
            return "random"
        if self.rules:
            return "conditional"
        return "baseline" if not parts else parts[0].mode if len(parts) == 1 else "composed"

    @property
    def strength(self) -> float | None:
        """Of the only part, or the first rule's; None where there is none to speak of."""
        parts = self.all_parts
        return parts[0].strength if parts and parts[0].mode != "ablate" else None

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """Those for every prompt, then those of the rules."""
        return (*self.parts, *(part for rule in self.rules for part in rule.parts))

    def control(self, seed: int = 0) -> Recipe:
        """The same with random directions of the same norm; what is decided stays as it is."""

        def drawn(parts: tuple[Part, ...], first: int) -> tuple[Part, ...]:
            return tuple(replace(part, seed=seed + first + i) for i, part in enumerate(parts))

        # The same draws as of the parts alone, so that replies are shared with the control of the plain setting.
        rules = tuple(replace(rule, parts=drawn(rule.parts, len(self.parts))) for rule in self.rules)
        return replace(self, parts=drawn(self.parts, 0), rules=rules)

    def decided(self, margin: float, refusal: float) -> Recipe:
        """What is done to a prompt of this margin and predicted refusal: a recipe without rules."""
        for rule in self.rules:
            if rule.holds(margin, refusal):
                return Recipe((*self.parts, *rule.parts))
        return Recipe(self.parts)

    def text(self) -> str:
        """For people."""
        always = " and ".join(part.text() for part in self.parts)
        some = "; ".join(f"where {_bounds(rule)}: {' and '.join(p.text() for p in rule.parts)}" for rule in self.rules)
        return "; ".join(filter(None, (always, some))) or "the model as it is"

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    def as_text(self) -> str:
        """One line of JSON, for links and files: equal recipes give equal text."""
        return json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Recipe:
        """The recipe that :meth:`as_dict` (and JSON) made this of.

        Raises:
            AnalysisError: It is none.
        """
        try:
            gate = saved["gate"]
            return cls(
                tuple(_part(part) for part in saved["parts"]),
                tuple(_rule(rule) for rule in saved["rules"]),
                None if gate is None else Gate(str(gate["direction"]), int(gate["layer"])),
            )
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            raise AnalysisError(f"This is no steering recipe ({str(error)[:80]}): set it up anew.") from error

    @classmethod
    def from_text(cls, text: str) -> Recipe:
        """The recipe of :meth:`as_text`; errors as in :meth:`from_dict`."""
        try:
            return cls.from_dict(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise AnalysisError(f"This is no steering recipe ({str(error)[:80]}): set it up anew.") from error


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _bounds(rule: Rule) -> str:
    margin, refusal = "the margin is", "the predicted refusal is"
    bounds = (
        (margin, "at least", rule.least_margin),
        (margin, "at most", rule.most_margin),
        (refusal, "at least", rule.least_refusal),
        (refusal, "at most", rule.most_refusal),
    )
    return " and ".join(f"{what} {how} {value:.2f}" for what, how, value in bounds if value is not None) or "always"


def _part(saved: Mapping[str, Any]) -> Part:
    layers, seed = saved["layers"], saved["seed"]
    return Part(
        mode=str(saved["mode"]),
        layer=int(saved["layer"]),
        strength=float(saved["strength"]),
        direction=str(saved["direction"]),
        layers=None if layers is None else (int(layers[0]), int(layers[1])),
        seed=None if seed is None else int(seed),
    )


def _rule(saved: Mapping[str, Any]) -> Rule:
    bounds = {
        name: None if saved[name] is None else float(saved[name])
        for name in ("least_margin", "most_margin", "least_refusal", "most_refusal")
    }
    return Rule(tuple(_part(part) for part in saved["parts"]), **bounds)
