"""Training of a LoRA adapter with TRL and PEFT: stoppable, resumable, with the loss on the replies alone."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rasslib.mitigation.composing import Plan
from rasslib.mitigation.examples import IGNORED, Example, encode_example
from rasslib.mitigation.failures import explained
from rasslib.mitigation.live import FILE, Live, LiveLog, history, read_live
from rasslib.mitigation.order import training_order
from rasslib.mitigation.preferences import Preference, encode_preference
from rasslib.mitigation.prefixes import with_prefixes
from rasslib.mitigation.settings import AlignSettings, TrainingError
from rasslib.models.templates import ChatFormat
from rasslib.progress import Progress, Silent

if TYPE_CHECKING:
    from rasslib.mitigation.watching import Rates

STAGE = "Training"


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        model: The PEFT model.
        steps: Optimiser steps.
        resumed_at: Step from which this process went on; 0 if it started from the beginning.
        label_tokens: Reply tokens in the examples, one epoch.
        first_loss, last_loss: Mean loss over the first and the last ten steps of this process, at most half of them
            each if there are two; per reply token, with DPO per pair, with GRPO of its own kind. NaN if there was none.
        seconds: Wall-clock time of this process.
        exposure: Draws, passes and reply tokens by set, of the whole training.
        history: Loss and validation rates along the way.
    """

    model: Any
    steps: int
    resumed_at: int
    label_tokens: int
    first_loss: float
    last_loss: float
    seconds: float
    exposure: dict[str, dict[str, Any]]
    history: dict[str, Any]


def fine_tune(
    model: Any,
    chat: ChatFormat,
    examples: Sequence[Example],
    settings: AlignSettings,
    folder: Path,
    progress: Progress | None = None,
    *,
    plan: Plan | None = None,
    preferences: Sequence[Preference] = (),
    live: Live | None = None,
    rates: Rates | None = None,
) -> Trained:
    """Train LoRA weights (or all weights, ``settings.full``) on ``examples`` by ``settings.method``.

    ``model`` is changed in place (LoRA weights are put in, everything else is frozen). Checkpoints go to
    ``folder``; if whole ones are there already, the training goes on from the last. The caller makes sure
    that they belong to the same model, examples and settings.

    Args:
        model: A transformers causal language model.
        chat: Chat template and tokenizer.
        examples: What is learnt; for ``dpo`` those of ``preferences``, in the same order.
        settings: How.
        folder: Of checkpoints and of the live log.
        progress: Called after each step; may raise ``Stopped``.
        plan: What is trained on when; by default every example once an epoch.
        preferences: The pairs, for ``dpo``.
        live: What is told while it runs.
        rates: Measures a model on validation prompts, for the live log.

    Raises:
        TrainingError: Too few examples, the loss is not a number, or the memory is full.
        WorkspaceError: A checkpoint cannot be written.
        Stopped: ``progress`` asked to stop; the state is saved first.
    """
    from rasslib.mitigation.watching import RatesWatch, Watch  # imports transformers: slow

    rows = [encode_example(example, chat) for example in examples]
    if not all(any(label != IGNORED for label in row["labels"]) for row in rows) or not rows:
        raise TrainingError("There is nothing to train on: every example needs a reply.")
    plan = plan or _each_once_an_epoch(examples, rows, settings)
    live = live or Live()
    log = LiveLog(folder / FILE, live.observer)
    watch = Watch(progress or Silent(), STAGE, log)
    callbacks: list[Any] = [watch]
    if rates is not None:
        callbacks.append(RatesWatch(rates, live.times, log))
    started = time.monotonic()
    with explained(folder):
        last = last_whole_checkpoint(folder)
        log.go_back_to(_step(last) if last else 0)
        trainer = _trainer(model, chat, examples, preferences, rows, plan, settings, folder, callbacks)
        trainer.train(resume_from_checkpoint=str(last) if last else None)
    if watch.stopped is not None:
        raise watch.stopped
    trained: Any = trainer.model
    trained.eval()
    few = max(1, min(10, len(watch.losses) // 2))
    seen = _seen_tokens(rows, preferences, settings, chat)
    return Trained(
        model=trained,
        steps=int(trainer.state.global_step),
        resumed_at=_step(last) if last else 0,
        label_tokens=sum(_reply_tokens(rows)),
        first_loss=_mean(watch.losses[:few]),
        last_loss=_mean(watch.losses[-few:]),
        seconds=time.monotonic() - started,
        exposure=plan.exposure([example.group for example in examples], seen),
        history=history(read_live(folder / FILE)),
    )


def _trainer(
    model: Any,
    chat: ChatFormat,
    examples: Sequence[Example],
    preferences: Sequence[Preference],
    rows: list[dict[str, list[int]]],
    plan: Plan,
    settings: AlignSettings,
    folder: Path,
    callbacks: list[Any],
) -> Any:
    """The trainer of the method, with what it is fed in the order of the plan. The imports are slow."""
    if settings.full:
        model.requires_grad_(True)  # loaded models are frozen
    sized = replace(settings, batch_size=plan.batch_size, micro_batch=plan.micro_batch)
    if settings.method == "grpo":
        from rasslib.mitigation.trainer_grpo import make_grpo_trainer

        return make_grpo_trainer(model, chat, [examples[k] for k in plan.order], sized, folder, callbacks)
    if settings.method == "dpo":
        from rasslib.mitigation.trainer_dpo import make_dpo_trainer

        pairs = [encode_preference(one, chat) for one in preferences]
        return make_dpo_trainer(model, chat.tokenizer, [pairs[k] for k in plan.order], sized, folder, callbacks)
    from rasslib.mitigation.trainer import make_trainer

    if settings.method == "p-sft":
        drawn = with_prefixes((examples[k] for k in plan.order), settings.prefix_share, settings.seed)
        fed = [encode_example(example, chat) for example in drawn]
    else:
        fed = [rows[k] for k in plan.order]
    return make_trainer(model, chat.tokenizer, fed, sized, folder, callbacks)


def _each_once_an_epoch(
    examples: Sequence[Example], rows: Sequence[dict[str, list[int]]], settings: AlignSettings
) -> Plan:
    order = training_order(
        [example.intent for example in examples],
        [len(row["input_ids"]) for row in rows],
        settings.batch_size,
        settings.epochs,
        settings.seed,
    )
    return Plan(tuple(order), settings.batch_size, settings.micro_batch)


def _reply_tokens(rows: Sequence[dict[str, list[int]]]) -> list[int]:
    return [sum(label != IGNORED for label in row["labels"]) for row in rows]


def _seen_tokens(
    rows: Sequence[dict[str, list[int]]], preferences: Sequence[Preference], settings: AlignSettings, chat: ChatFormat
) -> list[int] | None:
    """Reply tokens that a draw of each example trains on; None where the model writes its own replies."""
    if settings.method == "grpo":
        return None
    if settings.method == "dpo":
        pairs = [encode_preference(pair, chat) for pair in preferences]
        return [len(pair["chosen_ids"]) + len(pair["rejected_ids"]) for pair in pairs]
    return _reply_tokens(rows)


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint that was written to its end; half-written ones are removed."""
    from rasslib.mitigation.watching import COMPLETE

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
