"""What the arms share: refusals to the same harmful prompts, and benign prompts with the base's own replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from rasslib.mitigation.examples import Example
from rasslib.mitigation.recipes.base import Extra, RecipeData, ReplyCheck, draw
from rasslib.mitigation.recipes.sft import refusal
from rasslib.mitigation.settings import AlignSettings
from rasslib.models.decode import Reply

COLUMNS = ("id", "prompt", "intent", "category", "language", "source", "split")
HARMFUL = "harmful"


@dataclass(frozen=True, eq=False)
class Sources:
    """What a part of an arm chooses from.

    Attributes:
        prompts: The prompt set.
        harmful: The harmful prompts that all arms share.
        extra: Candidates and triggers.
        settings: Seed and limits.
    """

    prompts: pd.DataFrame
    harmful: pd.DataFrame
    extra: Extra
    settings: AlignSettings


@dataclass(frozen=True)
class Part:
    """One benign set of an arm.

    Attributes:
        group: What the set is called.
        rows: Its prompts, those to be taken first at the top.
        share: Share of the equal size that is taken; None takes all.
    """

    group: str
    rows: Callable[[Sources], pd.DataFrame]
    share: float | None = 1.0


@dataclass(frozen=True)
class Arm:
    """A recipe whose batches are composed by α.

    Attributes:
        about: One sentence for people.
        benign: Its benign sets.
        composed: True.
    """

    about: str
    benign: tuple[Part, ...]
    composed: bool = field(default=True, init=False)

    def wanted(self, prompts: pd.DataFrame, settings: AlignSettings, extra: Extra | None = None) -> pd.DataFrame:
        """The shared harmful prompts and the benign ones in the order of choice, with their set in ``group``."""
        train = prompts[prompts["split"] == "train"]
        harmful = draw(train[train["intent"] == "harmful"], settings.max_harmful, settings.seed)
        sources = Sources(prompts, harmful, extra or Extra(), settings)
        found = [harmful[list(COLUMNS)].assign(group=HARMFUL)]
        for part in self.benign:
            found.append(part.rows(sources)[list(COLUMNS)].assign(group=part.group, split="train"))
        return pd.concat(found, ignore_index=True).drop_duplicates("id").reset_index(drop=True)

    def to_ask(
        self, rows: pd.DataFrame, replies: Mapping[str, Reply], usable: ReplyCheck, settings: AlignSettings
    ) -> pd.DataFrame:
        """Of each benign set the next ones, as many as are missing if all their replies could be used."""
        asked: list[Any] = []
        for part in self.benign:
            most, taken = self._most(part, rows, settings), 0
            for index, key in rows.loc[rows["group"] == part.group, "id"].astype(str).items():
                if taken == most:
                    break
                if key not in replies:
                    asked.append(index)
                taken += key not in replies or usable(replies[key])
        return rows.loc[asked]

    def build(
        self, rows: pd.DataFrame, replies: Mapping[str, Reply], usable: ReplyCheck, settings: AlignSettings
    ) -> RecipeData:
        """The examples; of each benign set the first ones whose reply can be used, up to its size."""
        made: list[Example] = []
        dropped, short = 0, dict[str, tuple[int, int]]()
        for row in rows[rows["group"] == HARMFUL].to_dict("records"):
            key = str(row["id"])
            made.append(Example(key, str(row["prompt"]), refusal(key, settings.seed), True, "harmful", HARMFUL))
        for part in self.benign:
            most, taken = self._most(part, rows, settings), 0
            for row in rows[rows["group"] == part.group].to_dict("records"):
                if taken == most:
                    break
                key, intent = str(row["id"]), str(row["intent"])
                if usable(reply := replies[key]):
                    made.append(Example(key, str(row["prompt"]), reply.text, reply.finished, intent, part.group))
                    taken += 1
                else:
                    dropped += 1
            if most is not None and taken < most:
                short[part.group] = (taken, most)
        return RecipeData(tuple(sorted(made, key=lambda example: example.prompt_id)), dropped, short)

    @staticmethod
    def _most(part: Part, rows: pd.DataFrame, settings: AlignSettings) -> int | None:
        """How many examples of a benign set are taken; None for all."""
        size = settings.benign_size or int((rows["group"] == HARMFUL).sum())
        return None if part.share is None else round(size * part.share)


def shuffled(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows in a seeded order that does not depend on the one they come in."""
    ordered = rows.sort_values("id")
    return ordered.iloc[np.random.default_rng(seed).permutation(len(ordered))]
