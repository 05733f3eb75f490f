"""``rass triggers``: extract triggers, attribute refusals to words, and weigh the evidence."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from rasslib.commands.options import (
    Adapter,
    Column,
    Device,
    Dtype,
    Intent,
    IntentMap,
    Json,
    Model,
    Template,
    WorkspaceOption,
    bundled_run,
    lens_of,
    print_result,
    prompt_sets,
    workspace_at,
)
from rasslib.progress import TextProgress

app = typer.Typer(help="Which harmless words taught the model to refuse.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="Prompts with a column that names the misleading word.")],
    focus_column: Annotated[str, typer.Option(help="That column.")] = "focus",
    method: Annotated[str, typer.Option(help="Attribution method; chosen on bundled prompts if not given.")] = "",
    compare: Annotated[str, typer.Option(help="Methods to choose among, with commas; all by default.")] = "",
    intent_map: IntentMap = "",
    intent: Intent = "unlabelled",
    column: Column = None,
    model: Model = "embedded",
    adapter: Adapter = None,
    template: Template = "auto",
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Is the named word of a refused prompt among the words that push most, against random and rarest words?"""
    from rasslib.triggers.attributing import METHODS, basic_methods
    from rasslib.triggers.focus import check_focus
    from rasslib.workspace.files import plain

    tried = tuple(name.strip() for name in compare.split(",") if name.strip()) or tuple(METHODS)
    basic_methods([*tried, *([method] if method else [])])  # before the model is loaded
    given, _, notes = prompt_sets(str(file), "same", intent_map, intent, column)
    lens = lens_of(model, adapter, template, device, dtype)
    found = check_focus(
        lens, given, workspace_at(workspace), focus_column, TextProgress(), method=method, methods=tried
    )
    flat = {
        "n": found.n,
        "hit_at_1": found.chosen.hit_at_1.rate,
        "hit_at_3": found.chosen.hit_at_3.rate,
        "random_hit_at_1": found.random.hit_at_1.rate,
        "random_hit_at_3": found.random.hit_at_3.rate,
        "rarest_hit_at_1": found.rarest.hit_at_1.rate,
        "rarest_hit_at_3": found.rarest.hit_at_3.rate,
    }
    lines = [f"{found.n} refused prompts hold their {focus_column}; method: {found.method}."]
    for score in (found.chosen, found.random, *found.rarities):
        one, three = score.hit_at_1, score.hit_at_3
        lines.append(
            f"{score.name}: hit@1 {one.rate:.1%} ({one.low:.1%} to {one.high:.1%}), hit@3 {three.rate:.1%} "
            f"({three.low:.1%} to {three.high:.1%})"
        )
    gap = found.over_rarest
    lines.append(
        f"{gap.name}: {100 * gap.hit_at_1.rate:+.1f} points ({100 * gap.hit_at_1.low:+.1f} to "
        f"{100 * gap.hit_at_1.high:+.1f}) at 1, {100 * gap.hit_at_3.rate:+.1f} ({100 * gap.hit_at_3.low:+.1f} to "
        f"{100 * gap.hit_at_3.high:+.1f}) at 3; the strongest order is the baseline"
    )
    print_result({**flat, **plain(asdict(found)), "notes": notes}, json_, "\n".join(lines))


@app.command()
def lexicon(
    model: Model = "embedded",
    adapter: Adapter = None,
    template: Template = "auto",
    top: Annotated[int, typer.Option(help="Phrases printed.", min=1)] = 20,
    least: Annotated[int, typer.Option(help="Prompts that must hold a phrase.", min=1)] = 3,
    most_measured: Annotated[int, typer.Option(help="Prompts a phrase is measured on at most.", min=1)] = 40,
    longest: Annotated[int, typer.Option(help="Words of the longest phrase.", min=1, max=3)] = 3,
    benign_cues: Annotated[bool, typer.Option(help="Only phrases that leave the intent axis alone.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the whole lexicon as CSV.")] = None,
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Rank the words and phrases of the bundled prompts by how much they push this model towards refusal."""
    from rasslib.prompts.guard import guard_text
    from rasslib.triggers.lexicon import LexiconSettings
    from rasslib.triggers.lexicon_building import build_lexicon
    from rasslib.workspace.files import atomic_bytes, plain

    lens, run = _run(model, adapter, template, device, dtype, workspace)
    settings = LexiconSettings(longest=longest, least=least, most_measured=most_measured)
    found = build_lexicon(lens, run, settings, TextProgress())
    if out is not None:
        table = found.table()
        for name in ("phrase", "examples"):
            table[name] = table[name].map(guard_text)
        atomic_bytes(out, table.to_csv(index=False).encode("utf-8-sig"))
    shown = (found.benign_cues if benign_cues else found.entries)[:top]
    facts = {key: value for key, value in found.as_dict().items() if key != "entries"}
    counts = {"phrases": len(found.entries), "triggers": len(found.triggers), "benign_cues": len(found.benign_cues)}
    lines = [
        f"{e.change:+.2f} ({e.low:+.2f} to {e.high:+.2f})  intent {e.intent_change:+.2f}  {e.phrase}  "
        f"[{e.harmful} harmful, {e.benign} benign]"
        for e in shown
    ]
    print_result({**facts, **counts, "entries": plain(list(shown))}, json_, "\n".join(lines))


@app.command()
def evidence(
    kinds: Annotated[str, typer.Option(help="behavioural, representational, causal; with commas.")] = "all",
    also: Annotated[list[str] | None, typer.Option(help="NAME=MODEL or NAME=MODEL+ADAPTER beside it.")] = None,
    base: Annotated[str, typer.Option(help="Model that the others are compared with.")] = "embedded-base",
    splits: Annotated[str, typer.Option(help="Splits of the triggers; train flatters models trained on it.")] = (
        "validation,test"
    ),
    benign_cues: Annotated[
        bool, typer.Option("--benign-cues/--all-phrases", help="Causal: benign cues alone, or harm words too.")
    ] = True,
    model: Model = "embedded",
    adapter: Adapter = None,
    template: Template = "auto",
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Behavioural, representational and causal evidence for triggers; bundled triggers and prompts."""
    from rasslib.triggers.collecting import Arms, collect, in_words, kinds_of
    from rasslib.workspace.files import plain

    wanted, place = kinds_of(kinds), workspace_at(workspace)
    arms = Arms.parse(base, model, adapter, also or [])
    found = collect(
        wanted,
        arms,
        tuple(part.strip() for part in splits.split(",")),
        lambda name, part: lens_of(name, part, template, device, dtype),
        place,
        TextProgress(),
        benign_only=benign_cues,
    )
    print_result(plain(found), json_, in_words(found))


@app.command()
def extract(
    out: Annotated[Path, typer.Option(help="JSON lines to write.")] = Path("triggers.jsonl"),
    n: Annotated[int | None, typer.Option("-n", help="Harmful prompts; all by default.", min=1)] = None,
    split: Annotated[str, typer.Option(help="Split of the bundled harmful prompts.")] = "train",
    writer: Annotated[str, typer.Option(help="endpoint (settings RASS_ENDPOINT_…) or local.")] = "endpoint",
    reference: Annotated[str, typer.Option(help="Who must answer the rewrite: endpoint or local.")] = "endpoint",
    tries: Annotated[int, typer.Option(help="Rewrites asked for at most.", min=1)] = 4,
    levels: Annotated[bool, typer.Option(help="Also ask for levels 1 to 3.")] = True,
    seed: int = 0,
    model: Model = "embedded-base",
    adapter: Adapter = None,
    template: Template = "auto",
    workspace: WorkspaceOption = None,
    device: Device = None,
    dtype: Dtype = None,
    json_: Json = False,
) -> None:
    """Take the harm out of harmful prompts with a language model, and keep what a reference model answers."""
    import json
    from collections import Counter

    from rasslib.errors import AnalysisError
    from rasslib.models.endpoint import Endpoint
    from rasslib.models.endpoint_config import endpoint_config
    from rasslib.models.writer import LensWriter, Writer
    from rasslib.prompts import load_bundled
    from rasslib.rass.seeds import seed_order, seeds_of
    from rasslib.triggers.extraction import ExtractionSettings, extract_triggers
    from rasslib.workspace.files import atomic_bytes

    if unknown := {writer, reference} - {"endpoint", "local"}:
        raise AnalysisError(f"{unknown.pop()!r} is no writer: choose endpoint or local.")
    made: dict[str, Writer] = {}
    if "local" in (writer, reference):
        made["local"] = LensWriter(lens_of(model, adapter, template, device, dtype))
    if "endpoint" in (writer, reference):
        made["endpoint"] = Endpoint(endpoint_config())
    seeds = seed_order(seeds_of(load_bundled(), splits=(split,)), seed)[:n]
    settings = ExtractionSettings(tries=tries, levels=levels, seed=seed)
    found = extract_triggers(
        seeds, made[writer], made[reference], workspace_at(workspace).database, settings, TextProgress()
    )
    lines = [json.dumps(asdict(one), ensure_ascii=False) for one in found]
    atomic_bytes(out, ("\n".join(lines) + "\n").encode("utf-8"))
    kept = [one for one in found if one.trigger]
    result: dict[str, Any] = {
        "n": len(found),
        "kept": len(kept),
        "with_levels": sum(bool(one.levels) for one in kept),
        "tries": sum(one.tries for one in found),
        "problems": dict(Counter(one.problem for one in found if one.problem)),
        "writer": made[writer].name,
        "reference": made[reference].name,
        "out": str(out),
    }
    print_result(result, json_, f"{len(kept)} of {len(found)} triggers kept, written to {out}")


def _run(
    model: str, adapter: str | None, template: str, device: str | None, dtype: str | None, workspace: Path | None
) -> tuple[Any, Any]:
    """The model and its finished run on the bundled prompts."""
    lens = lens_of(model, adapter, template, device, dtype)
    return lens, bundled_run(lens, workspace_at(workspace))
