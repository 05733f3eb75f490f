"""One job in a workspace: what was asked, how far it is, how it ended.

``mitigation/<name>/`` of a workspace holds

==================  ====================================================================================
``job.json``        what was asked
``progress.json``   stage, done, total, seconds left; written while it runs
``outcome.json``    ``state`` and a sentence; missing where the process was killed
``stop``            there while it is asked to stop
``lock``            held by the process that works on it
``log.txt``         what that process wrote
``adapter/``        the adapter (or model) that a training made
``result.json``     what a comparison found, with ``moved/`` beside it
==================  ====================================================================================
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rasslib.errors import RassError, WorkspaceError
from rasslib.mitigation.jobs.asks import Ask, CompareAsk, TrainAsk, as_json, from_json, name_of
from rasslib.workspace import Workspace
from rasslib.workspace.files import atomic_json, check_name, explain, make_folder, read_json

FOLDER = "mitigation"
ASKED, PROGRESS, OUTCOME, STOP, LOCK, LOG = (
    "job.json",
    "progress.json",
    "outcome.json",
    "stop",
    "lock",
    "log.txt",
)
STARTING, RUNNING, FINISHED, STOPPED, FAILED, KILLED = (
    "starting",
    "running",
    "finished",
    "stopped",
    "failed",
    "killed",
)
START_SECONDS = 180.0
"""A process that has not begun after this time never will."""


@dataclass(frozen=True)
class Told:
    """How far a job is."""

    stage: str = ""
    done: int = 0
    total: int = 0
    left: float | None = None


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        folder: Where it is kept.
        ask: What was asked.
        created: When it was asked first (ISO, UTC).
    """

    folder: Path
    ask: Ask
    created: str

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.folder.name

    @property
    def adapter(self) -> Path:
        """Where a training writes."""
        return self.folder / "adapter"

    @property
    def live(self) -> Path:
        """Events of a training while it runs."""
        from rasslib.mitigation.live import FILE
        from rasslib.mitigation.work import unfinished

        return next(iter(unfinished(self.adapter)), self.folder) / FILE

    def lock(self, timeout: float = 0) -> FileLock:
        """The lock of the process that works on it; waited for so many seconds."""
        return FileLock(self.folder / LOCK, timeout=timeout)

    def state(self) -> str:
        """``running``, ``finished``, ``stopped``, ``failed``, or ``killed`` where it ended without a word."""
        lock = self.lock()
        try:
            with lock:
                held = False
        except Timeout:
            held = True
        except OSError as error:
            raise explain(error, self.folder) from error
        if held:
            return RUNNING
        outcome = self.outcome()
        state = outcome.get("state", KILLED)
        if state == STARTING:
            return RUNNING if time.time() - float(outcome.get("at", 0)) < START_SECONDS else KILLED
        return KILLED if state == RUNNING else str(state)  # it says that it runs, and holds no lock

    def outcome(self) -> dict[str, Any]:
        """How it ended; empty where it did not."""
        return _read(self.folder / OUTCOME)

    def told(self) -> Told:
        """How far it is."""
        with contextlib.suppress(TypeError):
            return Told(**_read(self.folder / PROGRESS))
        return Told()

    def ended(self, state: str, said: str = "", **more: Any) -> None:
        """Write how it ended (or that it is starting).

        Raises:
            WorkspaceError: It cannot be written.
        """
        atomic_json(self.folder / OUTCOME, {"state": state, "said": said, "at": time.time(), **more})

    def ask_to_stop(self) -> None:
        """Ask it to stop after the step at hand; what was done is saved first.

        Raises:
            WorkspaceError: It cannot be told.
        """
        try:
            (self.folder / STOP).touch()
        except OSError as error:
            raise explain(error, self.folder / STOP) from error

    @property
    def stopping(self) -> bool:
        """Whether it is asked to stop."""
        return (self.folder / STOP).exists()


def make_job(workspace: Workspace, ask: Ask) -> Job:
    """The job of this ask; the one that is there already, where it was asked before.

    Raises:
        WorkspaceError: It cannot be written.
    """
    folder = make_folder(workspace.root / FOLDER / name_of(ask))
    if not (folder / ASKED).is_file():
        created = datetime.now(UTC).isoformat(timespec="seconds")
        atomic_json(folder / ASKED, {"format": 1, "created": created, **as_json(ask)})
    return open_job(folder)


def open_job(folder: Path) -> Job:
    """A job by its folder.

    Raises:
        WorkspaceError: There is none, or it is damaged.
    """
    saved = read_json(folder / ASKED)
    if not isinstance(saved, dict):
        raise WorkspaceError(f"Cannot read {folder / ASKED}: it is damaged; move it away and start again.")
    return Job(folder, from_json(saved), str(saved.get("created", "")))


def job_named(workspace: Workspace, name: str) -> Job:
    """A job by its name.

    Raises:
        WorkspaceError: There is none.
    """
    return open_job(workspace.root / FOLDER / check_name(name, "job"))


def jobs(workspace: Workspace, kind: type[TrainAsk] | type[CompareAsk]) -> list[Job]:
    """All of a kind, newest first; damaged ones are left out."""
    found = []
    for path in (workspace.root / FOLDER).glob(f"*/{ASKED}"):
        with contextlib.suppress(RassError):
            job = open_job(path.parent)
            if isinstance(job.ask, kind):
                found.append(job)
    return sorted(found, key=lambda job: (job.created, job.name), reverse=True)


def _read(path: Path) -> dict[str, Any]:
    with contextlib.suppress(RassError):
        if path.is_file():
            found = read_json(path)
            return found if isinstance(found, dict) else {}
    return {}
