"""Settings of a training, checked when they are made, and the error of a training that cannot go on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from rasslib.errors import RassError

Schedule = Literal["linear", "cosine", "constant"]


class TrainingError(RassError):
    """A training cannot start or go on (too few prompts, loss not finite, memory full, ...)."""


@dataclass(frozen=True)
class AlignSettings:
    """How an adapter is trained; together with data and base model this fixes the result.

    Attributes:
        recipe: Name of the data recipe (see :data:`rasslib.mitigation.recipes.RECIPES`).
        seed: Seed of the choice of refusals, of LoRA's first weights and of the order of the examples.
        epochs: Passes over the examples.
        learning_rate: Highest learning rate of AdamW, reached after the warm-up.
        schedule: Shape of the learning rate after the warm-up.
        warmup: Share of the steps over which the learning rate rises from 0.
        batch_size: Examples per optimiser step.
        micro_batch: Examples per forward pass; must divide ``batch_size``. Smaller needs less memory.
        rank: LoRA rank, on every linear layer of the blocks.
        alpha: LoRA scale; the update is multiplied by ``alpha / rank``.
        strengthen: The trained update is multiplied by this once it is trained; above 1 the model refuses more, of
            harmful and of harmless prompts alike. Choose it on the validation split.
        dropout: Dropout on the input of the LoRA weights.
        reply_tokens: Length at which the base model's own replies are cut, in tokens.
        max_harmful: At most so many harmful prompts (a seeded draw); None for all.
        max_harmless: The same for harmless prompts.
        checkpoints: How many times the state is saved along the way, so that a stopped training can go on.
    """

    recipe: str = "sft"
    seed: int = 0
    epochs: int = 3
    learning_rate: float = 5e-4
    schedule: Schedule = "cosine"
    warmup: float = 0.05
    batch_size: int = 8
    micro_batch: int = 4
    rank: int = 8
    alpha: int = 16
    strengthen: float = 1.15
    dropout: float = 0.0
    reply_tokens: int = 48
    max_harmful: int | None = None
    max_harmless: int | None = None
    checkpoints: int = 4

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            TrainingError: A value makes no sense; the sentence names it.
        """
        for name in ("epochs", "batch_size", "micro_batch", "rank", "alpha", "reply_tokens", "checkpoints"):
            if getattr(self, name) < 1:
                raise TrainingError(f"The training setting {name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("max_harmful", "max_harmless"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise TrainingError(
                    f"The training setting {name} is {value}; give at least 1, or leave it out for all."
                )
        if self.batch_size % self.micro_batch:
            raise TrainingError(
                f"A batch of {self.batch_size} cannot be cut into micro-batches of {self.micro_batch}; "
                "choose a divisor."
            )
        for name in ("learning_rate", "strengthen"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise TrainingError(
                    f"The training setting {name} is {getattr(self, name)}; give a positive number such as "
                    f"{getattr(AlignSettings, name)}."
                )
        for name in ("warmup", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(
                    f"The training setting {name} is {getattr(self, name)}; give a share from 0 up to 1."
                )
        if self.schedule not in ("linear", "cosine", "constant"):
            raise TrainingError(f"Unknown learning rate schedule {self.schedule!r}: use linear, cosine or constant.")
