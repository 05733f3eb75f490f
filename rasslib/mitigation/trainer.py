"""TRL's trainers as we use them: quiet, offline, checked at every step, fed with our own token ids (slow to import)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel
from torch.nn.functional import cross_entropy
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from rasslib.mitigation.examples import IGNORED
from rasslib.mitigation.settings import AlignSettings
from rasslib.mitigation.watching import COMPLETE, Watch

__all__ = ["COMPLETE", "QuietTrainer", "Watch", "common", "lora_config", "make_trainer", "on_one", "quiet"]


class Quiet:
    """What keeps a TRL trainer from sending usage data and from writing model cards."""

    def _send_telemetry(self) -> None:
        """Send nothing."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write nothing: the provenance file says how the adapter was made."""


class QuietTrainer(Quiet, SFTTrainer):
    """SFTTrainer that sends no usage data anywhere and writes no model card."""

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """The same loss; on a processor only positions with a label are scored, where TRL scores all of them."""
        labels = inputs["labels"]
        if return_outputs or labels.device.type != "cpu" or self.aux_loss_enabled:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        learnt = (labels[:, 1:] != IGNORED).any(dim=0).nonzero().squeeze(1)  # columns whose next token is learnt
        given = {name: value for name, value in inputs.items() if name != "labels"}
        logits = model(**given, use_cache=False, logits_to_keep=learnt).logits
        targets = labels[:, learnt + 1].flatten()
        total = cross_entropy(logits.flatten(0, 1).float(), targets, ignore_index=IGNORED, reduction="sum")
        tokens = (targets != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        return total / tokens


def lora_config(settings: AlignSettings, model: Any) -> LoraConfig | None:
    """LoRA on every linear layer of the blocks (the output layer left out).

    None where all weights are trained, and where the model has its LoRA weights already.
    """
    if settings.full or isinstance(model, PeftModel):
        return None
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )


def common(settings: AlignSettings, folder: Path, steps: int, model: Any) -> dict[str, Any]:
    """Arguments that all trainers share."""
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": settings.micro_batch,
        "gradient_accumulation_steps": settings.batch_size // settings.micro_batch,
        "num_train_epochs": 1,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": settings.schedule,
        "warmup_steps": math.ceil(settings.warmup * steps),
        "optim": "adamw_torch",
        "weight_decay": 0.0,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "gradient_checkpointing": False,
        "bf16": False,
        "use_cpu": next(model.parameters()).device.type == "cpu",
        "dataloader_pin_memory": False,
        "train_sampling_strategy": "sequential",
        "save_strategy": "steps",
        "save_steps": max(1, math.ceil(steps / settings.checkpoints)),
        "save_total_limit": 2,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "report_to": "none",
        "disable_tqdm": True,
    }


def on_one(arguments: Any) -> Any:
    """The same on one GPU, however many there are: TRL refuses a model that is copied to several in one process."""
    if arguments.n_gpu > 1:  # asking for it sets it up, so that nothing counts them again
        arguments._n_gpu = 1
    return arguments


def quiet(trainer: Any) -> Any:
    """Take off what writes to standard output, where commands print their JSON."""
    trainer.remove_callback(PrinterCallback)
    return trainer


def make_trainer(
    model: Any,
    tokenizer: Any,
    rows: list[dict[str, list[int]]],
    settings: AlignSettings,
    folder: Path,
    callbacks: Sequence[TrainerCallback],
) -> Any:
    """An SFT trainer for ``rows`` (``input_ids`` and ``labels``, of all steps, in their order).

    Checkpoints go to ``folder``. ``model`` is changed in place: LoRA weights are put in, the rest is frozen.
    """
    from datasets import Dataset  # slow to import

    steps = math.ceil(len(rows) / settings.batch_size)
    with warnings.catch_warnings():  # TRL names options that transformers is about to rename
        warnings.simplefilter("ignore", FutureWarning)
        trainer = QuietTrainer(
            model=model,
            args=on_one(SFTConfig(**common(settings, folder, steps, model), max_length=None, packing=False)),
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=lora_config(settings, model),
            callbacks=list(callbacks),
        )
    return quiet(trainer)
