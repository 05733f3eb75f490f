"""``rass analyze``: where prompts fall on a model's safety decision boundary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rasslib.commands.options import (
    Adapter,
    Column,
    Device,
    Dtype,
    Fit,
    Intent,
    IntentMap,
    Json,
    Model,
    Prompts,
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
def analyze(
    model: Model = "embedded",
    adapter: Adapter = None,
    template: Template = "auto",
    prompts: Prompts = "bundled",
    fit: Fit = "bundled",
    intent_map: IntentMap = "",
    intent: Intent = "unlabelled",
    column: Column = None,
    tokens: Annotated[int | None, typer.Option(help="Length at which replies are cut.", min=4)] = None,
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Find where prompts fall on a model's safety decision boundary, and save the run."""
    from rasslib.boundary.analysis import analyze as run_analysis
    from rasslib.boundary.analysis import default_settings, replace
    from rasslib.models.names import spoken_name

    given, fit_set, notes = prompt_sets(prompts, fit, intent_map, intent, column)
    place = workspace_at(workspace)
    lens = lens_of(model, adapter, template, device, dtype)
    settings = default_settings() if tokens is None else replace(default_settings(), reply_tokens=tokens)
    title = f"{spoken_name(lens)} on {'bundled prompts' if prompts == 'bundled' else Path(prompts).name}"
    found = run_analysis(lens, given, fit_set, place, settings, TextProgress(), title=title)
    found.summary["notes"] = [*found.summary["notes"], *notes]
    print_result(found.summary, json_, _findings(found.summary))


def _findings(summary: dict[str, Any]) -> str:
    """The findings in a few lines."""
    from rasslib.boundary.words import boundary_in_words, rates_in_words

    return "\n".join([*rates_in_words(summary), *boundary_in_words(summary)])
