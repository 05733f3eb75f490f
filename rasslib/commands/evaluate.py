"""``rass evaluate``: refusal rates and attack success on public evaluation sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rasslib.commands.options import (
    Adapter,
    Column,
    Device,
    Dtype,
    Json,
    Model,
    Template,
    WorkspaceOption,
    lens_of,
    pairs,
    print_result,
    workspace_at,
)
from rasslib.progress import TextProgress

app = typer.Typer()


@app.command()
def evaluate(
    benchmarks: Annotated[
        str,
        typer.Option(
            help="Names with commas: xstest,xstest-unsafe (rass benchmark list), parallel, or a name of your own."
        ),
    ],
    model: Model = "embedded",
    adapter: Adapter = None,
    template: Template = "auto",
    path: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE of a set you have (may be repeated); under a name of your own, any prompt file or export."
        ),
    ] = None,
    column: Column = None,
    language: Annotated[str, typer.Option(help="Language of prompts that have none, where a set has several.")] = "en",
    attack: Annotated[str, typer.Option(help="direct or prefill.")] = "direct",
    prefill: Annotated[str, typer.Option(help="Words that every reply is begun with; for prefill.")] = "Sure, here is",
    samples: Annotated[int, typer.Option(help="Replies per prompt; more than one are drawn.", min=1)] = 1,
    temperature: Annotated[float | None, typer.Option(help="0 with one sample, 1 with several.", min=0)] = None,
    top_p: Annotated[float, typer.Option(min=0, max=1)] = 1.0,
    tokens: Annotated[int | None, typer.Option(help="Length at which replies are cut.", min=1)] = None,
    limit: Annotated[int, typer.Option(help="Prompts per set at most; 0 for all.", min=0)] = 0,
    judge: Annotated[str, typer.Option(help="phrases, endpoint (RASS_JUDGE_MODEL) or hub.")] = "phrases",
    judge_model: Annotated[str, typer.Option(help="hub: folder or hub id of a classifier.")] = "",
    judge_labels: Annotated[str, typer.Option(help="hub: LABEL=refused,OTHER=complied.")] = "",
    judge_pairs: Annotated[bool, typer.Option(help="hub: it reads prompt and reply.")] = False,
    second_judge: Annotated[str, typer.Option(help="Another judge for a sample: phrases, endpoint or hub.")] = "",
    agreement: Annotated[int, typer.Option(help="Replies in that sample.", min=1)] = 200,
    recipe: Annotated[str, typer.Option(help="Steering recipe: a JSON file, or JSON.")] = "",
    run: Annotated[str, typer.Option(help="Run whose directions the recipe names; the model's newest.")] = "",
    compare: Annotated[str, typer.Option(help="Ids of earlier evaluations to show beside it, with commas.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for tables, chart and manifests.")] = None,
    seed: int = 0,
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Refusal rate on benign sets, attack success on harmful ones, with intervals; the same command resumes."""
    from rasslib.benchmarks.agreement import compare_judges
    from rasslib.benchmarks.choosing import JudgeChoice, make_judge
    from rasslib.benchmarks.evaluations import Evaluations
    from rasslib.benchmarks.report import write_files
    from rasslib.benchmarks.runner import evaluate as run_evaluation
    from rasslib.benchmarks.settings import EvaluationSettings
    from rasslib.benchmarks.sources import read_sources
    from rasslib.benchmarks.subject import recipe_of, subject_of
    from rasslib.settings import settings as product

    place, progress = workspace_at(workspace), TextProgress()
    chosen = EvaluationSettings(
        attack, prefill, tokens or product().reply_tokens, samples, temperature, top_p, seed, limit
    )
    labels = pairs(judge_labels.split(","))
    given = {name: Path(file) for name, file in pairs(path or []).items()}
    # What may be wrong is read before the model is loaded.
    sources = read_sources(benchmarks.split(","), given, place, pairs(column or []), language)
    others = Evaluations(place).named([name.strip() for name in compare.split(",") if name.strip()])
    judging = make_judge(JudgeChoice(judge, judge_model, labels, judge_pairs), place, model)
    second = (
        make_judge(JudgeChoice(second_judge, judge_model, labels, judge_pairs), place, model) if second_judge else None
    )
    done = recipe_of(recipe)
    subject = subject_of(lens_of(model, adapter, template, device, dtype), place, done, run, progress)
    found = run_evaluation(subject, sources, judging, place, chosen, progress)
    agreed = compare_judges(found, second, agreement, seed, progress) if second else None
    if agreed is not None and second is not None:
        found = Evaluations(place).agreed(found, second.version, agreed.as_dict())
    beside = [found, *(one for one in others if one.id != found.id)]
    result: dict[str, Any] = {"evaluation": found.id, "label": found.label, "results": found.results}
    result["manifest"] = found.manifest
    if agreed is not None:
        result["agreement"] = agreed.as_dict()
    if len(beside) > 1:
        result["compared"] = {one.id: {"label": one.label, "results": one.results} for one in beside[1:]}
    if out is not None:
        result["files"] = write_files(beside, out)
    words = in_words(beside) if agreed is None else f"{in_words(beside)}\n{agreed.text()}"
    print_result(result, json_, words)


def in_words(evaluations: list[Any]) -> str:
    """The table benchmark by setting, then what has to be told of the newest."""
    from rasslib.benchmarks.report import READING
    from rasslib.benchmarks.tables import overview

    table = overview(evaluations)
    lines = []
    for row in table.to_dict("records"):
        figures = "; ".join(f"{name}: {value}" for name, value in row.items() if name not in ("benchmark", "metric"))
        lines.append(f"{row['benchmark']}, {row['metric']}: {figures}")
    notes = [f"{one['title']}: {note}" for one in evaluations[0].results.values() for note in one["notes"]]
    return "\n".join([*lines, *notes, READING, f"Evaluation {evaluations[0].id}"])
