"""``rass benchmark``: which public evaluation sets are known, what one holds, and fetching it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rasslib.commands.options import Json, WorkspaceOption, print_result, workspace_at
from rasslib.progress import TextProgress

if TYPE_CHECKING:
    from rasslib.benchmarks.catalogue import Benchmark

app = typer.Typer(help="Public evaluation sets: list, show, fetch; build one of your own.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Id of a set, such as xstest.")]


@app.command("list")
def list_(json_: Json = False) -> None:
    """List the sets that are known: what each measures, its size, licence and gate."""
    from rasslib.benchmarks.catalogue import benchmarks

    rows = [as_dict(one) for one in benchmarks().values()]
    print_result({"benchmarks": rows}, json_, "\n".join(line(row) for row in rows))


@app.command("show")
def show(name: Name, json_: Json = False) -> None:
    """Show what is known of a set, and under which terms it is published."""
    from rasslib.benchmarks.catalogue import benchmark
    from rasslib.benchmarks.fetching import terms

    one = benchmark(name)
    row = as_dict(one) | {"terms": terms(one)}
    text = "\n".join(f"{key}: {value}" for key, value in row.items() if value not in ("", [], {}, None))
    print_result(row, json_, text)


@app.command("fetch")
def fetch(
    name: Name,
    accept: Annotated[bool, typer.Option("--accept", help="You have read the licence and accept it.")] = False,
    origin: Annotated[str | None, typer.Option(help="A mirror: hub id, folder, or address of a file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; that of the workspace by default.")] = None,
    workspace: WorkspaceOption = None,
    json_: Json = False,
) -> None:
    """Fetch a set to this machine; without --accept it only tells the terms."""
    from rasslib.benchmarks.catalogue import benchmark
    from rasslib.benchmarks.fetching import fetch as get
    from rasslib.benchmarks.sources import folder_of

    folder = out if out is not None else folder_of(workspace_at(workspace))
    path = get(benchmark(name), folder, accepted=accept, origin=origin, progress=TextProgress())
    print_result({"benchmark": name, "file": str(path)}, json_, f"{name} was fetched to {path}")


def as_dict(one: Benchmark) -> dict[str, Any]:
    """A set as JSON holds it."""
    found = {item.name: getattr(one, item.name) for item in fields(one)}
    maps = {name: dict(found[name]) for name in ("map", "keep", "skip", "parts")}  # read-only views are no JSON
    return found | maps | {"address": one.address}


def line(row: dict[str, Any]) -> str:
    """One set in a line."""
    size = f"{row['size']:,} prompts" if row["size"] else "size unknown"
    gate = {True: ", gated", False: "", None: ", gate unknown"}[row["gated"]]
    there = "" if row["available"] else ", not published as far as is known"
    licence = row["licence"] or "licence unknown"
    languages = ", ".join(row["languages"]) or "languages unknown"
    doubt = f" (not confirmed: {', '.join(row['unconfirmed'])})" if row["unconfirmed"] else ""
    return f"{row['id']}: {row['metric']}. {row['measures']} {size}, {languages}; {licence}{gate}{there}{doubt}"
