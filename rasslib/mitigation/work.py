"""The folder of unfinished work of one training."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rasslib.mitigation.failures import explained
from rasslib.mitigation.settings import TrainingError
from rasslib.workspace.files import atomic_json, make_folder


def work_path(out: Path, made_of: Mapping[str, Any]) -> Path:
    """Where the unfinished work of this training lies; another one that will end in ``out`` has a place of its own."""
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    return out.parent / f".{out.name}.{key}.work"


def unfinished(out: Path) -> list[Path]:
    """Folders of unfinished work that will end in ``out``, the one touched last first."""
    found = out.parent.glob(f".{glob.escape(out.name)}.*.work")
    return sorted((path for path in found if path.is_dir()), key=lambda path: path.stat().st_mtime, reverse=True)


MADE_OF = "made-of.json"


@contextmanager
def work_folder(out: Path, made_of: Mapping[str, Any]) -> Iterator[Path]:
    """The folder of unfinished work for this very training.

    It is kept when the block fails, so that the same call can go on from there. When it succeeds it is removed, and
    with it what other trainings left that were to end in the same place, which is taken now.

    Args:
        out: Where the training will end.
        made_of: All that fixes the result: settings, base and data, as plain JSON.

    Raises:
        TrainingError: Another process is training to the same place.
        WorkspaceError: The folder cannot be written to.
    """
    work = work_path(out, made_of)
    make_folder(work.parent)
    lock = FileLock(out.parent / f".{out.name}.lock", timeout=0)
    try:
        with explained(work), lock:
            make_folder(work)
            if not (work / MADE_OF).is_file():
                atomic_json(work / MADE_OF, made_of)
            yield work
            for one in unfinished(out):
                shutil.rmtree(one, ignore_errors=True)
    except Timeout as error:
        raise TrainingError(
            f"Another training is already writing to {out}; wait for it or choose another folder."
        ) from error
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink()
