"""Make a safety adapter by a recipe, from the prompt set to the finished folder: what ``rass align`` runs."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from rasslib.mitigation.adapters import check_target, peft_settings, round_to_half, save_adapter, strengthen
from rasslib.mitigation.failures import explained
from rasslib.mitigation.measure import coherence, refusal_rates, texts
from rasslib.mitigation.provenance import public_name, versions
from rasslib.mitigation.recipes import Recipe, RecipeData, find_recipe
from rasslib.mitigation.replies import ReplyFile, greedy_replies
from rasslib.mitigation.settings import AlignSettings, TrainingError
from rasslib.mitigation.training import Trained, fine_tune
from rasslib.models.decode import Reply
from rasslib.models.loading import fingerprint
from rasslib.models.templates import ChatFormat
from rasslib.progress import Progress, Silent
from rasslib.prompts.schema import data_hash
from rasslib.refusal.judge import PhraseJudge
from rasslib.settings import cache_dir
from rasslib.workspace.files import atomic_json, make_folder, plain

FEWEST = 8
"""Fewest harmful and fewest harmless prompts that a training makes sense with."""


@dataclass(frozen=True)
class Aligned:
    """A finished adapter: its folder and the content of its ``provenance.json``."""

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
        out: Folder of the new adapter (PEFT layout, float16, with ``provenance.json``).
        settings: How to train.
        base_name: What the base model is called.
        template: Chat template, as in :class:`~rasslib.models.templates.ChatFormat`.
        replies_folder: Where the base model's own replies are kept for later trainings.
        progress: Called after each batch and step; may raise ``Stopped``.

    Raises:
        TrainingError: Too few prompts, an unknown recipe, a loss that is not a number, full memory.
        ModelError: No chat template.
        WorkspaceError: Something cannot be written.
        Stopped: ``progress`` asked to stop.
    """
    settings, progress = settings or AlignSettings(), progress or Silent()
    started = time.monotonic()
    recipe = find_recipe(settings.recipe)
    rows = recipe.wanted(prompts, settings)
    _check_enough(rows)
    out = out.expanduser()
    check_target(out)
    chat = ChatFormat(tokenizer, template)
    facts = {
        "name": public_name(base_name),
        "fingerprint": fingerprint(model),
        "template_hash": chat.hash,
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
    }
    with _work_folder(out, settings, facts, rows) as work:
        own = _own_replies(model, chat, prompts, rows, recipe, settings, facts, replies_folder, progress)
        data = recipe.build(rows, own, _usable, settings)
        _check_made(data)
        trained = fine_tune(model, chat, data.examples, settings, work, progress)
        weights = round_to_half(trained.model)
        strengthen(trained.model, settings.strengthen)
        provenance: dict[str, Any] = {
            "format": 1,
            "recipe": settings.recipe,
            "settings": dataclasses.asdict(settings),
            "base": facts,
            "data": _data_facts(prompts, rows, data),
            "training": _training_facts(trained),
            "measured": _measure(trained.model, chat, prompts, own, settings, progress),
            "versions": versions(),
            "finished": datetime.now(UTC).date().isoformat(),
            "seconds": round(time.monotonic() - started, 1),
        }
        provenance = plain(provenance)  # NaN becomes None here too, not only in the file
        save_adapter(out, weights, peft_settings(trained.model, facts["name"]), provenance)
    return Aligned(out, provenance)


def _check_enough(rows: pd.DataFrame) -> None:
    for intent in ("harmful", "harmless"):
        if (n := int((rows["intent"] == intent).sum())) < FEWEST:
            raise TrainingError(
                f"The train split holds {n} {intent} prompts; a training needs at least {FEWEST} harmful and "
                f"{FEWEST} harmless ones: add prompts, or label more of them as harmful and harmless."
            )


def _check_made(data: RecipeData) -> None:
    if (n := data.count("harmless")) < FEWEST:
        raise TrainingError(
            f"The base model gives a usable reply to only {n} harmless prompts ({data.dropped} were empty, "
            f"degenerate or refusals); at least {FEWEST} are needed: choose another base model or chat "
            "template."
        )


def _usable(reply: Reply) -> bool:
    return PhraseJudge().judge(reply.text, finished=reply.finished).behaviour == "complied"


def _own_replies(
    model: Any,
    chat: ChatFormat,
    prompts: pd.DataFrame,
    rows: pd.DataFrame,
    recipe: Recipe,
    settings: AlignSettings,
    facts: dict[str, str],
    folder: Path | None,
    progress: Progress,
) -> dict[str, Reply]:
    """Greedy replies of the untouched base: to the prompts trained on, and to those measured on."""
    needed = rows[rows["intent"].map(recipe.needs_reply).astype(bool)]
    measured = _test_prompts(prompts, "harmless")
    folder = folder or cache_dir() / "base-replies"
    file = ReplyFile(folder / f"{facts['fingerprint']}-{facts['template_hash']}-{settings.reply_tokens}.jsonl")
    wanted = texts(pd.concat([needed, measured]).drop_duplicates("id"))
    with explained(folder):
        return greedy_replies(
            model,
            chat,
            wanted,
            settings.reply_tokens,
            batch_size=32,
            cache=file,
            progress=progress,
            stage="The base model's own replies",
        )


def _test_prompts(prompts: pd.DataFrame, *intents: str) -> pd.DataFrame:
    return prompts[(prompts["split"] == "test") & prompts["intent"].isin(intents)]


def _measure(
    model: Any,
    chat: ChatFormat,
    prompts: pd.DataFrame,
    own: dict[str, Reply],
    settings: AlignSettings,
    tell: Progress,
) -> dict[str, Any]:
    asked = _test_prompts(prompts, "harmful", "harmless", "borderline")
    harmless = _test_prompts(prompts, "harmless")
    measured: dict[str, Any] = {}
    if len(asked):
        measured["test split"] = refusal_rates(model, chat, asked, progress=tell)
    if len(harmless):
        compared = coherence(model, chat, harmless, own, settings.reply_tokens, progress=tell)
        measured["coherence on harmless prompts of the test split"] = dataclasses.asdict(compared)
    return measured


def _data_facts(prompts: pd.DataFrame, rows: pd.DataFrame, data: RecipeData) -> dict[str, Any]:
    return {
        "prompt_set_hash": data_hash(prompts),
        "train_hash": data_hash(rows),
        "examples": {intent: data.count(intent) for intent in ("harmful", "harmless")},
        "dropped_for_unusable_reply": data.dropped,
    }


def _training_facts(trained: Trained) -> dict[str, Any]:
    return {
        "steps": trained.steps,
        "resumed_at": trained.resumed_at,
        "label_tokens_per_epoch": trained.label_tokens,
        "first_loss": round(trained.first_loss, 4),
        "last_loss": round(trained.last_loss, 4),
        "seconds": round(trained.seconds, 1),
    }


@contextmanager
def _work_folder(out: Path, settings: AlignSettings, facts: dict[str, str], rows: pd.DataFrame) -> Iterator[Path]:
    """The folder of unfinished work for this very training.

    What another training left in it is removed first. The folder itself is removed when the block succeeds,
    and kept when it fails, so that the same call can go on from there.
    """
    work = make_folder(out.parent / f".{out.name}.work")
    lock = FileLock(work.parent / f"{work.name}.lock", timeout=0)
    made_of = {"settings": dataclasses.asdict(settings), "base": facts, "data": data_hash(rows)}
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    try:
        with explained(work), lock:
            if not (work / f"{key}.json").is_file():
                shutil.rmtree(work)
                atomic_json(make_folder(work) / f"{key}.json", made_of)
            yield work
            shutil.rmtree(work, ignore_errors=True)
    except Timeout as error:
        raise TrainingError(
            f"Another training is already writing to {out}; wait for it or choose another folder."
        ) from error
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink()
