"""What the page says of the catalogue, and how it keeps a file that was uploaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from rasslib.benchmarks.catalogue import Benchmark, benchmarks
from rasslib.benchmarks.sources import find_file
from rasslib.errors import BenchmarkError
from rasslib.workspace.files import atomic_bytes

UNKNOWN = "unknown"
SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet", ".txt")


def catalogue_table(folder: Path) -> pd.DataFrame:
    """The catalogue for reading: a row a set, and whether its file is here.

    Args:
        folder: Where fetched and uploaded sets are kept.
    """
    rows = [
        {
            "id": one.id,
            "measures": one.measures,
            "metric": one.metric,
            "prompts": one.size,
            "languages": ", ".join(one.languages) or UNKNOWN,
            "licence": one.licence or UNKNOWN,
            "gate": gate_text(one),
            "not confirmed": ", ".join(one.unconfirmed),
            "here": is_here(one, {}, folder),
            "address": one.address,
            "note": one.note,
            "paper": one.paper,
        }
        for one in benchmarks().values()
    ]
    return pd.DataFrame(rows).astype({"prompts": "Int64"})


def gate_text(one: Benchmark) -> str:
    """Whether one has to ask for it."""
    if not one.available:
        return "not published"
    return {True: "ask first", False: "open", None: UNKNOWN}[one.gated]


def expected_words(one: Benchmark) -> str:
    """What a file of the set should hold, in a sentence."""
    if not one.header:
        what = "A folder with one file a category and no column names" if one.tree or one.parts else "One prompt a line"
    elif one.columns:
        what = f"Columns {', '.join(one.columns)}"
    else:
        what = "Its columns are unknown"
    size = f"; {one.size:,} prompts" if one.size else ""
    doubt = f" (not confirmed: {', '.join(one.unconfirmed)})" if one.unconfirmed else ""
    return f"{what}{size}{doubt}."


def languages_to_ask(names: Iterable[str]) -> list[str]:
    """Languages to choose from for prompts that tell none: of sets with several that are no columns."""
    known = benchmarks()
    sets = (known[name] for name in names if name in known)
    found = (code for one in sets if len(one.languages) > 1 and not one.wide for code in one.languages)
    return list(dict.fromkeys(found))


def is_here(one: Benchmark, given: Mapping[str, Path], folder: Path) -> bool:
    """Whether there is a file of a set."""
    try:
        find_file(one, given, folder)
    except BenchmarkError:
        return False
    return True


def missing(names: Iterable[str], given: Mapping[str, Path], folder: Path) -> list[Benchmark]:
    """The public sets among ``names`` that still need a file."""
    known = benchmarks()
    return [known[name] for name in names if name in known and not is_here(known[name], given, folder)]


def keep_upload(kept: str, name: str, data: bytes, folder: Path) -> Path:
    """Keep an uploaded file.

    Args:
        kept: Id of its set.
        name: Its name; only the ending is taken from it.
        data: What it holds.
        folder: Where sets are kept.

    Raises:
        BenchmarkError: The ending is none that can be read.
        WorkspaceError: It cannot be written.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise BenchmarkError(f"The file of {kept} must end in one of {', '.join(SUFFIXES)}: rename or convert it.")
    path = folder / "uploads" / f"{kept}{suffix}"
    if not path.is_file() or path.read_bytes() != data:
        atomic_bytes(path, data)
    return path


def named_pairs(text: str) -> dict[str, str]:
    """``NAME=VALUE``, separated by commas or lines, as it was typed.

    Raises:
        BenchmarkError: A part is none.
    """
    found = {}
    for part in filter(None, (one.strip() for one in text.replace("\n", ",").split(","))):
        name, mark, value = part.partition("=")
        if not (mark and name.strip() and value.strip()):
            raise BenchmarkError(f"{part[:60]!r} is not NAME=VALUE: write it so, one a line.")
        found[name.strip()] = value.strip()
    return found


def typed_path(text: str) -> Path | None:
    """A path as it was typed; None where nothing was.

    Raises:
        BenchmarkError: There is nothing at it.
    """
    if not text.strip():
        return None
    path = Path(text.strip().strip("\"'")).expanduser()
    if not path.exists():
        raise BenchmarkError(f"There is no file {path}: check the path.")
    return path
