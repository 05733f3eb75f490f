"""Named slices: selections kept with their run, in ``slices.json`` in the run's folder."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from rasslib.errors import WorkspaceError
from rasslib.workspace.files import atomic_json, clean_text, read_json

FILE = "slices.json"
LONGEST, MOST = 60, 200

_LOCK = threading.Lock()


def load_slices(folder: Path) -> dict[str, list[str]]:
    """Prompt ids by name, in the order of their making; empty where none was made.

    Raises:
        WorkspaceError: The file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    saved = read_json(path)
    if not isinstance(saved, dict) or not all(
        isinstance(ids, list) and all(isinstance(i, str) for i in ids) for ids in saved.values()
    ):
        raise WorkspaceError(f"Cannot read the slices in {path}: it is damaged; move it away and start again.")
    return dict(saved)


def slice_name(name: str) -> str:
    """A name as it is kept: one line, no blanks around it.

    Raises:
        WorkspaceError: It is empty or longer than 60 characters.
    """
    tidy = " ".join(clean_text(name).split())
    if not tidy or len(tidy) > LONGEST:
        raise WorkspaceError(f"A slice needs a name of 1 to {LONGEST} characters; this one has {len(tidy)}.")
    return tidy


def save_slice(folder: Path, name: str, ids: Iterable[str]) -> str:
    """Keep a selection under a name; one of that name is replaced.

    Returns:
        The name as it was kept.

    Raises:
        WorkspaceError: The name cannot be used, nothing is selected, there are 200 already, or it cannot be written.
    """
    tidy, chosen = slice_name(name), list(dict.fromkeys(ids))
    if not chosen:
        raise WorkspaceError("Nothing is selected: select prompts on the map or in the table, then save them.")
    with _LOCK:
        found = load_slices(folder)
        if tidy not in found and len(found) >= MOST:
            raise WorkspaceError(f"There are {MOST} slices already: delete one first.")
        atomic_json(folder / FILE, found | {tidy: chosen})
    return tidy


def delete_slice(folder: Path, name: str) -> None:
    """Forget a slice; one that is not there is no error.

    Raises:
        WorkspaceError: The file is damaged or cannot be written.
    """
    with _LOCK:
        found = load_slices(folder)
        if found.pop(name, None) is not None:
            atomic_json(folder / FILE, found)
