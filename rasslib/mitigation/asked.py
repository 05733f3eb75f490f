"""Rates of every arm over sets it was asked in one way, directly or under prefill, with intervals and differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rasslib.boundary.resampling import percentiles
from rasslib.mitigation.held_out import HeldOut
from rasslib.mitigation.outcomes import Outcome
from rasslib.mitigation.paired import QUANTITIES, Floats, Resampled, means, rate, resample, wrong
from rasslib.refusal.rates import wilson


@dataclass(frozen=True, eq=False)
class Asked:
    """Sets that every arm was asked in one way.

    Attributes:
        sets: The sets.
        b: By arm and set, 1 for wrong, [seeds, n].
        drawn: Paired resamples of it.
    """

    sets: Sequence[HeldOut]
    b: dict[str, dict[str, Floats]]
    drawn: Resampled

    def means(self, arm: str, seed: slice = slice(None)) -> dict[str, float]:
        """Means of an arm, or of some of its seeds."""
        return means({s.name: rate(self.b[arm][s.name][seed]) for s in self.sets}, self.sets)

    def rates(self, arm: str) -> dict[str, dict[str, Any]]:
        """Rates of an arm by set."""
        return {s.name: _rate(self.b[arm][s.name], s.metric, self.drawn.rates[arm][s.name]) for s in self.sets}

    def rate_differences(self, arm: str, other: str) -> dict[str, Any]:
        """Differences of two arms by set."""
        return {
            s.name: {
                "difference": rate(self.b[arm][s.name]) - rate(self.b[other][s.name]),
                "interval": list(self.drawn.rate_difference(arm, other, s.name)),
            }
            for s in self.sets
        }

    def differences(self, arm: str, other: str, names: Sequence[str] = QUANTITIES) -> dict[str, Any]:
        """Differences of two arms' means."""
        ours, theirs = self.means(arm), self.means(other)
        return {
            name: {"difference": ours[name] - theirs[name], "interval": list(self.drawn.difference(arm, other, name))}
            for name in names
        }


def asked(
    arms: Mapping[str, Sequence[Outcome]],
    sets: Sequence[HeldOut],
    draws: int,
    seed: int,
    way: Callable[[Outcome], Mapping[str, Mapping[str, str]]],
) -> Asked:
    """What every arm did when it was asked in one way.

    Args:
        arms: Models of every arm.
        sets: The sets.
        draws: Resamples.
        seed: Of the resamples.
        way: Behaviour by set and prompt id.
    """
    b = {
        arm: {one.name: np.stack([wrong(one, way(o)[one.name]) for o in found]) for one in sets}
        for arm, found in arms.items()
    }
    return Asked(sets, b, resample(b, sets, draws, seed))


def alone(rates: Mapping[str, Mapping[str, Any]], metric: str) -> list[float]:
    """Limits of the only rate of a metric; empty where there are more. Resamples of 0 of 6 would show no doubt."""
    alone = [one for one in rates.values() if one["metric"] == metric]
    return [alone[0]["low"], alone[0]["high"]] if len(alone) == 1 else []


def invalid_share(rates: Mapping[str, Mapping[str, Any]]) -> float:
    """Share of replies that could not be judged: they count in no rate, so an arm that talks nonsense may look good."""
    invalid = sum(one["invalid"] for one in rates.values())
    return float(invalid / max(1, invalid + sum(one["n"] for one in rates.values())))


def _rate(b: Floats, metric: str, draws: Floats) -> dict[str, Any]:
    """One rate; n counts valid replies, of all seeds together."""
    n, k = int((~np.isnan(b)).sum()), int(np.nansum(b))
    low, high = wilson(k, n) if len(b) == 1 else percentiles(draws)
    if low == high and n:  # resamples of 0 of 127 show no doubt: as if the seeds had been one
        prompts = int((~np.isnan(b)).any(axis=0).sum())
        low, high = wilson(round(prompts * k / n), prompts)
    return {
        "metric": metric,
        "n": n,
        "refused": k if metric == "RR" else n - k,
        "rate": k / n if n else math.nan,
        "low": low,
        "high": high,
        "invalid": int(np.isnan(b).sum()),
        "seeds": len(b),
    }
