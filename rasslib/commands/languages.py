"""``rass languages``: one model across languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rasslib.commands.options import (
    Adapter,
    Column,
    Device,
    Dtype,
    IntentMap,
    Json,
    Model,
    Template,
    WorkspaceOption,
    lens_of,
    print_result,
    prompt_sets,
    workspace_at,
)
from rasslib.progress import TextProgress

app = typer.Typer()


@app.command()
def languages(
    model: Model = "embedded",
    adapter: Adapter = None,
    template: Template = "auto",
    prompts: Annotated[str, typer.Option(help="parallel, or a file with a column language.")] = "parallel",
    only: Annotated[str, typer.Option("--languages", help="Codes with commas; all where empty.")] = "",
    triples: Annotated[int, typer.Option(help="Triples of the parallel set; 0 for all.", min=0)] = 0,
    reference: Annotated[str, typer.Option(help="Language whose axis is carried over to the others.")] = "en",
    intent_map: IntentMap = "",
    column: Column = None,
    tokens: Annotated[int, typer.Option(help="Length at which replies are cut.", min=4)] = 48,
    causal: Annotated[bool, typer.Option(help="Also try the directions out on the model.")] = True,
    causal_prompts: Annotated[int, typer.Option(help="Prompts of a class for that, per language.", min=2)] = 14,
    out: Annotated[Path | None, typer.Option(help="Folder for the report, the matrices and the study.")] = None,
    seed: int = 0,
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Compare a model across languages: refusal, verdicts on weak languages, transfer of the axis."""
    from rasslib.benchmarks.language_study import LanguageSettings, study_languages
    from rasslib.benchmarks.language_words import study_in_words, write_study
    from rasslib.benchmarks.languages import only_languages
    from rasslib.boundary.causal import CausalSettings
    from rasslib.prompts.parallel import fewer_triples

    given, _, notes = prompt_sets(prompts, "same", intent_map, "unlabelled", column)
    given = only_languages(given, [code.strip() for code in only.split(",") if code.strip()])
    if prompts == "parallel":
        given = fewer_triples(given, triples)
    settings = LanguageSettings(
        reference=reference,
        reply_tokens=tokens,
        causal=causal,
        causal_settings=CausalSettings(prompts=causal_prompts, controls=3, control_layers=1),
        seed=seed,
    )
    place = workspace_at(workspace)
    lens = lens_of(model, adapter, template, device, dtype)
    title = f"{model} on {'the parallel set' if prompts == 'parallel' else Path(prompts).name}"
    found: dict[str, Any] = study_languages(lens, given, place, settings, TextProgress(), title=title)
    if out is not None:
        found["files"] = write_study(found, out)
    print_result({**found, "notes": notes}, json_, "\n".join([*study_in_words(found), *notes]))
