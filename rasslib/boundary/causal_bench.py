"""Measuring one intervention at a time: bypass, induce and KL of Arditi et al. 2024 (arXiv 2406.11717)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, MutableMapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

from rasslib.boundary.directions import Direction
from rasslib.boundary.statistics import mean_interval
from rasslib.models.interventions import Ablate, Add, Intervention
from rasslib.models.lens import Lens
from rasslib.refusal.score import refusal_score

_CELLS = 8_000_000  # logits turned into float64 at a time: 64 MB


def mean_kl(base: Tensor, changed: Tensor) -> float:
    """Mean over prompts of KL(softmax(base) ‖ softmax(changed)), in nats and float64, some rows at a time.

    Args:
        base: [n, vocab] logits; −inf is a probability of 0.
        changed: The same under an intervention.
    """
    rows = max(1, _CELLS // base.shape[1])
    total = 0.0
    for one, other in zip(base.split(rows), changed.split(rows), strict=True):
        log_p, log_q = one.double().log_softmax(-1), other.double().log_softmax(-1)
        terms = log_p.exp() * (log_p - log_q)
        total += float(terms.masked_fill(log_p == -torch.inf, 0.0).sum())
    mean = total / len(base)
    return mean if math.isnan(mean) else max(0.0, mean)  # NaN must not pass for 0


class Bench:
    """Measures one intervention at a time; looks it up first, and stores it at once."""

    def __init__(
        self,
        lens: Lens,
        harmful: list[str],
        harmless: list[str],
        openers: list[int],
        strength: float,
        cache: MutableMapping[str, dict[str, float]],
    ) -> None:
        self._lens, self._harmful, self._harmless = lens, harmful, harmless
        self._openers, self._strength, self._cache = openers, strength, cache
        self._world = "\0".join(["with limits", lens.key, str(openers), *harmful, "", *harmless])
        self.counts = len(harmful), len(harmless)

    @cached_property
    def _plain(self) -> Tensor:
        """[n, vocab] logits after the harmless prompts, unchanged: only read if a KL is missing."""
        return self._lens.next_token_logits(self._harmless)

    @cached_property
    def _scores(self) -> dict[str, Tensor]:
        """[n] ρ of every prompt, unchanged."""
        return {"harmful": self._score(self._logits(self._harmful)), "harmless": self._score(self._plain)}

    def base(self) -> dict[str, float]:
        """Mean ρ without intervention."""
        return self._kept("base", lambda: {kind: float(scores.mean()) for kind, scores in self._scores.items()})

    def ablation(self, vector: Tensor) -> dict[str, float]:
        """Bypass with the limits of the change, and KL."""

        def measure() -> dict[str, float]:
            changes = [Ablate(vector)]
            found = self._changed("bypass", "harmful", self._logits(self._harmful, changes))
            return {**found, "kl": mean_kl(self._plain, self._logits(self._harmless, changes))}

        return self._kept("ablate", measure, vector)

    def addition(self, direction: Direction, vector: Tensor | None = None) -> dict[str, float]:
        """Induce with the limits of the change, of the direction or of another vector at its layer."""
        v = self._strength * (direction.vector if vector is None else vector)
        changes = [Add(direction.layer, v)]
        return self._kept(
            f"add {direction.layer}",
            lambda: self._changed("induce", "harmless", self._logits(self._harmless, changes)),
            v,
        )

    def _changed(self, name: str, kind: str, logits: Tensor) -> dict[str, float]:
        """Mean ρ, and Student's t limits of its change over the same prompts."""
        scores = self._score(logits)
        _, low, high = mean_interval((scores - self._scores[kind]).numpy())
        return {name: float(scores.mean()), f"{name}_low": low, f"{name}_high": high}

    def _logits(self, prompts: list[str], changes: Sequence[Intervention] = ()) -> Tensor:
        return self._lens.next_token_logits(prompts, changes)

    def _score(self, logits: Tensor) -> Tensor:
        return refusal_score(logits, self._openers).double().cpu()

    def _kept(
        self, what: str, measure: Callable[[], dict[str, float]], vector: Tensor | None = None
    ) -> dict[str, float]:
        digest = hashlib.sha256(f"{what}\0{self._world}".encode("utf-8", "surrogatepass"))
        if vector is not None:
            digest.update(vector.detach().cpu().float().contiguous().numpy().tobytes())
        key = digest.hexdigest()[:24]
        if key not in self._cache:
            self._cache[key] = measure()
        return dict(self._cache[key])
