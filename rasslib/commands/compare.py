"""``rass compare``: arms side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rasslib.commands.options import Device, Json, Template, WorkspaceOption, pairs, print_result, workspace_at
from rasslib.progress import TextProgress

app = typer.Typer()


@app.command()
def compare(
    adapters: Annotated[
        str,
        typer.Option(
            help="With commas: shipped, NAME, FOLDER or NAME=FOLDER (a NAME given again is a seed); ablation, "
            "conditional and their controls ablation-random, conditional-random, each also as WAY@ADAPTER."
        ),
    ] = "shipped",
    benchmarks: Annotated[
        str, typer.Option(help="With commas: bundled, its sets (triggers-1), ids of public sets.")
    ] = "bundled",
    path: Annotated[list[str] | None, typer.Option(help="File of a public set: NAME=FILE (may be repeated).")] = None,
    model: Annotated[str, typer.Option(help="The base of the adapters.")] = "embedded-base",
    split: Annotated[str, typer.Option(help="Of our own sets: choose on validation, report on test.")] = "test",
    limit: Annotated[int | None, typer.Option(help="At most so many prompts of each set.", min=1)] = None,
    prefill: Annotated[bool, typer.Option(help="Also attack with compliant openings.")] = True,
    utility: Annotated[bool, typer.Option(help="Also measure fluency and short answers.")] = True,
    moved: Annotated[bool, typer.Option(help="Also tell how the boundary moved.")] = False,
    draws: Annotated[int, typer.Option(help="Resamples for intervals.", min=100)] = 2000,
    seed: int = 0,
    report: Annotated[Path | None, typer.Option(help="Also write a Markdown report.")] = None,
    template: Template = "auto",
    device: Device = None,
    workspace: WorkspaceOption = None,
    json_: Json = False,
) -> None:
    """Compare trained arms: overrefusal, attack success, what it cost, with intervals and paired differences."""
    from rasslib.mitigation.arms import loader, named_arms
    from rasslib.mitigation.compare_report import markdown, write_report
    from rasslib.mitigation.comparing import CompareSettings
    from rasslib.mitigation.comparing import compare as compare_arms
    from rasslib.mitigation.held_out import held_out_sets

    models, place = named_arms(adapters.split(","), model), workspace_at(workspace)
    files = {name: Path(file) for name, file in pairs(path or []).items()}
    sets = held_out_sets([name.strip() for name in benchmarks.split(",") if name.strip()], files, split, limit)
    progress = TextProgress()
    result = compare_arms(
        models,
        sets,
        loader(model, template, device, progress, place, models),
        CompareSettings(prefill, utility, draws, seed),
        progress,
    )
    if report is not None:  # kept even where what follows breaks
        write_report(result, report)
    if moved:
        from rasslib.mitigation.moving import moves
        from rasslib.mitigation.moving_arms import moved_arms

        result |= moves(*moved_arms(models, model, template, device, place, progress))
    if report is not None:
        result["report"] = str(write_report(result, report))
    print_result(result, json_, markdown(result))
