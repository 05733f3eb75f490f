"""Preference pairs for DPO: of an arm's data, or those of the studio's export.

============  =======================  ==================================================================
prompt        preferred                over
============  =======================  ==================================================================
harmful       a short refusal          the base model's own reply, where it complied
benign        the arm's reply          a short refusal
============  =======================  ==================================================================

No compliance with a harmful prompt is written by us: where the base refused, there is nothing to reject.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from rasslib.mitigation.examples import INTENTS, Example, reply_ids
from rasslib.mitigation.held_texts import not_held_out
from rasslib.mitigation.recipes.base import ReplyCheck
from rasslib.mitigation.recipes.sft import refusal
from rasslib.mitigation.settings import TrainingError
from rasslib.models.decode import Reply
from rasslib.models.templates import ChatFormat
from rasslib.prompts import prompt_id
from rasslib.rass.export.pairs import Pairs


@dataclass(frozen=True)
class Preference:
    """One pair.

    Attributes:
        chosen: The prompt with the preferred reply.
        rejected: The other reply.
        ends: Whether the other reply ends there, see :class:`~rasslib.mitigation.examples.Example`.
    """

    chosen: Example
    rejected: str
    ends: bool


def of_examples(
    examples: Sequence[Example], own: Mapping[str, Reply], usable: ReplyCheck, seed: int
) -> tuple[list[Preference], int]:
    """Pairs of an arm's examples, and how many harmful prompts have none because the base did not comply.

    Args:
        examples: The arm's examples.
        own: The base model's own replies to the harmful prompts, by id.
        usable: Whether a reply complies.
        seed: Seed of the choice of refusals.
    """
    made, left_out = [], 0
    for example in examples:
        if example.intent != "harmful":
            made.append(Preference(example, refusal(example.prompt_id, seed), True))
        elif usable(reply := own[example.prompt_id]):
            made.append(Preference(example, reply.text, reply.finished))
        else:
            left_out += 1
    return made, left_out


def of_studio(pairs: Pairs, prompts: pd.DataFrame) -> tuple[list[Preference], int]:
    """Pairs of the studio's export, and how many were left out: prompts that are held out, or come again.

    Args:
        pairs: The pairs.
        prompts: The prompt set, whose splits tell what is held out.

    Raises:
        TrainingError: A pair does not say whether its prompt is harmful.
    """
    for number, pair in enumerate(pairs.pairs, 1):
        if pair.intent not in INTENTS:
            raise TrainingError(
                f"Pair {number} has the intent {pair.intent or 'none'!r}: give each one of {', '.join(INTENTS)}, or "
                "its side of a batch cannot be told."
            )
    made = []
    for k in not_held_out([pair.prompt for pair in pairs.pairs], prompts):
        pair = pairs.pairs[k]
        group = "harmful" if pair.intent == "harmful" else "pairs"
        chosen = Example(prompt_id(pair.prompt), pair.prompt, pair.chosen, True, pair.intent, group)
        made.append(Preference(chosen, pair.rejected, True))
    return made, len(pairs.pairs) - len(made)


def encode_preference(one: Preference, chat: ChatFormat) -> dict[str, list[int]]:
    """Token ids as ``trl.DPOTrainer`` collates them: ``prompt_ids``, ``chosen_ids``, ``rejected_ids``."""
    return {
        "prompt_ids": list(chat.render(one.chosen.prompt).ids),
        "chosen_ids": reply_ids(one.chosen.reply, one.chosen.ends, chat),
        "rejected_ids": reply_ids(one.rejected, one.ends, chat),
    }
