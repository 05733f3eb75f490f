"""What a training told along the way, as curves: while it runs, and from the provenance once it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rasslib.mitigation.live import VALUES, Event, history


@dataclass(frozen=True)
class Curves:
    """Curves over optimiser steps.

    Attributes:
        loss: Step and mean loss of the stretch that ends there.
        reward: The same of the mean reward (GRPO); else empty.
        no_signal: The same of the share of prompts whose replies all earned the same (GRPO); else empty.
        rates: Step and refusal rate of validation prompts by intent, each with n and a Wilson interval.
    """

    loss: tuple[tuple[int, float], ...] = ()
    reward: tuple[tuple[int, float], ...] = ()
    no_signal: tuple[tuple[int, float], ...] = ()
    rates: tuple[tuple[int, Mapping[str, Mapping[str, Any]]], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing was told yet."""
        return not (self.loss or self.rates)

    def of(self, intent: str) -> list[tuple[int, Mapping[str, Any]]]:
        """Refusal rates of one intent that have any valid reply."""
        found = [(step, by_intent.get(intent)) for step, by_intent in self.rates]
        return [(step, one) for step, one in found if one and one.get("n")]


def of_events(events: Sequence[Event]) -> Curves:
    """Curves of a training that runs, or was stopped."""
    return of_history(history(list(events)))


def of_history(told: Mapping[str, Any]) -> Curves:
    """Curves of the ``history`` in a provenance file; empty for adapters made before it was kept."""
    rates = tuple((int(one["step"]), one["refusal_rates"]) for one in told.get("validation") or ())
    loss, reward, no_signal = (_pairs(told.get(name)) for name in VALUES)
    return Curves(loss, reward, no_signal, rates)


def _pairs(told: Any) -> tuple[tuple[int, float], ...]:
    return tuple((int(step), float(value)) for step, value in told or () if value is not None)
