"""From prompts to what is trained on: the base model's own replies, examples or pairs, and the order of batches."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from rasslib.mitigation.candidates import without_held_out
from rasslib.mitigation.composing import Plan, compose, steps_of
from rasslib.mitigation.examples import Example, encode_example
from rasslib.mitigation.failures import explained
from rasslib.mitigation.held_texts import held_out_texts
from rasslib.mitigation.measure import texts
from rasslib.mitigation.preferences import Preference, of_examples, of_studio
from rasslib.mitigation.recipes import Extra, Recipe
from rasslib.mitigation.recipes.base import RecipeData
from rasslib.mitigation.replies import ReplyFile, greedy_replies
from rasslib.mitigation.settings import AlignSettings, TrainingError
from rasslib.models.decode import Reply
from rasslib.models.templates import ChatFormat
from rasslib.progress import Progress
from rasslib.prompts import prompt_id
from rasslib.prompts.schema import data_hash
from rasslib.rass.export.pairs import Pairs
from rasslib.refusal.judge import PhraseJudge
from rasslib.settings import cache_dir

FEWEST = 8
"""Fewest harmful and fewest benign prompts that a training makes sense with."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """The prompts of a training, before any reply is asked for.

    Attributes:
        rows: Prompts with ``id``, ``prompt``, ``intent`` and ``split``.
        pairs: Pairs of the studio, where they are what is trained on.
        notes: Sentences on where they are from.
    """

    rows: pd.DataFrame
    pairs: tuple[Preference, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """Changes with the prompts and their order, and with the texts of pairs."""
        digest = hashlib.sha256(data_hash(self.rows).encode())
        for one in self.pairs:
            digest.update(f"{one.chosen.prompt_id}\0{one.chosen.reply}\0{one.rejected}\0".encode())
        for row in self.rows.itertuples():  # in their order: the first ones of a set are taken
            digest.update(f"{row.id}\0{getattr(row, 'group', '')}\0".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class Material:
    """What is trained on.

    Attributes:
        data: The examples; with DPO those of the pairs.
        preferences: The pairs of DPO, in the order of the examples.
        plan: The order; None is every example once an epoch.
    """

    data: RecipeData
    preferences: tuple[Preference, ...]
    plan: Plan | None


def choose(
    recipe: Recipe, prompts: pd.DataFrame, settings: AlignSettings, extra: Extra, pairs: Pairs | None = None
) -> Chosen:
    """The prompts of the recipe, or of the pairs where these are given; none of them is held out.

    Raises:
        TrainingError: Too few prompts, or pairs with another method than DPO.
    """
    if pairs is not None:
        return _of_pairs(pairs, prompts, settings)
    notes: tuple[str, ...] = ()
    if extra.candidates is not None:
        clean = without_held_out(extra.candidates, prompts)
        extra, notes = replace(extra, candidates=clean), (f"Candidates: {clean.note}.",)
    rows = recipe.wanted(prompts, settings, extra)
    held = set(map(prompt_id, held_out_texts(prompts)))
    repeats = rows["prompt"].astype(str).map(prompt_id).isin(list(held)).to_numpy()
    if repeats.any():
        notes = (*notes, f"{int(repeats.sum())} prompts were left out: they are held out for measuring.")
        rows = rows[~repeats].reset_index(drop=True)
    for kind, n in (("harmful", int((rows["intent"] == "harmful").sum())), ("harmless", _benign(rows))):
        if n < FEWEST and not (kind == "harmless" and n == 0 and settings.recipe == "refusals"):
            raise TrainingError(
                f"The train split holds {n} {kind} prompts that the recipe {settings.recipe} can use; a training needs "
                f"at least {FEWEST} harmful and {FEWEST} harmless ones: add prompts (for triggers and candidates: to "
                "their file), or label more of them as harmful and harmless."
            )
    if settings.recipe == "refusals" and settings.method == "dpo":
        notes = (*notes, "Pairs of harmful prompts only.")
    return Chosen(rows, (), notes)


def usable(reply: Reply) -> bool:
    """Whether the base model's own reply may be learnt: it is judged complied."""
    return PhraseJudge().judge(reply.text, finished=reply.finished).behaviour == "complied"


def own_replies(
    model: Any,
    chat: ChatFormat,
    prompts: pd.DataFrame,
    settings: AlignSettings,
    facts: Mapping[str, str],
    folder: Path | None,
    progress: Progress,
) -> dict[str, Reply]:
    """Greedy replies of the untouched base to ``prompts``, kept in ``folder`` for later trainings."""
    folder = folder or cache_dir() / "base-replies"
    file = ReplyFile(folder / f"{facts['fingerprint']}-{facts['template_hash']}-{settings.reply_tokens}.jsonl")
    with explained(folder):
        return greedy_replies(
            model,
            chat,
            texts(prompts.drop_duplicates("id")),
            settings.reply_tokens,
            batch_size=32,
            cache=file,
            progress=progress,
            stage="The base model's own replies",
        )


def to_ask(recipe: Recipe, chosen: Chosen, own: Mapping[str, Reply], settings: AlignSettings) -> pd.DataFrame:
    """The prompts whose own reply by the base is still needed: benign ones, and with DPO harmful ones too."""
    if chosen.pairs:
        return chosen.rows.iloc[:0]
    rows = recipe.to_ask(chosen.rows, own, usable, settings)
    if settings.method != "dpo":
        return rows
    harmful = chosen.rows[(chosen.rows["intent"] == "harmful") & ~chosen.rows["id"].astype(str).isin(list(own))]
    return pd.concat([rows, harmful])


def prepare(
    recipe: Recipe, chosen: Chosen, own: Mapping[str, Reply], chat: ChatFormat, settings: AlignSettings
) -> Material:
    """Examples, pairs and plan.

    Raises:
        TrainingError: The base gives too few usable replies.
    """
    preferences: list[Preference] = list(chosen.pairs)
    if preferences:
        data = RecipeData(tuple(one.chosen for one in preferences), 0)
    else:
        data = recipe.build(chosen.rows, own, usable, settings)
        _check_made(data, chosen.rows)
        if settings.method == "dpo":
            preferences, left_out = of_examples(data.examples, own, usable, settings.seed)
            if (harmful := sum(one.chosen.intent == "harmful" for one in preferences)) < FEWEST:
                raise TrainingError(
                    f"DPO needs pairs of at least {FEWEST} harmful prompts, and there are {harmful}: the base model "
                    f"complied with too few of them ({left_out} have no reply to reject). Train it by sft."
                )
            data = RecipeData(tuple(one.chosen for one in preferences), data.dropped + left_out)
    if not (recipe.composed or chosen.pairs):
        return Material(data, tuple(preferences), None)
    return Material(data, tuple(preferences), _plan(data.examples, chat, settings))


def _plan(examples: tuple[Example, ...], chat: ChatFormat, settings: AlignSettings) -> Plan:
    lengths = [len(encode_example(example, chat)["input_ids"]) for example in examples]
    harmful = sum(example.intent == "harmful" for example in examples)
    steps = settings.steps or steps_of(settings.epochs, harmful, settings.batch_size, settings.harmful_share)
    return compose(
        [example.intent for example in examples],
        lengths,
        settings.batch_size,
        settings.micro_batch,
        settings.harmful_share,
        steps,
        settings.seed,
    )


def _of_pairs(pairs: Pairs, prompts: pd.DataFrame, settings: AlignSettings) -> Chosen:
    if settings.method != "dpo":
        raise TrainingError(f"Preference pairs are trained on by DPO, not by {settings.method}; choose the method dpo.")
    made, left_out = of_studio(pairs, prompts)
    counts = Counter("harmful" if one.chosen.intent == "harmful" else "benign" for one in made)
    if min(counts["harmful"], counts["benign"]) < FEWEST:
        raise TrainingError(
            f"There are pairs of {counts['harmful']} harmful and {counts['benign']} benign prompts ({left_out} are "
            f"held out for measuring, or come again); at least {FEWEST} of each are needed."
        )
    rows = pd.DataFrame(
        [{"id": p.chosen.prompt_id, "prompt": p.chosen.prompt, "intent": p.chosen.intent} for p in made]
    )
    note = f"Pairs of the studio's export; {left_out} were left out: held out for measuring, or come again."
    return Chosen(rows.assign(split="train"), tuple(made), (note,))


def _check_made(data: RecipeData, rows: pd.DataFrame) -> None:
    made = sum(example.intent != "harmful" for example in data.examples)
    if made < FEWEST and _benign(rows):
        raise TrainingError(
            f"The base model gives a usable reply to only {made} harmless prompts ({data.dropped} were empty, "
            f"degenerate or refusals); at least {FEWEST} are needed: choose another base model or chat "
            "template."
        )


def _benign(rows: pd.DataFrame) -> int:
    return int((rows["intent"] != "harmful").sum())
