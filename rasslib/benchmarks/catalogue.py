"""What is known of each public evaluation set: facts only, from ``assets/benchmarks/catalogue.toml``.

Nothing of the sets themselves comes with the program.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rasslib.errors import BenchmarkError
from rasslib.prompts import INTENTS
from rasslib.settings import assets_dir

METRICS = ("RR", "ASR")
FACTS = ("size", "languages", "licence", "gate", "source", "columns")
"""What an entry says of a set that may be unconfirmed."""


@dataclass(frozen=True)
class Benchmark:
    """One evaluation set, or the part of one that is measured together.

    Attributes:
        id: Name on the command line.
        title: Name for people.
        metric: ``RR`` (refusals of benign prompts) or ``ASR`` (harmful prompts not refused); lower is better in both.
        intent: What all of its prompts are.
        measures: One sentence.
        size: Prompts of the complete set; None where unknown.
        languages: Codes; none where unknown.
        licence: Its name; "" where unknown.
        gated: Whether its hub asks for an agreement first; None where unknown.
        hub: Id on the hub; "" where it has none that is known.
        config: Configuration there.
        hub_split: Split there; "" for all.
        repository: GitHub repository, owner and name.
        path: File in the repository.
        revision: Commit or tag to fetch; "" for the newest.
        header: Whether files name their columns; else each holds prompts only.
        columns: Columns of the files as published; none where unknown.
        map: Role (prompt, category, language) to column.
        wide: Columns that are languages, each holding a prompt.
        keep: Column to the values of the rows that belong to this set; others are left out.
        skip: Column to the values of the rows that do not belong to this set, where the file has that column.
        template: How a prompt is made of columns, where it is not one column.
        parts: Number in the name of a file (or split) to the category it holds, where files name no columns.
        tree: Whether it is a folder a language that holds a file a category.
        limit: The first so many rows; None for all.
        available: Whether it can be had at all, as far as is known.
        paper: Where it is described.
        unconfirmed: Facts (of :data:`FACTS`) that only others tell: they were seen neither at its publisher nor in a
            copy of its files.
        note: What else one should know.
    """

    id: str
    title: str
    metric: str
    intent: str
    measures: str
    size: int | None = None
    languages: tuple[str, ...] = ()
    licence: str = ""
    gated: bool | None = None
    hub: str = ""
    config: str = ""
    hub_split: str = ""
    repository: str = ""
    path: str = ""
    revision: str = ""
    header: bool = True
    columns: tuple[str, ...] = ()
    map: Mapping[str, str] = field(default_factory=dict)
    wide: tuple[str, ...] = ()
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skip: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    template: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    tree: bool = False
    limit: int | None = None
    available: bool = True
    paper: str = ""
    unconfirmed: tuple[str, ...] = ()
    note: str = ""

    @property
    def address(self) -> str:
        """Where its page is; "" of a set that has none."""
        if self.hub:
            return f"https://huggingface.co/datasets/{self.hub}"
        return f"https://github.com/{self.repository}" if self.repository else ""


def benchmarks(path: Path | None = None) -> Mapping[str, Benchmark]:
    """All known sets by id, in the order of the file.

    Args:
        path: Another catalogue file.

    Raises:
        BenchmarkError: The file is missing or wrong.
    """
    return _read(path or assets_dir() / "benchmarks" / "catalogue.toml")


def benchmark(name: str) -> Benchmark:
    """The set with an id.

    Raises:
        BenchmarkError: There is none; names those there are.
    """
    known = benchmarks()
    if name not in known:
        raise BenchmarkError(f"There is no benchmark {name!r}: use one of {', '.join(known)}.")
    return known[name]


@lru_cache(maxsize=4)
def _read(path: Path) -> Mapping[str, Benchmark]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchmarkError(f"The list of benchmarks {path} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{path.name} is not valid TOML ({error}): mend that place.") from None
    found: dict[str, Benchmark] = {}
    for entry in data.get("benchmark", []):
        made = _entry(entry, path.name)
        if made.id in found:
            raise BenchmarkError(f"{path.name} has two benchmarks named {made.id!r}: change or remove one.")
        found[made.id] = made
    return MappingProxyType(found)


def _entry(entry: Mapping[str, Any], file: str) -> Benchmark:
    where = f"{file}, benchmark {entry.get('id', '?')!r}"
    unknown = sorted(set(entry) - {item.name for item in fields(Benchmark)})
    if unknown:
        raise BenchmarkError(f"{where}: there is no key {unknown[0]!r}; take it out or correct it.")
    missing = [name for name in ("id", "title", "metric", "intent", "measures") if not entry.get(name)]
    if missing:
        raise BenchmarkError(f"{where}: it lacks {missing[0]}; add it.")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    values["map"] = MappingProxyType(dict(entry.get("map", {})))
    values["keep"] = MappingProxyType({key: tuple(value) for key, value in entry.get("keep", {}).items()})
    values["skip"] = MappingProxyType({key: tuple(value) for key, value in entry.get("skip", {}).items()})
    values["parts"] = MappingProxyType(dict(entry.get("parts", {})))
    made = Benchmark(**values)
    if made.metric not in METRICS or made.intent not in INTENTS:
        raise BenchmarkError(f"{where}: metric must be one of {', '.join(METRICS)}, intent of {', '.join(INTENTS)}.")
    if odd := [name for name in made.unconfirmed if name not in FACTS]:
        raise BenchmarkError(f"{where}: there is no fact {odd[0]!r} to be unconfirmed; use {', '.join(FACTS)}.")
    if bool(made.map.get("prompt")) + bool(made.wide) + bool(made.template) != 1:
        raise BenchmarkError(f"{where}: say where prompts are, by one of map.prompt, wide and template.")
    return made
