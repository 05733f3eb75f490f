"""Make a safety adapter by a recipe, from the prompt set to the finished folder: what ``rass align`` runs."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from rasslib.errors import ModelError
from rasslib.mitigation.adapters import (
    carried_on,
    check_start,
    check_target,
    peft_settings,
    round_to_half,
    save_adapter,
    strengthen,
)
from rasslib.mitigation.examples import INTENTS
from rasslib.mitigation.live import Live
from rasslib.mitigation.measure import coherence, refusal_rates
from rasslib.mitigation.preparing import Chosen, Material, choose, own_replies, prepare, to_ask
from rasslib.mitigation.provenance import method_note, public_name, versions
from rasslib.mitigation.recipes import Extra, find_recipe
from rasslib.mitigation.settings import AlignSettings
from rasslib.mitigation.training import Trained, fine_tune
from rasslib.mitigation.whole import save_whole
from rasslib.mitigation.work import work_folder
from rasslib.models.decode import Reply
from rasslib.models.fingerprint import adapter_digest, fingerprint
from rasslib.models.templates import ChatFormat
from rasslib.progress import Progress, Silent
from rasslib.prompts.schema import data_hash
from rasslib.rass.export.pairs import Pairs
from rasslib.workspace.files import plain


@dataclass(frozen=True)
class Aligned:
    """A finished adapter (or model): its folder and the content of its ``provenance.json``."""

    folder: Path
    provenance: dict[str, Any]


def align(
    model: Any,
    tokenizer: Any,
    prompts: pd.DataFrame,
    out: Path,
    settings: AlignSettings | None = None,
    *,
    base_name: str,
    template: str = "auto",
    replies_folder: Path | None = None,
    progress: Progress | None = None,
    extra: Extra | None = None,
    pairs: Pairs | None = None,
    live: Live | None = None,
    measure: bool = True,
    start: Path | None = None,
) -> Aligned:
    """Train an adapter for ``model`` and write it to ``out``.

    Only the split ``train`` is trained on; the split ``test`` is measured at the end. Unfinished work lies
    beside ``out`` in a hidden folder: the same call goes on from there after a stop or a crash, another one
    starts afresh. ``out`` itself appears (or is replaced) in one step at the very end.

    Args:
        model: A transformers causal language model in float32, not yet wrapped by TransformerBridge or PEFT;
            it is changed in place and of no use afterwards.
        tokenizer: Its tokenizer.
        prompts: A prompt set.
        out: Folder of the new adapter (PEFT layout, float16, with ``provenance.json``), or of the new model.
        settings: How to train.
        base_name: What the base model is called.
        template: Chat template, as in :class:`~rasslib.models.templates.ChatFormat`.
        replies_folder: Where the base model's own replies are kept for later trainings.
        progress: Called after each batch and step; may raise ``Stopped``.
        extra: Candidates and triggers, for recipes that take them.
        pairs: Pairs of the studio's export, to train on by DPO instead of the recipe's data.
        live: What is told while it runs.
        start: Folder of an adapter to train on, instead of fresh LoRA weights; the base is still
            ``model`` itself, but DPO and GRPO stay near this start. Reinforcement needs a model that refuses now and
            then, or no reply is ever rewarded.
        measure: Measure the split ``test`` at the end; a comparison does that too, and with more sets.

    Raises:
        TrainingError: Too few prompts, an unknown recipe, a loss that is not a number, full memory.
        ModelError: No chat template, or the model has an adapter of its own.
        WorkspaceError: Something cannot be written.
        Stopped: ``progress`` asked to stop.
    """
    settings, progress, live = settings or AlignSettings(), progress or Silent(), live or Live()
    started = time.monotonic()
    recipe = find_recipe(settings.recipe)
    chosen = choose(recipe, prompts, settings, extra or Extra(), pairs)
    out = out.expanduser()
    if base_name == "embedded":
        raise ModelError(
            "The model embedded is embedded-base with the adapter generic: train embedded-base, or go on from generic "
            "(--start generic)."
        )
    chat = ChatFormat(tokenizer, template)
    facts = {
        "name": public_name(base_name),
        "fingerprint": fingerprint(model),
        "template_hash": chat.hash,
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
    }
    began = {"name": start.name, "weights": adapter_digest(start)[:16]} if start else None
    made_of = {"settings": dataclasses.asdict(settings), "base": facts, "data": chosen.hash}
    made_of |= {"start": began} if began else {}
    check_target(out, made_of)
    if start:
        check_start(start, settings, facts["fingerprint"])
    with work_folder(out, made_of) as work:
        measured_on = _split(prompts, "test", *INTENTS) if measure else prompts.head(0)
        own: dict[str, Reply] = {}
        asked = pd.concat([to_ask(recipe, chosen, own, settings), _split(measured_on, "test", "harmless")])
        while len(asked):
            own |= own_replies(model, chat, asked, settings, facts, replies_folder, progress)
            asked = to_ask(recipe, chosen, own, settings)
        material = prepare(recipe, chosen, own, chat, settings)
        trained = fine_tune(
            carried_on(model, start) if start else model,
            chat,
            material.data.examples,
            settings,
            work,
            progress,
            plan=material.plan,
            preferences=material.preferences,
            live=live,
            rates=_validation(prompts, chat, live),
        )
        weights = {} if settings.full else round_to_half(trained.model)
        if not settings.full:
            strengthen(trained.model, settings.strengthen)
        provenance: dict[str, Any] = {
            "format": 1,
            "recipe": "pairs" if chosen.pairs else settings.recipe,
            "method": method_note(settings.method),
            "settings": dataclasses.asdict(settings),
            "base": facts,
            "start": began,
            "data": _data_facts(prompts, chosen, material),
            "training": _training_facts(trained, material),
            "measured": _measure(trained.model, chat, measured_on, own, settings, progress),
            "versions": versions(),
            "finished": datetime.now(UTC).date().isoformat(),
            "seconds": round(time.monotonic() - started, 1),
        }
        provenance = plain(provenance)  # NaN becomes None here too, not only in the file
        if settings.full:
            save_whole(out, trained.model, tokenizer, provenance)
        else:
            save_adapter(out, weights, peft_settings(trained.model, facts["name"]), provenance)
    return Aligned(out, provenance)


def _split(prompts: pd.DataFrame, split: str, *intents: str) -> pd.DataFrame:
    return prompts[(prompts["split"] == split) & prompts["intent"].isin(intents)]


def _validation(prompts: pd.DataFrame, chat: ChatFormat, live: Live) -> Callable[[Any], dict[str, Any]] | None:
    """Measures refusal rates on a few validation prompts of each intent; None where nobody asks."""
    rows = _split(prompts, "validation", *INTENTS).sort_values("id").groupby("intent").head(live.prompts)
    return None if rows.empty else lambda model: refusal_rates(model, chat, rows)


def _measure(
    model: Any,
    chat: ChatFormat,
    prompts: pd.DataFrame,
    own: dict[str, Reply],
    settings: AlignSettings,
    tell: Progress,
) -> dict[str, Any]:
    asked = _split(prompts, "test", *INTENTS)
    harmless = _split(prompts, "test", "harmless")
    measured: dict[str, Any] = {}
    if len(asked):
        measured["test split"] = refusal_rates(model, chat, asked, progress=tell)
    if len(harmless) and not settings.full:
        compared = coherence(model, chat, harmless, own, settings.reply_tokens, progress=tell)
        measured["coherence on harmless prompts of the test split"] = dataclasses.asdict(compared)
    return measured


def _data_facts(prompts: pd.DataFrame, chosen: Chosen, material: Material) -> dict[str, Any]:
    data = material.data
    intents = [intent for intent in INTENTS if intent != "borderline" or data.count(intent)]
    return {
        "prompt_set_hash": data_hash(prompts),
        "train_hash": chosen.hash,
        "examples": {intent: data.count(intent) for intent in intents},
        "dropped_for_unusable_reply": data.dropped,
        "notes": [*chosen.notes, *(short_words(name, *counts) for name, counts in data.short.items())],
    }


def short_words(name: str, made: int, wanted: int) -> str:
    """That a benign set is smaller than that of other arms."""
    return (
        f"The set {name} has {made} usable examples, not {wanted}: to compare like with like, give all arms "
        f"--benign-size {made}."
    )


def _training_facts(trained: Trained, material: Material) -> dict[str, Any]:
    composed = material.plan
    return {
        "steps": trained.steps,
        "resumed_at": trained.resumed_at,
        "label_tokens_per_epoch": trained.label_tokens,
        "first_loss": round(trained.first_loss, 4),
        "last_loss": round(trained.last_loss, 4),
        "seconds": round(trained.seconds, 1),
        "batch": composed and composed.batch_size,
        "exposure": trained.exposure,
        "history": trained.history,
    }
