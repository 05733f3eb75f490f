"""TRL's DPOTrainer on pairs of token ids (Rafailov et al. 2305.18290; slow to import)."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from rasslib.mitigation.settings import AlignSettings
from rasslib.mitigation.trainer import Quiet, common, lora_config, on_one, quiet


class QuietDPOTrainer(Quiet, DPOTrainer):
    """DPOTrainer that takes token ids as they are: prompts are rendered as the lens renders them."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        """Leave the ids alone."""
        return dataset


def make_dpo_trainer(
    model: Any,
    tokenizer: Any,
    rows: list[dict[str, list[int]]],
    settings: AlignSettings,
    folder: Path,
    callbacks: Sequence[TrainerCallback],
) -> Any:
    """A DPO trainer for ``rows`` (``prompt_ids``, ``chosen_ids``, ``rejected_ids``, of all steps, in their order).

    The reference is the model as the training starts: LoRA switched off, a frozen copy of the adapter it starts from,
    or a copy of the model where all weights are trained.
    """
    from datasets import Dataset  # slow to import

    steps = math.ceil(len(rows) / settings.batch_size)
    with warnings.catch_warnings():  # TRL names options that transformers is about to rename
        warnings.simplefilter("ignore", FutureWarning)
        trainer = QuietDPOTrainer(
            model=model,
            ref_model=copy.deepcopy(model) if settings.full else None,
            args=on_one(DPOConfig(**common(settings, folder, steps, model), max_length=None, beta=settings.beta)),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=lora_config(settings, model),
            callbacks=list(callbacks),
        )
    return quiet(trainer)
