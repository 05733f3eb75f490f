"""Comparisons that come along: what ``rass compare`` found on the embedded base, to be read before anything is run.

``assets/comparisons/<name>.json`` holds a ``title`` and the ``result`` of
:func:`rasslib.mitigation.comparing.compare`, as it was printed, without a report and without what moved. That lies in
the folder ``assets/comparisons/<name>``, where there is one, as :func:`rasslib.mitigation.moving_files.save_moved`
leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasslib.errors import WorkspaceError
from rasslib.mitigation.moving_files import FACTS
from rasslib.settings import assets_dir
from rasslib.workspace.files import read_json


@dataclass(frozen=True)
class Along:
    """A comparison that comes along.

    Attributes:
        name: Its file's, without the ending.
        title: For people.
        result: What was found.
        moved: Where it is kept how the boundary moved; None where that was not measured.
    """

    name: str
    title: str
    result: dict[str, Any]
    moved: Path | None = None


def comparisons_along(folder: Path | None = None) -> dict[str, Along]:
    """All of them by name; empty where the installation has none.

    Args:
        folder: Where they lie; by default those of the installation.

    Raises:
        WorkspaceError: One cannot be read.
    """
    place = folder or assets_dir() / "comparisons"
    return {path.stem: _read(path) for path in sorted(place.glob("*.json"))}


def _read(path: Path) -> Along:
    saved, folder = read_json(path), path.with_suffix("")
    try:
        moved = folder if (folder / FACTS).is_file() else None
        return Along(path.stem, str(saved["title"]), dict(saved["result"]), moved)
    except (KeyError, TypeError, ValueError) as error:
        raise WorkspaceError(f"The comparison {path} is damaged; install the program again.") from error
