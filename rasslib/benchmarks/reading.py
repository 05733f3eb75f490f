"""From a file of a public evaluation set to a prompt set, with its checksum and what differs from what was expected."""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from rasslib.benchmarks.catalogue import Benchmark
from rasslib.benchmarks.languages import written_in
from rasslib.benchmarks.parts import FOLDER, PART, category_of, checksum, read_parts
from rasslib.errors import BenchmarkError, WorkspaceError
from rasslib.prompts import make_prompt_set, prompt_id, read_table
from rasslib.prompts.cells import as_text, counted
from rasslib.prompts.languages import is_language_code, language_code
from rasslib.prompts.schema import MAX_CHARACTERS
from rasslib.prompts.tables import Table
from rasslib.workspace.files import atomic_write

ROLES = ("prompt", "category", "language")


@dataclass(frozen=True)
class BenchmarkFile:
    """A file that was read.

    Attributes:
        prompts: A prompt set, all of it in split ``test``; the extra column ``row`` is the row of the file (from 1).
        sha256: Checksum of the file, 64 hex digits.
        rows: Rows of the file, before any were left out.
        notes: Sentences on what was left out and on what differs from the set as published.
    """

    prompts: pd.DataFrame
    sha256: str
    rows: int
    notes: tuple[str, ...]


def read_benchmark(
    benchmark: Benchmark, path: Path, columns: Mapping[str, str] | None = None, language: str = "en"
) -> BenchmarkFile:
    """Read the file of an evaluation set that the user has.

    Args:
        benchmark: Which set it is.
        path: CSV, TSV, JSON, JSONL, Parquet or plain lines; a folder where a set has one file a category.
        columns: Role (prompt, category, language), or a column as published, to the file's column where it differs.
        language: Language of prompts that have none of their own, where the set has more than one.

    Raises:
        PromptError: The file cannot be read.
        BenchmarkError: Columns are missing, a language is no code, or no row can be used.
    """
    path = path.expanduser()
    table = _table(benchmark, path, named=bool(columns))
    sha256 = checksum(path)
    frame = table.frame.set_axis([str(name) for name in table.frame.columns], axis="columns")
    frame = _renamed(benchmark, frame, {k: v for k, v in (columns or {}).items() if k not in ROLES}, path)
    roles = _roles(benchmark, frame, {k: v for k, v in (columns or {}).items() if k in ROLES}, path)
    own = benchmark.languages[0] if len(benchmark.languages) == 1 else language
    if not is_language_code(own):
        raise BenchmarkError(f"{own!r} is no language: use a code such as en or pt-BR.")
    kept = _kept(benchmark, frame)
    notes = [*table.notes, *_differences(benchmark, frame, len(kept))]
    records: list[dict[str, Any]] = []
    for position, cells in zip(kept.index, kept.to_dict("records"), strict=True):
        records += _records(benchmark, {str(k): v for k, v in cells.items()}, roles, own, table.rows[int(position)])
    used = _usable(records, notes)
    if not used:
        raise BenchmarkError(f"{path} holds no prompt of {benchmark.title}: check that it is the right file.")
    prompts = make_prompt_set(used)
    notes += _foreign(prompts)
    return BenchmarkFile(prompts, sha256, len(frame), tuple(notes))


def changed(benchmark: Benchmark, sha256: str, ledger: Path) -> str:
    """A sentence if the file of a set is not the one that was read last; "" if it is, or is the first.

    The last checksum of each set is kept in ``ledger`` (JSON), so that results that were measured on different files
    are not compared in silence: a new file is told of once, then it is the one that others are held against.

    Raises:
        WorkspaceError: The ledger cannot be read or written.
    """
    try:
        known = json.loads(ledger.read_text(encoding="utf-8")) if ledger.is_file() else {}
    except (OSError, ValueError) as error:
        raise WorkspaceError(f"The checksums in {ledger} cannot be read ({error}): mend or remove the file.") from None
    before = known.get(benchmark.id)
    if before == sha256:
        return ""
    with atomic_write(ledger) as temporary:
        temporary.write_text(json.dumps({**known, benchmark.id: sha256}, indent=1, sort_keys=True) + "\n", "utf-8")
    if before is None:
        return ""
    return (
        f"This file of {benchmark.title} is not the one that was read before (SHA-256 {sha256[:12]}, before "
        f"{before[:12]}): compare results with those of the same file only."
    )


def _table(benchmark: Benchmark, path: Path, named: bool) -> Table:
    """The rows of a file; one that does not name its columns holds prompts only, unless the user names some."""
    if benchmark.header or named or path.suffix.lower() in {".jsonl", ".json", ".parquet"}:
        if path.is_dir():
            raise BenchmarkError(f"{path} is a folder: give the file of {benchmark.title} in it.")
        return read_table(path)
    return read_parts(path)


def _renamed(benchmark: Benchmark, frame: pd.DataFrame, names: Mapping[str, str], path: Path) -> pd.DataFrame:
    """The table with columns named as published.

    Args:
        benchmark: Which set it is.
        frame: The table of the file.
        names: Column as published to the file's.
        path: The file, for errors.
    """
    published = dict.fromkeys([*benchmark.columns, *benchmark.keep, *benchmark.wide])
    for name, column in names.items():
        if name not in published:
            raise BenchmarkError(
                f"There is no column role {name!r} in {benchmark.title}: use one of {', '.join([*ROLES, *published])}."
            )
        if column not in frame.columns:
            raise BenchmarkError(f"{path} has no column {column!r} for {name}: it holds {_held(frame)}.")
    return frame.drop(columns=[n for n in names if n in frame.columns and n not in names.values()]).rename(
        columns={column: name for name, column in names.items()}
    )


def _held(frame: pd.DataFrame) -> str:
    return ", ".join(str(name)[:40] for name in list(frame.columns)[:15])


def _roles(benchmark: Benchmark, frame: pd.DataFrame, chosen: dict[str, str], path: Path) -> dict[str, str]:
    """The column of each role, checked to be there."""
    roles = {**benchmark.map, **chosen}
    needed = [*roles.values(), *benchmark.keep]
    if "prompt" not in chosen:
        fields = [name for _, name, _, _ in string.Formatter().parse(benchmark.template) if name]
        needed += [*benchmark.wide, *fields]
    if not benchmark.header and "prompt" not in chosen and "prompt" not in frame.columns:
        # Without column names the only column holds the prompts.
        roles["prompt"] = str(frame.columns[0])
        needed = [roles["prompt"]]
    if not benchmark.header and (benchmark.parts or benchmark.tree) and PART in frame.columns:
        roles.setdefault("category", PART)
    if benchmark.tree and FOLDER in frame.columns and set(frame[FOLDER]) <= set(benchmark.languages):
        roles.setdefault("language", FOLDER)
    missing = [name for name in dict.fromkeys(needed) if name not in frame.columns]
    if missing:
        raise BenchmarkError(
            f"{path} has no column {missing[0]!r}, which {benchmark.title} has: it holds {_held(frame)}; check that it "
            f"is the right file, or name its column ({missing[0]}=NAME)."
        )
    return roles


def _kept(benchmark: Benchmark, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that belong to the set."""
    for column, values in benchmark.keep.items():
        frame = frame[frame[column].map(as_text).str.strip().isin(values)]
    for column in set(benchmark.skip) & set(frame.columns):
        frame = frame[~frame[column].map(as_text).str.strip().isin(benchmark.skip[column])]
    return frame if benchmark.limit is None else frame.head(benchmark.limit)


def _differences(benchmark: Benchmark, frame: pd.DataFrame, n: int) -> list[str]:
    notes = []
    if len(frame) and not n:
        notes.append(f"No row has the values that {benchmark.title} keeps: {dict(benchmark.keep)}.")
    expected = (benchmark.size or 0) // (len(benchmark.wide) or 1)
    if expected and n != expected:
        notes.append(f"The file holds {counted(n, 'row')} of {benchmark.title}, which as published has {expected:,}.")
    absent = [name for name in benchmark.columns if name not in frame.columns]
    if absent and benchmark.header:
        notes.append(f"The file lacks the columns {', '.join(absent)} of the published set; they are not needed.")
    return notes


def _records(
    benchmark: Benchmark, cells: Mapping[str, Any], roles: Mapping[str, str], language: str, row: int
) -> list[dict[str, Any]]:
    """One record a prompt: one for most sets, one a language for those with a column a language."""
    base = {
        "intent": benchmark.intent,
        "category": _category(benchmark, cells, roles),
        "language": _language(as_text(cells[roles["language"]])) if "language" in roles else language,
        "source": benchmark.id,
        "split": "test",
        "row": row,
    }
    if "prompt" in roles:
        return [{**base, "prompt": _text(cells[roles["prompt"]])}]
    if benchmark.wide:
        return [{**base, "prompt": as_text(cells[code]), "language": code} for code in benchmark.wide]
    texts = {str(name): as_text(value) for name, value in cells.items()}
    return [{**base, "prompt": benchmark.template.format_map(texts).strip()}]


def _category(benchmark: Benchmark, cells: Mapping[str, Any], roles: Mapping[str, str]) -> str:
    if "category" not in roles:
        return ""
    text = as_text(cells[roles["category"]])
    return category_of(benchmark, text) if roles["category"] == PART else text


def _language(text: str) -> str:
    """The code a cell means; the cell itself where it means none, for the error to name."""
    return language_code(text) or text


def _text(value: Any) -> str:
    """A cell as text; of a list of turns, the first."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list) and value:
        value = value[0]
    return as_text(value)


def _usable(records: list[dict[str, Any]], notes: list[str]) -> list[dict[str, Any]]:
    """The records that can be prompts, each text once."""
    used: dict[str, dict[str, Any]] = {}
    empty = long = twice = 0
    for record in records:
        text = record["prompt"]
        known = prompt_id(text)
        if not text.strip():
            empty += 1
        elif len(text) > MAX_CHARACTERS:
            long += 1
        elif known in used:
            twice += 1
        elif not is_language_code(record["language"]):
            raise BenchmarkError(
                f"Row {record['row']} has the language {record['language']!r}: use a code such as en or pt-BR."
            )
        else:
            used[known] = record
    for count, why in ((empty, "without text"), (long, "that are too long"), (twice, "that are there twice")):
        if count:
            notes.append(f"{counted(count, 'prompt')} {why} left out.")
    return list(used.values())


def _foreign(prompts: pd.DataFrame) -> list[str]:
    """A note on prompts that are in another script than their language's, or mix two."""
    right = [written_in(text, code) for text, code in zip(prompts["prompt"], prompts["language"], strict=True)]
    count = right.count(False)
    if not count:
        return []
    return [f"{counted(count, 'prompt')} in another script than that of the language given, or in a mix of scripts."]
