"""What moved, kept: a table of places an arm, and the facts beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from rasslib.errors import WorkspaceError
from rasslib.mitigation.moving import Moved
from rasslib.workspace.files import atomic_json, atomic_write, explain, make_folder, read_json

FACTS = "moved.json"


def save_moved(folder: Path, found: Mapping[str, Moved]) -> None:
    """Write what moved in every arm; names of arms never become names of files.

    Raises:
        WorkspaceError: It cannot be written.
    """
    make_folder(folder)
    facts: dict[str, Any] = {}
    for number, (arm, one) in enumerate(found.items()):
        with atomic_write(folder / f"{number}.parquet") as path:
            one.table.to_parquet(path, index=False)
        facts[arm] = {
            "file": f"{number}.parquet",
            "layer": one.layer,
            "position": one.position,
            "explained": one.explained,
            "line": one.line,
            "cosine": one.cosine,
            "random": dict(one.random),
        }
    atomic_json(folder / FACTS, facts)


def read_moved(folder: Path) -> dict[str, Moved]:
    """What :func:`save_moved` wrote; empty where there is nothing.

    Raises:
        WorkspaceError: It is damaged.
    """
    if not (folder / FACTS).is_file():
        return {}
    try:
        return {arm: _one(folder, one) for arm, one in read_json(folder / FACTS).items()}
    except OSError as error:
        raise explain(error, folder, "read") from error
    except (KeyError, TypeError, ValueError) as error:
        raise WorkspaceError(f"What moved, in {folder}, is damaged; compare again.") from error


def _one(folder: Path, told: Mapping[str, Any]) -> Moved:
    line = told["line"]
    return Moved(
        table=pd.read_parquet(folder / str(told["file"])),
        layer=int(told["layer"]),
        position=str(told["position"]),
        explained=(float(told["explained"][0]), float(told["explained"][1])),
        line=None if line is None else (_pair(line[0]), _pair(line[1])),
        cosine=math.nan if told["cosine"] is None else float(told["cosine"]),
        random={str(intent): tuple(map(float, values)) for intent, values in told["random"].items()},
    )


def _pair(values: Any) -> tuple[float, float]:
    return float(values[0]), float(values[1])
