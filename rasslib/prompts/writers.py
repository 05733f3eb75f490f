"""Writing prompts: CSV that no spreadsheet runs, TSV, JSONL, Parquet and plain lines, always whole."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Number
from pathlib import Path
from typing import Any

import pandas as pd

from rasslib.errors import PromptError
from rasslib.prompts.cells import as_text, is_missing
from rasslib.prompts.guard import guard_text
from rasslib.prompts.schema import clean_text, validate

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet", ".txt")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


def to_csv_bytes(df: pd.DataFrame, guard: bool = True, excel_bom: bool = True) -> bytes:
    """Any frame as CSV in UTF-8.

    Args:
        df: Rows to write; its index is left out.
        guard: Prefix text that a spreadsheet would run (:mod:`rasslib.prompts.guard`); numbers are never
            touched. The readers undo it.
        excel_bom: Begin with a byte order mark, without which Excel takes UTF-8 for Windows-1252.
    """
    return _delimited(df, ",", guard).encode("utf-8-sig" if excel_bom else "utf-8")


def write_prompts(df: pd.DataFrame, path: Path, *, guard: bool = True, excel_bom: bool = False) -> None:
    """Write a prompt set in the format that the suffix names: .csv, .tsv, .jsonl, .parquet or .txt.

    Reading the file again gives the same set. Exceptions: plain lines hold the prompts alone, each on one
    line (ids stay the same); CSV and TSV cannot tell a missing cell of an extra column from an empty one, nor
    a text column of nothing but numbers from a column of numbers.

    Args:
        df: A prompt set.
        path: The file; it is replaced as a whole. Missing folders are made.
        guard: See :func:`to_csv_bytes`; CSV and TSV only.
        excel_bom: See :func:`to_csv_bytes`; CSV only. Off, because most other programs read the mark as text.

    Raises:
        PromptError: The set is not valid, the suffix is none of these, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise PromptError(f"Cannot write {path}: its name must end in one of {known} to tell the format.")
    data = _bytes(validate(df), suffix, guard, excel_bom)
    with _atomic(path.expanduser()) as temporary:
        temporary.write_bytes(data)


def _bytes(df: pd.DataFrame, suffix: str, guard: bool, excel_bom: bool) -> bytes:
    match suffix:
        case ".csv":
            return to_csv_bytes(df, guard, excel_bom)
        case ".tsv":
            return _delimited(df, "\t", guard).encode("utf-8")
        case ".jsonl":
            return _jsonl(df)
        case ".parquet":
            return _parquet(df)
        case _:
            return _txt(df)


def _jsonl(df: pd.DataFrame) -> bytes:
    names = [str(name) for name in df.columns]
    columns = [[_plain(value) for value in df[name].tolist()] for name in df.columns]
    lines = [
        clean_text(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=as_text))
        for row in zip(*columns, strict=True)
    ]
    return "".join(line + "\n" for line in lines).encode("utf-8")


def _parquet(df: pd.DataFrame) -> bytes:
    df = df.copy()
    for name in df.columns:
        # A Parquet column has one type: where people mixed them, text holds them all.
        filled = [value for value in df[name].tolist() if not is_missing(value)] if df[name].dtype == object else []
        if len({type(value) for value in filled}) > 1:
            df[name] = [None if is_missing(value) else as_text(value) for value in df[name].tolist()]
    buffer = io.BytesIO()
    df.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _txt(df: pd.DataFrame) -> bytes:
    # Ids do not see whitespace, so folding line breaks into spaces keeps them.
    lines = [" ".join(text.split()) if "\n" in text or "\r" in text else text for text in df["prompt"]]
    return "".join(line + "\n" for line in lines).encode("utf-8")


def _delimited(df: pd.DataFrame, delimiter: str, guard: bool) -> str:
    # Not csv.writer: with "\n" as line end it leaves a lone "\r" unquoted, which readers take for a line end.
    special = re.compile(f'[{delimiter}"\r\n]')

    def cell(value: Any) -> str:
        is_number = isinstance(value, Number) and not is_missing(value)
        text = clean_text(as_text(value))
        if guard and not is_number:
            text = guard_text(text)
        return '"' + text.replace('"', '""') + '"' if special.search(text) else text

    header = [cell(str(name)) for name in df.columns]
    columns = [[cell(value) for value in df.iloc[:, position].tolist()] for position in range(df.shape[1])]
    rows = [header, *zip(*columns, strict=True)]
    # A line of nothing would be no row.
    return "".join((delimiter.join(row) or '""') + "\n" for row in rows)


def _plain(value: Any) -> Any:
    """A cell as JSON has it: null for what is missing, lists for arrays."""
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return None if is_missing(value) else value


@contextmanager
def _atomic(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place at the end, or is gone after an error."""
    # Not tempfile: its files are closed to others, and a shared folder's rules shall hold.
    temporary = path.parent / f".rass-{secrets.token_hex(8)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise PromptError(f"Cannot write {path}: it is a folder; add a file name.")
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise PromptError(f"Cannot write {path}: {_why(error)}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _why(error: OSError) -> str:
    if error.errno in _FULL:
        return "the disk is full; free some space and write it again"
    if error.errno in _DENIED:
        return "no permission; choose another folder or change its permissions"
    return f"{error.strerror or error}; choose another file"
