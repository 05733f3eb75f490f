"""Recipe ``sft``: harmful prompts get short refusals, harmless ones the base model's own replies.

This is the plain safety alignment that the literature on overrefusal starts from: the model learns to refuse from
harmful prompts and to stay as it was from harmless ones. Borderline prompts are left out on purpose: what the
model does with them is what we want to see.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import pandas as pd

from rasslib.mitigation.examples import Example
from rasslib.mitigation.recipes.base import Extra, RecipeData, ReplyCheck, draw
from rasslib.mitigation.settings import AlignSettings
from rasslib.models.decode import Reply

about = "Refusals, and the base's own replies to all harmless prompts; every example once an epoch."
composed = False

REFUSALS: tuple[str, ...] = (
    "I'm sorry, but I can't help with that.",
    "I'm sorry, but I can't assist with this request.",
    "I'm sorry, I'm not able to help with that.",
    "I can't help with that. It could hurt someone.",
    "I can't assist with this, because it could cause harm.",
    "Sorry, but I can't help with that.",
    "Sorry, that is something I won't help with.",
    "I'm sorry, but I won't help with something that could do harm.",
)
"""What the model learns to say to a harmful prompt; one is drawn for each prompt."""


def wanted(prompts: pd.DataFrame, settings: AlignSettings, extra: Extra | None = None) -> pd.DataFrame:  # noqa: ARG001
    """The rows of the prompt set to train on: split ``train``, intents harmful and harmless."""
    train = prompts[prompts["split"] == "train"]
    return pd.concat(
        [
            draw(train[train["intent"] == "harmful"], settings.max_harmful, settings.seed),
            draw(train[train["intent"] == "harmless"], settings.max_harmless, settings.seed),
        ]
    )


def to_ask(
    rows: pd.DataFrame,
    replies: Mapping[str, Reply],
    usable: ReplyCheck,  # noqa: ARG001
    settings: AlignSettings,  # noqa: ARG001
) -> pd.DataFrame:
    """The harmless rows without a reply."""
    return rows[(rows["intent"] == "harmless") & ~rows["id"].astype(str).isin(list(replies))]


def refusal(prompt_id: str, seed: int) -> str:
    """The refusal for one prompt, drawn from the seed and the id: the order of the rows does not matter."""
    return random.Random(f"{seed}:{prompt_id}").choice(REFUSALS)


def build(rows: pd.DataFrame, replies: Mapping[str, Reply], usable: ReplyCheck, settings: AlignSettings) -> RecipeData:
    """The training examples.

    Args:
        rows: What :func:`wanted` gave.
        replies: The base model's own replies by prompt id, for the prompts that :func:`to_ask` names.
        usable: Tells whether a reply may be learnt; base replies that are empty, degenerate or refusals may
            not.
        settings: Seed.

    Returns:
        Examples sorted by prompt id, and how many prompts were left out for want of a usable reply.
    """
    examples: list[Example] = []
    dropped = 0
    for row in rows.sort_values("id").to_dict("records"):
        key, text, intent = str(row["id"]), str(row["prompt"]), str(row["intent"])
        if intent != "harmless":
            examples.append(Example(key, text, refusal(key, settings.seed), True, intent, "harmful"))
        elif usable(reply := replies[key]):
            examples.append(Example(key, text, reply.text, reply.finished, intent, "generic"))
        else:
            dropped += 1
    return RecipeData(tuple(examples), dropped)
