"""Training of a LoRA adapter with TRL and PEFT: stoppable, resumable, with the loss on the replies alone."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasslib.mitigation.examples import IGNORED, Example, encode_example
from rasslib.mitigation.failures import explained
from rasslib.mitigation.order import training_order
from rasslib.mitigation.settings import AlignSettings, TrainingError
from rasslib.models.templates import ChatFormat
from rasslib.progress import Progress, Silent

STAGE = "Training"


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        model: The PEFT model.
        steps: Optimiser steps.
        resumed_at: Step from which this process went on; 0 if it started from the beginning.
        label_tokens: Reply tokens in the examples, one epoch.
        first_loss, last_loss: Mean loss per reply token over the first and the last ten steps of this process
            (NaN if there was none).
        seconds: Wall-clock time of this process.
    """

    model: Any
    steps: int
    resumed_at: int
    label_tokens: int
    first_loss: float
    last_loss: float
    seconds: float


def fine_tune(
    model: Any,
    chat: ChatFormat,
    examples: Sequence[Example],
    settings: AlignSettings,
    folder: Path,
    progress: Progress | None = None,
) -> Trained:
    """Train LoRA weights on ``examples``.

    ``model`` is changed in place (LoRA weights are put in, everything else is frozen). Checkpoints go to
    ``folder``; if whole ones are there already, the training goes on from the last. The caller makes sure
    that they belong to the same model, examples and settings.

    Raises:
        TrainingError: Too few examples, the loss is not a number, or the memory is full.
        WorkspaceError: A checkpoint cannot be written.
        Stopped: ``progress`` asked to stop; the state is saved first.
    """
    from rasslib.mitigation.trainer import Watch, make_trainer  # imports trl: slow

    rows = [encode_example(example, chat) for example in examples]
    if not all(any(label != IGNORED for label in row["labels"]) for row in rows) or not rows:
        raise TrainingError("There is nothing to train on: every example needs a reply.")
    order = training_order(
        [example.intent for example in examples],
        [len(row["input_ids"]) for row in rows],
        settings.batch_size,
        settings.epochs,
        settings.seed,
    )
    watch = Watch(progress or Silent(), STAGE)
    started = time.monotonic()
    with explained(folder):
        last = last_whole_checkpoint(folder)
        trainer = make_trainer(model, chat.tokenizer, [rows[k] for k in order], settings, folder, watch)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    if watch.stopped is not None:
        raise watch.stopped
    trained: Any = trainer.model
    trained.eval()
    return Trained(
        model=trained,
        steps=int(trainer.state.global_step),
        resumed_at=_step(last) if last else 0,
        label_tokens=sum(label != IGNORED for row in rows for label in row["labels"]),
        first_loss=_mean(watch.losses[:10]),
        last_loss=_mean(watch.losses[-10:]),
        seconds=time.monotonic() - started,
    )


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end; half-written ones are removed."""
    from rasslib.mitigation.trainer import COMPLETE

    whole = []
    for path in folder.glob("checkpoint-*"):
        if (path / COMPLETE).is_file():
            whole.append(path)
        else:
            with contextlib.suppress(OSError):
                shutil.rmtree(path)
    return max(whole, key=_step, default=None)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
