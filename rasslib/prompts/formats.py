"""File formats: by option, by the file's name, or by what the text looks like."""

from __future__ import annotations

import csv
import json
from pathlib import PurePosixPath

from rasslib.errors import PromptError
from rasslib.prompts.columns import NAMES
from rasslib.prompts.tables import split_lines

FORMATS = ("csv", "tsv", "jsonl", "parquet", "txt")
_ALIASES = {
    **{name: name for name in FORMATS},
    "tab": "tsv",
    "json": "jsonl",
    "ndjson": "jsonl",
    "pq": "parquet",
    "text": "txt",
    "lines": "txt",
}
PARQUET_MAGIC = b"PAR1"


def check_format(name: str) -> str:
    """The format that ``name`` means ("csv", ".JSON", "lines", ...).

    Raises:
        PromptError: It means none.
    """
    found = _ALIASES.get(name.strip().lower().removeprefix("."))
    if found is None:
        raise PromptError(f"Unknown prompt format {name!r}: use one of {', '.join(FORMATS)}.")
    return found


def format_of_name(name: str) -> str | None:
    """The format that the end of a file name stands for; None if it stands for none."""
    return _ALIASES.get(PurePosixPath(name.replace("\\", "/")).suffix.lower().removeprefix(".") or "?")


def guess_format(text: str) -> str:
    """What a text without a name is: JSON, a table whose first line names a prompt column, or plain lines."""
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] in ("[", "{"):
        first = start if start[0] == "[" else start.split("\n", 1)[0]
        try:
            value = json.loads(first)
        except (ValueError, RecursionError):
            value = None
        # A list of numbers may well be a prompt; a list of prompts is made of objects or strings.
        if isinstance(value, dict) or (value and isinstance(value, list) and isinstance(value[0], dict | str)):
            return "jsonl"
    first_line = split_lines(start)[0]
    for name, delimiter in (("tsv", "\t"), ("csv", ","), ("csv", ";")):
        cells = next(csv.reader([first_line], delimiter=delimiter), [])
        if _is_header([cell.strip().casefold() for cell in cells]):
            return name
    return "txt"


def _is_header(cells: list[str]) -> bool:
    """Whether cells name columns: that of a prompt, and another known one or single words only."""
    known = {name for names in NAMES.values() for name in names} | {"id"}
    others = [cell for cell in cells if cell not in NAMES["prompt"]]
    if len(cells) < 2 or len(others) == len(cells):
        return False
    return any(cell in known for cell in others) or all(len(cell.split()) == 1 for cell in others)
