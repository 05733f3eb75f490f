"""Options that several commands share, what they stand for, and how results are printed."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rasslib.progress import Progress, Stoppable, TextProgress

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
Model = Annotated[str, typer.Option(help="embedded, embedded-base, a folder, a .gguf file or a hub id.")]
Adapter = Annotated[str | None, typer.Option(help="Folder of a PEFT adapter, or the name of a shipped one.")]
Template = Annotated[str, typer.Option(help="auto, plain, or a Jinja chat template file.")]
WorkspaceOption = Annotated[Path | None, typer.Option("--workspace", help="Folder of runs and curation.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, mps.")]
Dtype = Annotated[str | None, typer.Option(help="auto, float32, bfloat16, float16.")]
Prompts = Annotated[str, typer.Option(help="bundled, parallel, or a file: CSV, TSV, JSONL, Parquet, plain lines.")]
Fit = Annotated[str, typer.Option(help="bundled, parallel, same, or a file: the prompts that axes are fitted on.")]
IntentMap = Annotated[str, typer.Option(help="Values of the intent column: safe=borderline,unsafe=harmful.")]
Intent = Annotated[str, typer.Option(help="Intent of prompts that have none: harmful, harmless, borderline.")]
Column = Annotated[list[str] | None, typer.Option(help="Which column holds what: prompt=NAME (may be repeated).")]


def prompt_sets(prompts: str, fit: str, intent_map: str, intent: str, column: list[str] | None) -> Any:
    """The prompts asked about, the fit set, and what the readers have to say."""
    from rasslib.errors import PromptError
    from rasslib.prompts import INTENTS, SETS, assign_splits, read_prompts

    if intent not in INTENTS:
        raise PromptError(f"Unknown intent {intent!r}; use one of {', '.join(INTENTS)}.")
    notes: list[str] = []
    columns, meanings = pairs(column or []), pairs(intent_map.split(","))

    def read(name: str) -> Any:
        if name in SETS:
            return SETS[name]()
        result = read_prompts(Path(name), columns=columns, intent_map=meanings, default_intent=intent)
        notes.extend(result.notes)
        for row in result.dropped.itertuples():
            notes.append(f"Row {row.row} was left out: {row.reason}.")
        return result.prompts

    given = read(prompts)
    if fit == "same":
        if given["split"].nunique() == 1:
            given = assign_splits(given)
        return given, given, notes
    return given, read(fit), notes


def stopped_by_keyboard(progress: Progress) -> Progress:
    """Progress that stops the work in order at Ctrl-C, so that its state is saved; a second Ctrl-C ends it at once."""
    asked: list[int] = []

    def note(number: int, frame: Any) -> None:  # noqa: ARG001
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stderr.write("Stopping after this step; its state is saved.\n")

    signal.signal(signal.SIGINT, note)
    return Stoppable(progress, lambda: bool(asked))


def pairs(entries: list[str]) -> dict[str, str]:
    from rasslib.errors import PromptError

    found = {}
    for entry in entries:
        if entry.strip():
            name, mark, value = entry.partition("=")
            if not mark:
                raise PromptError(f"{entry!r} should be written NAME=VALUE.")
            found[name.strip()] = value.strip()
    return found


def workspace_at(root: Path | None) -> Any:
    from rasslib.workspace import Workspace

    return Workspace(root)


def lens_of(model: str, adapter: str | None, template: str, device: str | None, dtype: str | None) -> Any:
    from rasslib.models import load, resolve

    return load(resolve(model, adapter, template), device=device, dtype=dtype, progress=TextProgress())


def bundled_run(lens: Any, place: Any) -> Any:
    """The run of the bundled prompts through this model; made now if the workspace has none."""
    from rasslib.boundary.analysis import analyze
    from rasslib.models.names import spoken_name
    from rasslib.prompts import load_bundled

    bundled = load_bundled()
    return analyze(lens, bundled, bundled, place, None, TextProgress(), title=f"{spoken_name(lens)} on bundled prompts")


def newest_run(place: Any) -> str:
    from rasslib.errors import WorkspaceError

    for entry in place.database.list_runs():
        if entry.status == "finished":
            return str(entry.run_id)
    raise WorkspaceError("There is no finished run yet; start one with: rass analyze")


def print_result(result: Any, as_json: bool, for_people: Any) -> None:
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str, allow_nan=False) + "\n")
    elif isinstance(for_people, str):
        sys.stdout.write(for_people + "\n")
    else:
        Console().print(for_people)
