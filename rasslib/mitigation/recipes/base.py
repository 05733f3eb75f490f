"""What every recipe is: the prompts it wants, and the examples it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from rasslib.mitigation.examples import Example
from rasslib.mitigation.settings import AlignSettings
from rasslib.models.decode import Reply

ReplyCheck = Callable[[Reply], bool]


@dataclass(frozen=True)
class RecipeData:
    """Training data made by a recipe.

    Attributes:
        examples: The examples, in an order that does not depend on the order of the prompt set.
        dropped: Prompts left out because the base model's own reply could not be used.
    """

    examples: tuple[Example, ...]
    dropped: int

    def count(self, intent: str) -> int:
        """Number of examples whose prompt has this intent."""
        return sum(example.intent == intent for example in self.examples)


class Recipe(Protocol):
    """A module of this package."""

    def wanted(self, prompts: pd.DataFrame, settings: AlignSettings) -> pd.DataFrame:
        """Rows of the prompt set to train on."""

    def needs_reply(self, row_intent: str) -> bool:
        """Whether the base model's own reply is needed."""

    def build(
        self, rows: pd.DataFrame, replies: Mapping[str, Reply], usable: ReplyCheck, settings: AlignSettings
    ) -> RecipeData:
        """The training examples."""


def draw(rows: pd.DataFrame, most: int | None, seed: int) -> pd.DataFrame:
    """At most ``most`` rows, drawn by ``seed``; the draw does not depend on the order of ``rows``."""
    ordered = rows.sort_values("id")
    if most is None or len(ordered) <= most:
        return ordered
    return ordered.sample(most, random_state=seed).sort_values("id")
