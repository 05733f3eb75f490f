"""The order of training examples: a steady mix of intents, and micro-batches of like length."""

from __future__ import annotations

import random
from collections.abc import Sequence


def training_order(
    intents: Sequence[str], lengths: Sequence[int], batch_size: int, epochs: int, seed: int
) -> list[int]:
    """Positions of the examples in the order in which they are trained on, all epochs one after the other.

    In each epoch every example comes once. The examples of each intent are shuffled and spread evenly over
    the epoch, so that every batch holds about the same mix; within a batch they are sorted by length, so that
    micro-batches (consecutive pieces of a batch) need little padding. The loss is a mean over the whole
    batch, so this last order changes nothing but the time.

    Args:
        intents: Intent of each example.
        lengths: Length of each example, in tokens.
        batch_size: Examples per optimiser step.
        epochs: Passes over the examples.
        seed: Seed of the shuffles; each epoch has its own.

    Returns:
        ``epochs * len(intents)`` positions; a batch never spans two epochs except where an epoch does not
        fill its last batch.
    """
    order: list[int] = []
    for epoch in range(epochs):
        draw = random.Random(f"{seed}:{epoch}")
        placed: list[tuple[float, float, int]] = []
        for intent in sorted(set(intents)):
            members = [k for k, name in enumerate(intents) if name == intent]
            draw.shuffle(members)
            placed += [((rank + 0.5) / len(members), draw.random(), k) for rank, k in enumerate(members)]
        order += [k for _, _, k in sorted(placed)]
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [k for batch in batches for k in sorted(batch, key=lambda k: (lengths[k], k))]
