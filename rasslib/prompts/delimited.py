"""CSV and TSV to a table, also where separators or quotation marks are not as RFC 4180 asks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pandas as pd

from rasslib.errors import PromptError
from rasslib.prompts.columns import NAMES
from rasslib.prompts.guard import unguard_text
from rasslib.prompts.tables import Dropped, Table, split_lines, unique_names

MOST_OPEN_QUOTES = 50
"""Rows with an unclosed quotation mark before the file is given up; each costs one more pass."""

# A cell may hold a whole book: then its row is dropped with a reason, and the file can still be read.
csv.field_size_limit(max(csv.field_size_limit(), 2**30))


@dataclass(frozen=True)
class _Record:
    """One record of the file, counted from 0 with the blank ones; ``reason`` says why it cannot be read."""

    number: int
    cells: list[str]
    reason: str = ""


def parse_delimited(text: str, delimiters: str, label: str) -> Table:
    """CSV or TSV with a header.

    Args:
        text: The whole file. Quoted cells may hold line breaks.
        delimiters: Characters that may part the cells, most likely first; the header tells which one it is.
        label: What to call the file in messages.

    Raises:
        PromptError: There is no header, or too many quotation marks are unbalanced.
    """
    text, named = _named_delimiter(text)
    delimiter = named or _choose_delimiter(text, delimiters)
    notes: list[str] = []
    if delimiter == "\t" and not _quotes_pair_up(text):
        # Most programs write tab-separated text without any quoting.
        notes.append(f"The quotation marks in {label} do not pair up, so they are read as part of the text.")
        lines = split_lines(text)
        records = [_Record(number, line.split("\t") if line else []) for number, line in enumerate(lines)]
    else:
        records = list(_read(text, delimiter, label))
    records = [record for record in records if record.cells]
    header = next((record for record in records if any(cell.strip() for cell in record.cells)), None)
    if header is None:
        raise PromptError(f"{label} is empty; it needs a line with column names, then one prompt a row.")
    names = unique_names(unguard_text(cell.strip()) for cell in header.cells)
    rows: list[int] = []
    kept: list[list[str]] = []
    dropped: list[Dropped] = []
    for record in records:
        row = record.number - header.number
        if row <= 0:
            continue
        cells = _fit(record.cells, len(names), delimiter)
        reason = record.reason
        if not reason and len(cells) > len(names):
            part = "a tab" if delimiter == "\t" else f"a {delimiter!r}"
            reason = f"{len(cells)} cells where the header has {len(names)}: put text that holds {part} in quotes"
        if reason:
            dropped.append(Dropped(row, reason, delimiter.join(record.cells)))
        else:
            rows.append(row)
            kept.append(cells)
    return Table(pd.DataFrame(kept, columns=names, dtype=object), rows, dropped, notes, is_text=True)


def _read(text: str, delimiter: str, label: str) -> Iterator[_Record]:
    """Records by the standard; where a quotation mark breaks it, the damage is kept to one line.

    A single line with stray quotation marks is read leniently. Where an opening mark has no end, its line is
    given up and reading goes on with the next, so that it does not swallow the rest of the file.
    """
    lines = list(io.StringIO(text, newline=""))
    start = 0  # first line of the record to come
    passes = number = 0
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    base = 0  # line where ``reader`` started
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            if base + reader.line_num - start <= 1:
                yield _Record(number, next(csv.reader([lines[start]], delimiter=delimiter)))
            else:
                passes += 1
                if passes > MOST_OPEN_QUOTES:
                    raise PromptError(
                        f"{label} has too many unpaired quotation marks (the last in line {start + 1}); "
                        "double the marks inside cells, or save it as JSONL."
                    ) from None
                yield _Record(number, [lines[start].rstrip("\r\n")], "a quotation mark is opened and never closed")
                base = start + 1
                reader = csv.reader(islice(lines, base, None), delimiter=delimiter, strict=True)
        else:
            yield _Record(number, cells)
        start = base + reader.line_num
        number += 1


def _fit(cells: Sequence[str], width: int, delimiter: str) -> list[str]:
    """``cells`` brought to ``width`` where that loses nothing: by adding or cutting empty ones."""
    fitted = list(cells)
    if width == 1 and len(fitted) > 1:
        return [delimiter.join(fitted)]  # a list of prompts whose commas nobody quoted
    while len(fitted) > width and not fitted[-1]:
        fitted.pop()
    return fitted + [""] * (width - len(fitted))


def _named_delimiter(text: str) -> tuple[str, str]:
    """The text without the line ``sep=;`` (for Excel), and the delimiter it names, or ""."""
    first, _, rest = text.partition("\n")
    first = first.strip("\r")
    if len(first) == 5 and first.lower().startswith("sep="):
        return rest, first[4]
    return text, ""


def _choose_delimiter(text: str, delimiters: str) -> str:
    """The delimiter under which the header names a prompt column, else under which it has most cells."""

    def worth(delimiter: str) -> tuple[bool, int]:
        header = next((cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if cells), [])
        return any(cell.strip().casefold() in NAMES["prompt"] for cell in header), len(header)

    return max(delimiters, key=worth)


def _quotes_pair_up(text: str) -> bool:
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True):
            pass
    except csv.Error:
        return False
    return True
