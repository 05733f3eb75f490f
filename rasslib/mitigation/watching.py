"""Callbacks of a training: progress and stop, loss, and refusal rates on validation prompts."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from rasslib.errors import Stopped
from rasslib.mitigation.live import VALUES, Event, LiveLog
from rasslib.mitigation.settings import TrainingError
from rasslib.progress import Progress

COMPLETE = "rass-complete"
"""Empty file that marks a checkpoint whose files are all written."""

Rates = Callable[[Any], Mapping[str, Mapping[str, Any]]]
"""Refusal rates of a model by intent."""


class Watch(TrainerCallback):
    """Reports progress, stops when asked to, and ends a training whose loss is no longer a number.

    Attributes:
        losses: Loss by optimiser step of this process.
        stopped: The request to stop, once there was one; the state was then saved.
    """

    SAVE_AFTER = 5.0
    """Seconds after which the state is saved again, if saving takes no more than a twentieth of the time."""

    def __init__(self, progress: Progress, stage: str, log: LiveLog | None = None) -> None:
        self.progress = progress
        self.stage = stage
        self.log = log
        self.losses: list[float] = []
        self.stopped: Stopped | None = None
        self._saved = self._began = time.monotonic()
        self._took = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Tell how far it is; on a stop, save first. Save, too, where the last time was long ago."""
        if time.monotonic() - self._saved >= max(self.SAVE_AFTER, 20 * self._took):
            control.should_save = True
        try:
            self.progress.update(self.stage, int(state.global_step), int(state.max_steps))
        except Stopped as stopped:
            self.stopped = stopped
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Check loss and gradient; this runs right before the state is saved, so no broken state is kept."""
        self._began = time.monotonic()
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
            if self.log is not None:
                values = {name: float(logs[key]) for name, key in VALUES.items() if logs.get(key) is not None}
                self.log.tell(Event(int(state.global_step), int(state.max_steps), values))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Mark the checkpoint as whole."""
        self._saved = time.monotonic()
        self._took = self._saved - self._began
        (Path(args.output_dir) / f"checkpoint-{state.global_step}" / COMPLETE).touch()


class RatesWatch(TrainerCallback):
    """Measures what the model does with validation prompts, a few times along the way and at the end.

    Args:
        rates: Measures a model.
        times: How often.
        log: Where it is told.
    """

    def __init__(self, rates: Rates, times: int, log: LiveLog) -> None:
        self.rates = rates
        self.times = max(1, times)
        self.log = log

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Measure where it is time."""
        step, steps = int(state.global_step), int(state.max_steps)
        if step % max(1, math.ceil(steps / self.times)) == 0 or step == steps:
            self.log.tell(Event(step, steps, rates=self.rates(kwargs["model"])))
