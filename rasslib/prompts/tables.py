"""Plain lines, JSON and Parquet to a table: cells as they are, row numbers as in the file."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from rasslib.errors import PromptError
from rasslib.prompts.columns import NAMES

_LINE_END = re.compile(r"\r\n|\n|\r")
_BROKEN_JSON = (ValueError, RecursionError)


@dataclass(frozen=True)
class Dropped:
    """A row that is not used: its number in the file (the first data row is 1), why, and what it holds."""

    row: int
    reason: str
    text: str


@dataclass(frozen=True)
class Table:
    """What a file holds.

    Attributes:
        frame: Its rows and columns, names unique.
        rows: Number in the file of each row of ``frame``.
        dropped: Rows that could not be read.
        notes: What the user should know about how it was read.
        is_text: The format knows text only (CSV, TSV), so numbers come as text and formulas are guarded.
        has_names: Its columns have names (plain lines have none).
    """

    frame: pd.DataFrame
    rows: list[int]
    dropped: list[Dropped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_text: bool = False
    has_names: bool = True


def split_lines(text: str) -> list[str]:
    """Lines of ``text`` as editors count them; unlike ``str.splitlines``, U+2028 and form feeds end none."""
    return _LINE_END.split(text)


def unique_names(names: Iterable[Any]) -> list[str]:
    """Column names that are stripped, filled ("column_3") and unique ("text", "text_2")."""
    unique: list[str] = []
    for position, name in enumerate(names, 1):
        plain = str(name).strip() or f"column_{position}"
        chosen, count = plain, 1
        while chosen in unique:
            count += 1
            chosen = f"{plain}_{count}"
        unique.append(chosen)
    return unique


def parse_lines(text: str) -> Table:
    """One prompt a line; outer spaces and blank lines do not count, but blank lines keep their number."""
    lines = [line.strip() for line in split_lines(text)]
    kept = [(number, line) for number, line in enumerate(lines, 1) if line]
    frame = pd.DataFrame({"prompt": [line for _, line in kept]}, dtype=object)
    return Table(frame, [number for number, _ in kept], has_names=False)


def parse_json(text: str, label: str) -> Table:
    """One object (or one text) a line, an array of them, or one object that holds such an array.

    Raises:
        PromptError: It is an array that is not valid JSON.
    """
    start = text.lstrip()
    if start.startswith("["):
        try:
            return _from_records(list(enumerate(json.loads(start, strict=False), 1)), [])
        except _BROKEN_JSON as error:
            raise PromptError(f"{label} is not valid JSON ({_why(error)}); mend it and read it again.") from None
    if start.startswith("{") and not _is_json(start.split("\n", 1)[0]) and _is_json(start):
        return _from_records(list(enumerate(_records_in(json.loads(start, strict=False)), 1)), [])
    records: list[tuple[int, Any]] = []
    dropped: list[Dropped] = []
    # Split at "\n" alone: JSON allows U+2028 and its like inside a text.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            records.append((number, json.loads(line, strict=False)))
        except _BROKEN_JSON as error:
            dropped.append(Dropped(number, f"not valid JSON ({_why(error)})", line))
    if len(records) == 1 and isinstance(records[0][1], dict):
        records = list(enumerate(_records_in(records[0][1]), 1))
    return _from_records(records, dropped)


def parse_parquet(data: bytes, label: str) -> Table:
    """A Parquet file; what pandas notes in it about its index is left out.

    Raises:
        PromptError: It is damaged or no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        frame = pq.ParquetFile(io.BytesIO(data)).read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError, NotImplementedError):
        raise PromptError(f"{label} is damaged or no Parquet file; export it again, or save it as CSV.") from None
    frame = frame[[name for name in frame.columns if not str(name).startswith("__index_level_")]]
    frame.columns = pd.Index(unique_names(frame.columns), dtype=object)
    return Table(frame.reset_index(drop=True), list(range(1, len(frame) + 1)))


def _records_in(value: dict[str, Any]) -> list[Any]:
    """The one list of objects in an object ("data": [...]), or the object as the only record."""
    lists = [item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict)]
    is_record = any(key.strip().casefold() in NAMES["prompt"] for key in value)
    return lists[0] if len(lists) == 1 and not is_record else [value]


def _from_records(records: Sequence[tuple[int, Any]], dropped: list[Dropped]) -> Table:
    kept: list[tuple[int, dict[str, Any]]] = []
    for number, value in records:
        if isinstance(value, dict):
            kept.append((number, value))
        elif isinstance(value, str):
            kept.append((number, {"prompt": value}))
        else:
            shown = json.dumps(value, ensure_ascii=False)
            dropped.append(Dropped(number, "neither an object nor a text", shown))
    keys = list(dict.fromkeys(key for _, record in kept for key in record))
    frame = pd.DataFrame({key: pd.Series([record.get(key) for _, record in kept], dtype=object) for key in keys})
    frame.columns = pd.Index(unique_names(keys), dtype=object)
    return Table(frame, [number for number, _ in kept], dropped)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except _BROKEN_JSON:
        return False
    return True


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        return f"{error.msg[:1].lower()}{error.msg[1:]} at {line}column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number too long"
