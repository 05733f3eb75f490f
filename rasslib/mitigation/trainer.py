"""TRL's SFTTrainer as we use it: quiet, offline, checked at every step (slow to import)."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

from peft import LoraConfig
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from rasslib.errors import Stopped
from rasslib.mitigation.settings import AlignSettings, TrainingError
from rasslib.progress import Progress

COMPLETE = "rass-complete"
"""Empty file that marks a checkpoint whose files are all written."""


class QuietTrainer(SFTTrainer):
    """SFTTrainer that sends no usage data anywhere and writes no model card."""

    def _send_telemetry(self) -> None:
        """Send nothing."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write nothing: the provenance file says how the adapter was made."""


class Watch(TrainerCallback):
    """Reports progress, stops when asked to, and ends a training whose loss is no longer a number.

    Attributes:
        losses: Mean loss per reply token, by optimiser step of this process.
        stopped: The request to stop, once there was one; the state was then saved.
    """

    def __init__(self, progress: Progress, stage: str) -> None:
        self.progress = progress
        self.stage = stage
        self.losses: list[float] = []
        self.stopped: Stopped | None = None

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Tell how far it is; on a stop, save first."""
        try:
            self.progress.update(self.stage, int(state.global_step), int(state.max_steps))
        except Stopped as stopped:
            self.stopped = stopped
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Check loss and gradient; this runs before the state is saved, so no broken state is kept."""
        logs: dict[str, Any] = kwargs["logs"]
        for name in ("loss", "grad_norm"):
            value = logs.get(name)
            if value is not None and not math.isfinite(float(value)):
                raise TrainingError(
                    f"The training broke down at step {state.global_step} ({name} is not a number); start "
                    "again with a lower learning rate."
                )
        if "loss" in logs:
            self.losses.append(float(logs["loss"]))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Mark the checkpoint as whole."""
        (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()


def lora_config(settings: AlignSettings) -> LoraConfig:
    """LoRA on every linear layer of the blocks (the output layer left out)."""
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )


def make_trainer(
    model: Any,
    tokenizer: Any,
    rows: list[dict[str, list[int]]],
    settings: AlignSettings,
    folder: Path,
    watch: Watch,
) -> QuietTrainer:
    """A trainer for ``rows`` (``input_ids`` and ``labels``, of all epochs, in their order).

    Checkpoints go to ``folder``. ``model`` is changed in place: LoRA weights are put in, the rest is frozen.
    """
    from datasets import Dataset  # slow to import

    steps = math.ceil(len(rows) / settings.batch_size)
    with warnings.catch_warnings():  # TRL names options that transformers is about to rename
        warnings.simplefilter("ignore", FutureWarning)
        config = SFTConfig(
            output_dir=str(folder),
            per_device_train_batch_size=settings.micro_batch,
            gradient_accumulation_steps=settings.batch_size // settings.micro_batch,
            num_train_epochs=1,
            learning_rate=settings.learning_rate,
            lr_scheduler_type=settings.schedule,
            warmup_steps=math.ceil(settings.warmup * steps),
            optim="adamw_torch",
            weight_decay=0.0,
            seed=settings.seed,
            data_seed=settings.seed,
            max_length=None,
            packing=False,
            gradient_checkpointing=False,
            bf16=False,
            use_cpu=next(model.parameters()).device.type == "cpu",
            dataloader_pin_memory=False,
            train_sampling_strategy="sequential",
            save_strategy="steps",
            save_steps=max(1, math.ceil(steps / settings.checkpoints)),
            save_total_limit=2,
            logging_steps=1,
            logging_nan_inf_filter=False,
            report_to="none",
            disable_tqdm=True,
        )
        trainer = QuietTrainer(
            model=model,
            args=config,
            train_dataset=Dataset.from_list(rows),
            processing_class=tokenizer,
            peft_config=lora_config(settings),
            callbacks=[watch],
        )
    trainer.remove_callback(PrinterCallback)  # it writes to standard output, where commands print their JSON
    return trainer
