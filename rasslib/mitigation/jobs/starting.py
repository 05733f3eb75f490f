"""Start and stop the process of a job."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import rasslib
from rasslib.errors import WorkspaceError
from rasslib.mitigation.jobs.asks import TrainAsk
from rasslib.mitigation.jobs.job import FAILED, FINISHED, KILLED, LOG, OUTCOME, PROGRESS, RUNNING, STARTING, STOP, Job
from rasslib.settings import cache_dir, workspace_dir
from rasslib.workspace.files import explain

_processes: dict[Path, subprocess.Popen[bytes]] = {}


def start(job: Job) -> None:
    """Start a job, or go on with it where it ended; one that runs already is left alone.

    Raises:
        WorkspaceError: It is finished, or its process cannot be started.
    """
    now = state_of(job)
    if now == RUNNING:
        return
    if now == FINISHED and isinstance(job.ask, TrainAsk) and job.adapter.is_dir():
        raise WorkspaceError(
            "This very training is finished already, and the same settings would give the same adapter; change the "
            "seed or a setting."
        )
    try:
        for old in (PROGRESS, STOP):
            (job.folder / old).unlink(missing_ok=True)
        job.ended(STARTING)
        spawn(job.folder)
    except OSError as error:
        told = explain(error, job.folder, "start the process of")
        job.ended(FAILED, str(told))
        raise told from error


def spawn(folder: Path) -> None:
    """Start the process; it finds this very program, workspace and cache."""
    code = str(Path(rasslib.__file__).parent.parent)
    paths = [code, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    named = {"RASS_WORKSPACE": str(workspace_dir()), "RASS_CACHE": str(cache_dir())}
    with (folder / LOG).open("ab") as log:
        _processes[folder] = subprocess.Popen(
            [sys.executable, "-m", "rasslib.mitigation.jobs.worker", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **named, "PYTHONPATH": os.pathsep.join(paths)},
        )


def state_of(job: Job) -> str:
    """The state of a job, knowing whether a process that this one started has ended."""
    process = _processes.get(job.folder)
    if process is not None and process.poll() is None:
        return RUNNING
    if process is not None:
        del _processes[job.folder]
        if job.outcome().get("state") == STARTING:  # it died before it could say a word
            (job.folder / OUTCOME).unlink(missing_ok=True)
            return KILLED
    return job.state()
