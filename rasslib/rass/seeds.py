"""Seeds: the prompts and words that rewrites start from, and the order in which they are used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rasslib.errors import AnalysisError
from rasslib.prompts.schema import prompt_id


@dataclass(frozen=True)
class Seed:
    """What rewrites start from.

    Attributes:
        prompt: A harmful prompt, or any text that holds triggers.
        category: Kind of harm; its rewrites belong to the same category.
        language: Language of the rewrites.
        triggers: Words that look harmful; every rewrite shall keep at least one. None: the writer chooses.
    """

    prompt: str
    category: str = ""
    language: str = "en"
    triggers: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id of the seed's prompt."""
        return prompt_id(self.prompt)


def seeds_of(
    prompts: pd.DataFrame, intents: Sequence[str] = ("harmful",), splits: Sequence[str] = ("train",)
) -> list[Seed]:
    """The prompts of a set that may serve as seeds.

    Args:
        prompts: A prompt set; a column ``triggers`` (words parted by commas) is used where there is one.
        intents: Intents to take.
        splits: Splits to take; only training prompts by default, so that nothing held out leaks into candidates.

    Raises:
        AnalysisError: There is none.
    """
    chosen = prompts[prompts["intent"].isin(list(intents)) & prompts["split"].isin(list(splits))]
    if chosen.empty:
        raise AnalysisError(
            f"None of the {len(prompts)} prompts is {' or '.join(intents)} and in split {' or '.join(splits)}: add "
            "such prompts, or take seeds of another intent or split."
        )
    words = chosen["triggers"] if "triggers" in chosen else pd.Series("", index=chosen.index)
    return [
        Seed(text, category, language, _words(triggers))
        for text, category, language, triggers in zip(
            chosen["prompt"], chosen["category"], chosen["language"], words, strict=True
        )
    ]


def seed_order(seeds: Sequence[Seed], seed: int) -> list[Seed]:
    """The seeds shuffled, each prompt once, the categories in turn: few rewrites cover many kinds of harm.

    The order depends on the set of seeds and on ``seed``, not on how the seeds were ordered before.
    """
    unique = sorted({one.id: one for one in seeds}.items())
    shuffled = [unique[i][1] for i in np.random.default_rng(seed).permutation(len(unique))]
    seen: Counter[str] = Counter()
    rounds: list[int] = []
    for one in shuffled:
        rounds.append(seen[one.category])
        seen[one.category] += 1
    return [shuffled[i] for i in np.argsort(rounds, kind="stable")]


def _words(triggers: object) -> tuple[str, ...]:
    parts = triggers.split(",") if isinstance(triggers, str) else []
    return tuple(word.strip() for word in parts if word.strip())
