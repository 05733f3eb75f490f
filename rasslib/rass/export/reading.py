"""Reading an export again: the same table, every column, byte for byte of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from rasslib.errors import PromptError
from rasslib.prompts.readers import read_prompts
from rasslib.rass.export.columns import NAMES
from rasslib.rass.export.csv_format import read_csv
from rasslib.rass.export.curated import Curated, make_curated
from rasslib.rass.export.datasets_folder import read_folder
from rasslib.rass.export.jsonl_format import read_jsonl
from rasslib.rass.export.parquet_format import read_parquet
from rasslib.rass.export.provenance import Provenance
from rasslib.rass.export.sidecar import read_sidecar
from rasslib.workspace.files import explain


def read_export(path: Path, *, guarded: bool = True) -> Curated:
    """Read what :func:`rasslib.rass.export.writing.write_export` wrote; the end of the name tells the format.

    Args:
        path: A .csv, .jsonl or .parquet file, or a datasets folder.
        guarded: Whether a CSV was written with the guard against formulas (the default), which is undone.

    Raises:
        PromptError: It is no export, or damaged.
        WorkspaceError: It cannot be read.
    """
    path = path.expanduser()
    provenance: Provenance | None
    frame, provenance, notes = read_folder(path) if path.is_dir() else _file(path, guarded)
    if missing := [name for name in NAMES if name not in frame.columns]:
        raise PromptError(f"{path} is no exported set: it lacks the columns {', '.join(missing)}; read it as prompts.")
    curated = make_curated(frame, provenance)
    changed = int((curated.table["id"] != frame["id"].astype("str").to_numpy()).sum())
    if changed:
        notes.append(f"{changed} ids of {path.name} did not fit their text and were made anew.")
    return replace(curated, notes=(*curated.notes, *notes))


def read_any(path: Path, columns: Mapping[str, str] | None = None, language: str = "en") -> Curated:
    """An export, or any prompt file (CSV, TSV, JSONL, Parquet, plain lines) as a set that nobody has curated.

    Args:
        path: A file, or a datasets folder.
        columns: Role to column of a prompt file, where names are others; an export is read as a prompt file then.
        language: Of prompts of such a file that have none.

    Raises:
        PromptError: Nothing can be read; says why and what to do.
    """
    path = path.expanduser()
    if path.is_dir() or (not columns and path.suffix.lower() in (".csv", ".jsonl", ".parquet") and _is_export(path)):
        return read_export(path)
    result = read_prompts(path, columns=columns, default_language=language)
    told = [f"Row {row.row} was left out: {row.reason}." for row in result.dropped.itertuples()]
    curated = make_curated(result.prompts, Provenance(title=path.stem))
    return replace(curated, notes=(*curated.notes, *result.notes, *told))


def _is_export(path: Path) -> bool:
    try:
        frame = _file(path, guarded=True)[0]
    except PromptError:
        return False
    return set(NAMES) <= set(frame.columns)


def _file(path: Path, guarded: bool) -> tuple[pd.DataFrame, Provenance | None, list[str]]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise explain(error, path, "read") from error
    match path.suffix.lower():
        case ".csv":
            frame, notes = read_csv(data, str(path), guarded)
        case ".jsonl":
            frame, notes = read_jsonl(data, str(path)), []
        case ".parquet":
            frame, provenance = read_parquet(data, str(path))
            return frame, provenance, []
        case _:
            raise PromptError(f"Cannot read {path}: its name must end in .csv, .jsonl or .parquet to tell the format.")
    provenance, told = read_sidecar(path, data)
    return frame, provenance, [*notes, *told]
