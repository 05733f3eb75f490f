"""Progress of long work: one small protocol that commands, pages and tests implement as they like."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from rasslib.errors import Stopped


class Progress(Protocol):
    """What long work calls after each finished batch.

    ``update`` may raise :class:`~rasslib.errors.Stopped`; the caller has then already stored the batch.
    """

    def update(self, stage: str, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` items of ``stage`` (a few words for people) are finished."""


@dataclass
class Silent:
    """Progress that goes nowhere."""

    def update(self, stage: str, done: int, total: int) -> None:
        """Do nothing."""


@dataclass
class Clock:
    """Keeps the start of each stage, to estimate the time left."""

    now: Callable[[], float] = time.monotonic
    started: dict[str, tuple[float, int]] = field(default_factory=dict)
    _reached: dict[str, int] = field(default_factory=dict)

    def seconds_left(self, stage: str, done: int, total: int) -> float | None:
        """Seconds left in ``stage`` at its mean speed so far; None until something is finished.

        What was done at the first call (found in the cache) does not count as speed. A stage that falls back has begun
        again.
        """
        if done < self._reached.get(stage, 0):
            self.started.pop(stage, None)
        self._reached[stage] = done
        start, first = self.started.setdefault(stage, (self.now(), done))
        if done <= first:
            return None
        return (self.now() - start) / (done - first) * (total - done)


@dataclass
class TextProgress:
    """Progress as lines on a text stream (standard error for commands), at most one a second."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Clock = field(default_factory=Clock)
    every: float = 1.0
    _last: tuple[str, float] = ("", 0.0)

    def update(self, stage: str, done: int, total: int) -> None:
        """Write ``stage done/total, time left``."""
        left = self.clock.seconds_left(stage, done, total)
        now = self.clock.now()
        same_stage = self._last[0] == stage
        if same_stage and done < total and now - self._last[1] < self.every:
            return
        self._last = (stage, now)
        tail = f", about {left:.0f} s left" if left is not None and done < total else ""
        self.stream.write(f"{stage}: {done}/{total}{tail}\n")
        self.stream.flush()


@dataclass
class Stoppable:
    """Passes progress on and raises :class:`Stopped` once ``should_stop`` answers True."""

    inner: Progress
    should_stop: Callable[[], bool]

    def update(self, stage: str, done: int, total: int) -> None:
        """Pass on, then stop if asked to."""
        self.inner.update(stage, done, total)
        if self.should_stop():
            raise Stopped()
