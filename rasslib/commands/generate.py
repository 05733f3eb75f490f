"""``rass generate``: candidates from a generator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rasslib.commands.options import (
    Adapter,
    Device,
    Dtype,
    Json,
    Model,
    Template,
    WorkspaceOption,
    bundled_run,
    lens_of,
    print_result,
    workspace_at,
)
from rasslib.progress import TextProgress

app = typer.Typer()


@app.command()
def generate(
    n: Annotated[int, typer.Option("-n", help="How many candidates.", min=1)] = 1000,
    generator: Annotated[
        str, typer.Option(help="grammar, or walk: from harmless prompts to the boundary.")
    ] = "grammar",
    language: Annotated[str, typer.Option(help="Language of the grammar: en, zh, es, de, fr, ja.")] = "en",
    out: Annotated[Path, typer.Option(help="CSV, TSV, JSONL or Parquet file to write.")] = Path("generated.csv"),
    seed: int = 0,
    start: Annotated[int, typer.Option(help="Go on with this number of the sequence.", min=0)] = 0,
    starts: Annotated[str, typer.Option(help="Where walks begin: harmless, grammar, or a file.")] = "harmless",
    model: Model = "embedded",
    adapter: Adapter = None,
    template: Template = "auto",
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Make borderline prompts and write them to a file; the grammar's are benign by construction, others unjudged."""
    from rasslib.errors import AnalysisError
    from rasslib.prompts import write_prompts
    from rasslib.rass.candidates import Generator, candidate_table
    from rasslib.rass.grammar import GrammarGenerator
    from rasslib.rass.walking import named_starts, walk_generator

    if generator not in ("grammar", "walk"):
        raise AnalysisError(f"There is no generator {generator!r}: choose grammar or walk.")
    source: Generator
    notes: list[str] = []
    if generator == "walk":
        begins = named_starts(starts, language, seed)
        lens = lens_of(model, adapter, template, device, dtype)
        found = bundled_run(lens, workspace_at(workspace))
        source = walks = walk_generator(lens, found, begins, language, progress=TextProgress())
    else:
        source = GrammarGenerator(language)
    table = candidate_table(source.generate(n, seed=seed, start=start, progress=TextProgress()))
    if generator == "walk":
        notes.append(walks.tally.note or walks.tally.in_words())
    write_prompts(table, out)
    result = {
        "generator": generator,
        "n": len(table),
        "kinds": table["category"].value_counts().to_dict(),
        "evidence": table["evidence"].value_counts().to_dict(),
        "notes": notes,
        "out": str(out),
    }
    text = f"{len(table)} candidates of {table['category'].nunique()} kinds written to {out}"
    print_result(result, json_, "\n".join([text, *notes]))
