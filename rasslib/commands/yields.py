"""``rass yield``: does a policy find overrefusals better than chance?"""

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


@app.command("yield")
def yield_(
    policies: Annotated[str, typer.Option(help="all, or names with commas; random is always among them.")] = "all",
    n: Annotated[int, typer.Option("-n", help="Prompts per policy.", min=1)] = 100,
    samples: Annotated[int, typer.Option(help="Replies per prompt at temperature 1; 0 for none.", min=0)] = 16,
    candidates: Annotated[Path | None, typer.Option(help="A file of candidates; else the grammar makes them.")] = None,
    pool: Annotated[int, typer.Option(help="Candidates the grammar makes.", min=1)] = 1500,
    language: Annotated[str, typer.Option(help="Language of the grammar.")] = "en",
    stratify: Annotated[bool, typer.Option(help="Share the budget over category and language.")] = False,
    diversity: Annotated[str, typer.Option(help="none, k-center or mmr.")] = "none",
    seed: int = 0,
    model: Model = "embedded",
    adapter: Adapter = None,
    template: Template = "auto",
    out: Annotated[Path | None, typer.Option(help="Also write the selected prompts with their replies.")] = None,
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Does a policy find overrefusals better than chance? Equal budgets from one pool, answered by the model."""
    import time

    from rasslib.prompts import write_prompts
    from rasslib.rass.candidates import candidate_table
    from rasslib.rass.grammar import GrammarGenerator
    from rasslib.rass.importing import ImportGenerator
    from rasslib.rass.pooling import as_json, make_pool, predictor_of
    from rasslib.rass.yields import YieldSettings, compare_policies

    began, names = time.monotonic(), () if policies == "all" else tuple(p.strip() for p in policies.split(","))
    settings = YieldSettings(n=n, k=samples, seed=seed, stratify=stratify, diversity=diversity)
    if names:
        settings = YieldSettings(names, n, samples, seed=seed, stratify=stratify, diversity=diversity)
    given = ImportGenerator(candidates) if candidates is not None else None
    source, size = (given, given.count()) if given else (GrammarGenerator(language), pool)
    made = candidate_table(source.generate(size, seed=seed, progress=TextProgress()))
    lens = lens_of(model, adapter, template, device, dtype)
    found = bundled_run(lens, workspace_at(workspace))
    ready = make_pool(lens, found, made, predictor_of(lens, found, TextProgress()), TextProgress())
    compared = compare_policies(lens, found, ready.scored, settings, TextProgress())
    if out is not None:
        write_prompts(compared.picked.drop_duplicates("id"), out)
    result = as_json(ready, compared.policies, time.monotonic() - began)
    print_result(result, json_, result)
