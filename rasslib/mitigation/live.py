"""What a training tells while it runs: its loss, and what the model does with validation prompts. Kept in a file."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rasslib.workspace.files import explain, make_folder

FILE = "live.jsonl"
LOSSES_KEPT = 60


VALUES = {"loss": "loss", "reward": "reward", "no_signal": "frac_reward_zero_std"}
"""Numbers that are told, and what TRL calls them."""


@dataclass(frozen=True)
class Event:
    """One thing a training tells.

    Attributes:
        step: After this optimiser step.
        steps: Of so many.
        values: Numbers of the trainer: ``loss``, with GRPO also ``reward`` and ``no_signal``, the share of prompts
            whose replies all earned the same and so taught nothing.
        rates: Refusal rate of validation prompts by intent, each with n and a Wilson interval; empty between two
            measurements.
    """

    step: int
    steps: int
    values: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


Observer = Callable[[Event], None]


@dataclass(frozen=True)
class Live:
    """What is told while a training runs.

    Attributes:
        prompts: Validation prompts of each intent whose refusal rate is measured along the way; 0 for none.
        times: How often.
        observer: Called with every event, in the thread of the training.
    """

    prompts: int = 0
    times: int = 4
    observer: Observer | None = None


class LiveLog:
    """Events of a training in a JSONL file that another process may read while they come.

    Args:
        path: The file.
        observer: Also called with each event.
    """

    def __init__(self, path: Path, observer: Observer | None = None) -> None:
        self.path = path
        self._observer = observer

    def tell(self, event: Event) -> None:
        """Append an event.

        Raises:
            WorkspaceError: The file cannot be written.
        """
        make_folder(self.path.parent)
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(event)) + "\n")
        except OSError as error:
            raise explain(error, self.path) from error
        if self._observer is not None:
            self._observer(event)

    def go_back_to(self, step: int) -> None:
        """Forget what came after a step: the training goes on from there."""
        kept = [event for event in read_live(self.path) if event.step <= step]
        if self.path.exists():
            self.path.write_text("".join(json.dumps(asdict(event)) + "\n" for event in kept), encoding="utf-8")


def read_live(path: Path) -> list[Event]:
    """The events in a file; lines cut by a crash are left out, a missing file has none."""
    found = []
    with contextlib.suppress(OSError):
        for line in path.read_text("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                found.append(Event(**json.loads(line)))
    return found


def history(events: list[Event]) -> dict[str, Any]:
    """For the provenance: the loss averaged over stretches of steps, and all rates."""
    told = [event for event in events if "loss" in event.values]
    width = max(1, -(-len(told) // LOSSES_KEPT))
    stretches = [told[start : start + width] for start in range(0, len(told), width)]
    return {
        name: [[part[-1].step, round(sum(e.values.get(name, 0.0) for e in part) / len(part), 5)] for part in stretches]
        for name in VALUES
        if any(name in event.values for event in told)
    } | {"validation": [{"step": e.step, "refusal_rates": e.rates} for e in events if e.rates]}
