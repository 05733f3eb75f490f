"""TRL's GRPOTrainer with the phrase judge as its reward (Shao et al. 2402.03300; slow to import).

GRPO stands in place of the PPO of *Deactivating Refusal Triggers* (arXiv 2603.11388, Eq. 4): the mean reward of
several replies to one prompt takes the place of a learnt value function.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from transformers import TrainerCallback
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from rasslib.mitigation.examples import Example
from rasslib.mitigation.rewards import reward
from rasslib.mitigation.settings import AlignSettings
from rasslib.mitigation.trainer import Quiet, common, lora_config, on_one, quiet
from rasslib.models.decode import stop_ids
from rasslib.models.templates import ChatFormat


class QuietGRPOTrainer(Quiet, GRPOTrainer):
    """GRPOTrainer that renders prompts as the lens does.

    Attributes:
        chat: Chat template and tokenizer; set before the training starts.
    """

    chat: ChatFormat

    def _tokenize_prompts(self, prompts: list[str]) -> tuple[list[list[int]], None, dict[str, Any]]:
        """Token ids of the prompts; no images, no other fields."""
        return [list(self.chat.render(prompt).ids) for prompt in prompts], None, {}


def make_grpo_trainer(
    model: Any,
    chat: ChatFormat,
    drawn: Sequence[Example],
    settings: AlignSettings,
    folder: Path,
    callbacks: Sequence[TrainerCallback],
) -> Any:
    """A GRPO trainer for the prompts of ``drawn``, of all steps, in their order; a whole number of batches.

    Each prompt gets ``settings.generations`` sampled replies, and each step trains on fresh ones.
    """
    from datasets import Dataset  # slow to import

    ends = stop_ids(model, chat.tokenizer)

    def right(
        completions: list[str],
        completion_ids: list[list[int]],
        intent: list[str],
        **rest: Any,  # noqa: ARG001
    ) -> list[float]:
        finished = [bool(ids) and ids[-1] in ends for ids in completion_ids]
        return [reward(*one) for one in zip(intent, completions, finished, strict=True)]

    steps = len(drawn) // settings.batch_size
    arguments = common(settings, folder, steps, model)
    arguments |= {
        "per_device_train_batch_size": settings.micro_batch * settings.generations,
        "max_steps": steps,
        "num_generations": settings.generations,
        "max_completion_length": settings.completion_tokens,
        "temperature": settings.temperature,
        "beta": settings.beta,
        "shuffle_dataset": False,
        "remove_unused_columns": False,
    }
    arguments.pop("train_sampling_strategy")
    with warnings.catch_warnings():  # TRL names options that transformers is about to rename
        warnings.simplefilter("ignore", FutureWarning)
        trainer = QuietGRPOTrainer(
            model=model,
            reward_funcs=cast(Any, right),  # TRL's type wants a list that may hold None
            args=on_one(GRPOConfig(**arguments)),
            train_dataset=Dataset.from_list([{"prompt": one.prompt, "intent": one.intent} for one in drawn]),
            processing_class=chat.tokenizer,
            peft_config=lora_config(settings, model),
            callbacks=list(callbacks),
        )
    trainer.chat = chat
    return quiet(trainer)
