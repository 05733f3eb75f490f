"""``rass align``: train an adapter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rasslib.commands.options import (
    Device,
    Json,
    Model,
    Prompts,
    Template,
    WorkspaceOption,
    print_result,
    stopped_by_keyboard,
)
from rasslib.progress import TextProgress

if TYPE_CHECKING:
    from rasslib.mitigation.live import Event

app = typer.Typer()


@app.command()
def align(
    recipe: Annotated[
        str,
        typer.Option(
            help="Data: sft, refusals, generic, generic-equal, trigger, trigger-1 to -3, rass-band, rass-positive, "
            "random, rass-trigger."
        ),
    ] = "sft",
    method: Annotated[str, typer.Option(help="sft, p-sft, dpo, or grpo (in place of PPO).")] = "sft",
    model: Model = "embedded-base",
    prompts: Prompts = "bundled",
    out: Annotated[Path, typer.Option(help="Folder of the new adapter.")] = Path("adapter"),
    epochs: Annotated[int | None, typer.Option(help="Passes over the (harmful) examples.", min=1)] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps, instead of epochs; not for sft data.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples per step.")] = None,
    micro_batch: Annotated[int | None, typer.Option(help="Examples per forward pass.")] = None,
    harmful_share: Annotated[float | None, typer.Option(help="Harmful share of a batch (α).")] = None,
    benign_size: Annotated[int | None, typer.Option(help="Benign examples of arms of equal size.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    strengthen: Annotated[float | None, typer.Option(help="Multiply the trained update by this at the end.")] = None,
    rank: Annotated[int | None, typer.Option(help="LoRA rank.")] = None,
    full: Annotated[bool, typer.Option(help="Train all weights; the result is a model folder.")] = False,
    prefix_share: Annotated[
        float | None, typer.Option(help="Share of the refusals behind a compliant opening (p-sft).")
    ] = None,
    beta: Annotated[float | None, typer.Option(help="Weight of staying near the start (dpo, grpo).")] = None,
    generations: Annotated[int | None, typer.Option(help="Replies to each prompt (grpo).")] = None,
    completion_tokens: Annotated[int | None, typer.Option(help="Length at which these are cut (grpo).")] = None,
    checkpoints: Annotated[int | None, typer.Option(help="The state is saved at least so often along the way.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Preference pairs of the studio, for dpo.")] = None,
    candidates: Annotated[Path | None, typer.Option(help="Candidates with margins; else the grammar's.")] = None,
    placed_by: Annotated[str, typer.Option(help="Model that places the grammar's candidates.")] = "embedded",
    pool: Annotated[int, typer.Option(help="Candidates that the grammar makes.", min=1)] = 1500,
    tau: Annotated[float | None, typer.Option(help="Half-width of the band, for a file of candidates.")] = None,
    triggers: Annotated[Path | None, typer.Option(help="A file of triggers; else those that come along.")] = None,
    watch: Annotated[int, typer.Option(help="Validation prompts of each intent asked along the way.", min=0)] = 0,
    start: Annotated[str | None, typer.Option(help="Adapter to train on (folder or shipped name).")] = None,
    measure: Annotated[bool, typer.Option(help="Measure the test split at the end.")] = True,
    seed: int = 0,
    template: Template = "auto",
    workspace: WorkspaceOption = None,
    device: Device = None,
    json_: Json = False,
) -> None:
    """Train a refusal adapter (LoRA) on the train split; the same command resumes where it was stopped.

    Ctrl-C saves the state and stops; a kill loses what came after the last save.
    """
    from rasslib.mitigation import AlignSettings, Live
    from rasslib.mitigation import align as train
    from rasslib.mitigation.adapters import start_at
    from rasslib.mitigation.extras import extra_of
    from rasslib.mitigation.settings import TrainingError
    from rasslib.mitigation.training_prompts import training_prompts
    from rasslib.models import load_pretrained
    from rasslib.rass.export.pairs_file import read_pairs
    from rasslib.settings import cache_dir

    given: dict[str, Any] = {
        "epochs": epochs,
        "steps": steps,
        "batch_size": batch_size,
        "micro_batch": micro_batch,
        "harmful_share": harmful_share,
        "benign_size": benign_size,
        "learning_rate": learning_rate,
        "strengthen": strengthen,
        "rank": rank,
        "prefix_share": prefix_share,
        "beta": beta,
        "generations": generations,
        "completion_tokens": completion_tokens,
        "checkpoints": checkpoints,
    }
    if recipe == "sft" and pairs is None and (steps or benign_size or harmful_share):
        raise TrainingError(
            "The recipe sft takes every example once an epoch: it has no --steps, --benign-size or --harmful-share; "
            "give --epochs, or a composed recipe such as generic."
        )
    named = {name: value for name, value in given.items() if value is not None}
    settings = AlignSettings(recipe=recipe, method=method, seed=seed, full=full, **named)  # type: ignore[arg-type]
    notes: list[str] = []
    data = training_prompts(prompts, notes)
    for note in notes:
        sys.stderr.write(f"{note}\n")
    progress = stopped_by_keyboard(TextProgress())
    extra = extra_of(
        settings,
        data,
        candidates=candidates,
        triggers=triggers,
        tau=tau,
        placed_by=placed_by,
        pool=pool,
        workspace=workspace,
        device=device,
        progress=progress,
    )
    base = load_pretrained(model, device=device, dtype="float32", progress=progress)
    made = train(
        base.model,
        base.tokenizer,
        data,
        out,
        settings,
        base_name=model,
        template=template,
        replies_folder=cache_dir() / "replies",
        progress=progress,
        extra=extra,
        pairs=read_pairs(pairs)[0] if pairs else None,
        live=Live(watch, observer=_tell),
        measure=measure,
        start=start_at(start) if start else None,
    )
    print_result({"out": str(made.folder), **made.provenance}, json_, made.provenance)


def _tell(event: Event) -> None:
    """Loss, and refusal rates on validation prompts when they are measured along the way."""
    if event.values:
        each = ", ".join(f"{name} {value:.4g}" for name, value in event.values.items())
        sys.stderr.write(f"Step {event.step} of {event.steps}: {each}.\n")
    if event.rates:
        each = ", ".join(f"{intent} {one['refused']} of {one['n']}" for intent, one in event.rates.items())
        sys.stderr.write(f"Step {event.step} of {event.steps}, validation prompts refused: {each}.\n")
