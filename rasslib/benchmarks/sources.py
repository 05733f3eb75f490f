"""Where the prompts of a set are: a file given or fetched before, our parallel set, or a set of the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rasslib.benchmarks.catalogue import Benchmark, benchmark, benchmarks
from rasslib.benchmarks.reading import BenchmarkFile, changed, read_benchmark
from rasslib.errors import BenchmarkError
from rasslib.prompts import INTENTS, data_hash
from rasslib.prompts.cells import counted
from rasslib.prompts.parallel import load_parallel
from rasslib.rass.export.reading import read_any
from rasslib.workspace import Workspace

FOLDER = "benchmarks"
LEDGER = "checksums.json"
PARALLEL = "parallel"
"""Name of the parallel set that comes along."""


@dataclass(frozen=True, eq=False)
class Source:
    """A set that is to be measured.

    Attributes:
        benchmark: Which set.
        file: What was read of it.
        name: Name of the file, without its folder.
        columns: Role to column, where the user named them.
    """

    benchmark: Benchmark
    file: BenchmarkFile
    name: str
    columns: Mapping[str, str] = field(default_factory=dict)


def folder_of(workspace: Workspace) -> Path:
    """Where fetched sets and the list of checksums are kept."""
    return workspace.root / FOLDER


def find_file(wanted: Benchmark, given: Mapping[str, Path], folder: Path) -> Path:
    """The file of a set: the one given, one given or fetched for a set of the same source, or the one fetched.

    XSTest's safe and unsafe prompts, for example, are published in one file: a file of either serves both.

    Raises:
        BenchmarkError: There is none.
    """
    alike = [wanted.id, *siblings(wanted)]
    for name in alike:
        if name in given:
            return given[name]
    for name in alike:
        if (path := folder / f"{name}.jsonl").is_file():
            return path
    raise BenchmarkError(
        f"There is no file of {wanted.title} here: give one with --path {wanted.id}=FILE, or fetch it with: rass "
        f"benchmark fetch {wanted.id}"
    )


def siblings(wanted: Benchmark) -> list[str]:
    """Other sets that are published in the same file."""

    def place(one: Benchmark) -> tuple[str, ...]:
        return (one.hub, one.config, one.hub_split, one.repository, one.path)

    return [name for name, one in benchmarks().items() if name != wanted.id and place(one) == place(wanted)]


def read_sources(
    names: Iterable[str],
    given: Mapping[str, Path],
    workspace: Workspace,
    columns: Mapping[str, str] | None = None,
    language: str = "en",
) -> list[Source]:
    """Read the sets that are to be measured; a file that is not the one read before gets a note.

    Args:
        names: Ids of the catalogue, ``parallel``, or names of the user's own sets; each once.
        given: Files by id, and by any other name an own set: an export, or a prompt file with a column intent.
        workspace: Holds fetched sets and the checksums of files.
        columns: Role to column, where files differ from those published; ``SET.role`` counts for one set only.
        language: Of prompts without one, where a set has several.

    Raises:
        BenchmarkError: There is no such set, no file of it, or the file does not hold what it must.
        PromptError: A file cannot be read.
        WorkspaceError: The list of checksums cannot be read or written.
    """
    wanted = [name for name in dict.fromkeys(name.strip() for name in names) if name]
    if not wanted:
        raise BenchmarkError("No benchmark is named: name one, such as xstest (rass benchmark list shows them all).")
    known = benchmarks()
    _check_names(wanted, given, columns or {})
    folder, found = folder_of(workspace), []
    for name in wanted:
        if name not in known:
            found += own_sets(name, given.get(name), _columns_of(name, columns or {}), language)
            continue
        one, chosen = known[name], _columns_of(name, columns or {})
        path = find_file(one, given, folder)
        read = read_benchmark(one, path, chosen, language)
        told = changed(one, read.sha256, folder / LEDGER)
        found.append(Source(one, replace(read, notes=(*read.notes, told)) if told else read, path.name, chosen))
    ids = [one.benchmark.id for one in found]
    if twice := [name for name in ids if ids.count(name) > 1]:
        raise BenchmarkError(f"Two sets would be called {twice[0]}: give your own set another name.")
    return found


def _check_names(wanted: Sequence[str], given: Mapping[str, Path], columns: Mapping[str, str]) -> None:
    for name in wanted:
        if name != PARALLEL and name not in given:
            benchmark(name)
    for name in given:
        if name not in benchmarks():
            own_name(name)
        if name not in wanted:
            benchmark(name)  # a file of a set may serve another one; of an own set it would be forgotten
    for key in columns:
        name, dot, _ = key.partition(".")
        if dot and name not in wanted:
            raise BenchmarkError(f"--column {key} is for {name}, which is not measured: name one of the sets.")


def own_name(text: str) -> str:
    """The name of an own set as it was typed.

    Raises:
        BenchmarkError: It is none, or one of its sets would be called like a set of the catalogue.
    """
    name = text.strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
        raise BenchmarkError(f"{text[:40]!r} is no name for a set: use small letters, digits and hyphens, as my-set.")
    made = [name, *(f"{name}-{intent}" for intent in INTENTS)]
    if name == PARALLEL or any(one in benchmarks() for one in made):
        raise BenchmarkError(f"{name} is, or leads to, the name of a set of the catalogue: choose another one.")
    return name


def _columns_of(name: str, columns: Mapping[str, str]) -> dict[str, str]:
    """What counts for a set: what is said of all, then what is said of it alone."""
    every = {role: column for role, column in columns.items() if "." not in role}
    own = {role.partition(".")[2]: c for role, c in columns.items() if role.partition(".")[0] == name and "." in role}
    return every | own


def own_sets(
    name: str, path: Path | None, columns: Mapping[str, str] | None = None, language: str = "en"
) -> list[Source]:
    """Our parallel set, or a file of the user's own, as one set an intent (``NAME-harmful`` and so on).

    Args:
        name: ``parallel``, or the name the user gave.
        path: An export, or a prompt file with a column intent; None for the parallel set.
        columns: Role (prompt, intent, category, language) to column, where they have other names.
        language: Of prompts without one.

    Raises:
        BenchmarkError: It holds no prompt whose intent is known.
        PromptError: It cannot be read.
    """
    if path is None:
        prompts, notes, file = load_parallel(), [], "parallel"
    else:
        read = read_any(path, columns, language)
        prompts, notes, file = read.table, list(read.notes), path.name
    labelled = [intent for intent in INTENTS if intent != "unlabelled"]
    known = prompts[prompts["intent"].isin(labelled)]
    if known.empty:
        raise BenchmarkError(
            f"{file} does not say what is harmful: give its prompts a column intent ({', '.join(labelled)})."
        )
    if left := len(prompts) - len(known):
        notes.append(f"{counted(left, 'prompt')} without an intent left out.")
    found = []
    for intent in [one for one in labelled if (known["intent"] == one).any()]:
        rows = known[known["intent"] == intent].reset_index(drop=True)
        made = Benchmark(
            id=name if known["intent"].nunique() == 1 else f"{name}-{intent}",
            title=f"{name}, {intent}",
            metric="ASR" if intent == "harmful" else "RR",
            intent=intent,
            measures=f"{intent.capitalize()} prompts of {file}.",
            size=len(rows),
            languages=tuple(sorted(set(rows["language"]) - {""})),
        )
        found.append(
            Source(made, BenchmarkFile(rows, data_hash(rows), len(rows), tuple(notes)), file, dict(columns or {}))
        )
    return found
