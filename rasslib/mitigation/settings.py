"""Settings of a training, checked when they are made, and the error of a training that cannot go on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from rasslib.errors import RassError

Schedule = Literal["linear", "cosine", "constant"]
Method = Literal["sft", "p-sft", "dpo", "grpo"]
METHODS: tuple[Method, ...] = get_args(Method)
"""How an arm's data are trained on.

=========  ====================================================================================================
sft        likelihood of refusals (harmful) and answers (benign)
p-sft      the same, refusals partly behind a short compliant opening that carries no loss (Qi et al. 2406.05946)
dpo        preference of the right reply over the wrong one (Rafailov et al. 2305.18290)
grpo       reinforcement by the phrase judge; stands in place of the PPO of *Deactivating Refusal Triggers*
=========  ====================================================================================================
"""


HOW_RUN = ("checkpoints", "micro_batch")
"""Settings that leave the result of a training alone."""


class TrainingError(RassError):
    """A training cannot start or go on (too few prompts, loss not finite, memory full, ...)."""


@dataclass(frozen=True)
class AlignSettings:
    """How an adapter is trained; together with data and base model this fixes the result.

    Attributes:
        recipe: Name of the data recipe (see :data:`rasslib.mitigation.recipes.RECIPES`).
        method: One of :data:`METHODS`.
        seed: Seed of the choice of refusals, of LoRA's first weights and of the order of the examples.
        epochs: Passes over the examples; in arms whose batches are composed, passes over the harmful ones.
        steps: Optimiser steps of an arm whose batches are composed; None follows from ``epochs``.
        harmful_share: α, the share of each composed batch that is harmful (16 of 80 is 0.2); the recipe ``sft``
            takes its examples as they are, each once an epoch.
        benign_size: Benign examples of each arm of equal size; None for as many as there are harmful ones.
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
        checkpoints: At least so many times the state is saved along the way, so that a killed training can go on;
            more often where steps take seconds (see :class:`~rasslib.mitigation.watching.Watch`).
        full: Train all weights instead of LoRA's; the result is a model folder instead of an adapter.
        prefix_share: Share of the refusals that stand behind a compliant opening (``p-sft``).
        beta: Weight of staying near where the training starts, the base or an adapter: β of DPO, and of the KL term
            of GRPO.
        generations: Replies drawn to each prompt (``grpo``).
        completion_tokens: Length at which these are cut, in tokens.
        temperature: At which these are drawn.
    """

    recipe: str = "sft"
    method: Method = "sft"
    seed: int = 0
    epochs: int = 3
    steps: int | None = None
    harmful_share: float = 0.2
    benign_size: int | None = None
    learning_rate: float = 5e-4
    schedule: Schedule = "cosine"
    warmup: float = 0.05
    batch_size: int = 10
    micro_batch: int = 5
    rank: int = 8
    alpha: int = 16
    strengthen: float = 1.0
    dropout: float = 0.0
    reply_tokens: int = 48
    max_harmful: int | None = None
    max_harmless: int | None = None
    checkpoints: int = 20
    full: bool = False
    prefix_share: float = 0.5
    beta: float = 0.1
    generations: int = 4
    completion_tokens: int = 32
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            TrainingError: A value makes no sense; the sentence names it.
        """
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise TrainingError(f"The training setting {name} is {getattr(self, name)}; it must be at least 1.")
        for name in ("max_harmful", "max_harmless", "steps", "benign_size"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise TrainingError(
                    f"The training setting {name} is {value}; give at least 1, or leave it out for all."
                )
        if self.batch_size % self.micro_batch:
            raise TrainingError(
                f"A batch of {self.batch_size} cannot be cut into micro-batches of {self.micro_batch}; "
                "choose a divisor."
            )
        for name in ("learning_rate", "strengthen", "temperature"):
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
        if not 0 < self.harmful_share < 1:
            raise TrainingError(
                f"The training setting harmful_share is {self.harmful_share}; give a share between 0 and 1, or take "
                "the recipe refusals for no benign data."
            )
        if not 0 <= self.prefix_share <= 1:
            raise TrainingError(f"The training setting prefix_share is {self.prefix_share}; give a share from 0 to 1.")
        if not (math.isfinite(self.beta) and self.beta >= 0):
            raise TrainingError(f"The training setting beta is {self.beta}; give 0 or more, such as 0.1.")
        if self.method not in METHODS:
            raise TrainingError(f"Unknown method {self.method!r}: use one of {', '.join(METHODS)}.")
        self._check_combinations()

    def _check_combinations(self) -> None:
        """Raise where settings that are sound alone make no sense together."""
        if self.method == "dpo" and self.beta == 0:
            raise TrainingError("DPO with beta 0 learns nothing; give a beta such as 0.1.")
        if self.method == "grpo" and self.generations < 2:
            raise TrainingError("GRPO compares replies to one prompt, so it needs at least 2 generations.")
        if self.full and self.method == "grpo" and self.beta > 0:
            raise TrainingError(
                "GRPO of all weights keeps no second copy of the base to stay near; give --beta 0, or train LoRA."
            )
        if self.full and self.strengthen != 1:
            raise TrainingError("Only a LoRA update can be strengthened; give --strengthen 1 to train all weights.")


_COUNTS = (
    "epochs",
    "batch_size",
    "micro_batch",
    "rank",
    "alpha",
    "reply_tokens",
    "checkpoints",
    "generations",
    "completion_tokens",
)
