"""Batches of a fixed make-up: so many harmful and so many benign examples in every optimiser step.

α of *Deactivating Refusal Triggers* (arXiv 2603.11388, Eq. 1) as batch composition, as in the code of the work it
follows (Qi et al., 2406.05946: 16 harmful and 64 benign samples a step are α = 0.2), with one mean over all reply
tokens of the batch. That the paper's α acts in this way is our reading.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rasslib.mitigation.settings import TrainingError


@dataclass(frozen=True)
class Plan:
    """What is trained on when.

    Attributes:
        order: Positions of examples, batch after batch.
        batch_size: Examples per optimiser step.
        micro_batch: Examples per forward pass; divides ``batch_size``.
    """

    order: tuple[int, ...]
    batch_size: int
    micro_batch: int

    @property
    def steps(self) -> int:
        """Optimiser steps."""
        return math.ceil(len(self.order) / self.batch_size)

    def exposure(self, groups: Sequence[str], tokens: Sequence[int] | None) -> dict[str, dict[str, Any]]:
        """How much of each set is seen: examples in it, draws from it, passes over it, reply tokens drawn.

        Args:
            groups: The set of each example.
            tokens: Reply tokens of each example; None where the model writes its own replies.
        """
        sizes, draws, seen = Counter(groups), Counter[str](), Counter[str]()
        for k in self.order:
            draws[groups[k]] += 1
            seen[groups[k]] += tokens[k] if tokens else 0
        return {
            name: {
                "examples": sizes[name],
                "draws": draws[name],
                "passes": round(draws[name] / sizes[name], 3),
                "reply_tokens": seen[name] if tokens else None,
            }
            for name in sorted(sizes)
        }


def parts(batch_size: int, harmful_share: float) -> tuple[int, int]:
    """Harmful and benign examples of a batch; at least one of each.

    Raises:
        TrainingError: The batch is too small to hold both.
    """
    if batch_size < 2:
        raise TrainingError("A batch of 1 cannot hold harmful and benign examples; give a batch size such as 10.")
    harmful = min(batch_size - 1, max(1, math.floor(batch_size * harmful_share + 0.5)))
    return harmful, batch_size - harmful


def compose(
    intents: Sequence[str],
    lengths: Sequence[int],
    batch_size: int,
    micro_batch: int,
    harmful_share: float,
    steps: int,
    seed: int,
) -> Plan:
    """Batches with the same make-up at every step.

    Each side goes through its examples in shuffled passes, so no example is seen twice more often than another. The
    harmful side depends on the seed and the harmful examples alone: arms that share these see the same harmful
    examples at the same steps. Without benign examples the batches hold the harmful part only, so that this arm too
    sees the same harmful examples at the same steps.

    Args:
        intents: Intent of each example; all but ``harmful`` are benign.
        lengths: Length of each example, in tokens; a batch is sorted by it, which spares padding.
        batch_size: Examples per optimiser step.
        micro_batch: Most examples per forward pass.
        harmful_share: α.
        steps: Optimiser steps.
        seed: Seed of the shuffles.

    Raises:
        TrainingError: There are no harmful examples, or the batch is too small.
    """
    harmful = [k for k, intent in enumerate(intents) if intent == "harmful"]
    benign = [k for k, intent in enumerate(intents) if intent != "harmful"]
    if not harmful:
        raise TrainingError("There are no harmful examples to learn refusals from; add harmful prompts.")
    of_harmful, of_benign = parts(batch_size, harmful_share)
    sides = [(passes(harmful, f"{seed}:harmful"), of_harmful)]
    if benign:
        sides.append((passes(benign, f"{seed}:benign"), of_benign))
    order: list[int] = []
    for _ in range(steps):
        batch = [next(side) for side, count in sides for _ in range(count)]
        order += sorted(batch, key=lambda k: (lengths[k], k))
    size = sum(count for _, count in sides)
    micro = max(n for n in range(1, min(size, micro_batch) + 1) if size % n == 0)
    return Plan(tuple(order), size, micro)


def passes(members: Sequence[int], seed: str) -> Iterator[int]:
    """The members again and again, each pass in an order of its own."""
    number = 0
    while True:
        order = list(members)
        random.Random(f"{seed}:{number}").shuffle(order)
        yield from order
        number += 1


def steps_of(epochs: int, harmful: int, batch_size: int, harmful_share: float) -> int:
    """Optimiser steps for so many passes over the harmful examples."""
    return math.ceil(epochs * harmful / parts(batch_size, harmful_share)[0])
