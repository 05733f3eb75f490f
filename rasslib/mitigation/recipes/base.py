"""What every recipe is: the prompts it wants, and the examples it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pandas as pd

from rasslib.mitigation.candidates import Candidates
from rasslib.mitigation.examples import Example
from rasslib.mitigation.settings import AlignSettings
from rasslib.models.decode import Reply
from rasslib.triggers.bundled import Trigger

ReplyCheck = Callable[[Reply], bool]


@dataclass(frozen=True, eq=False)
class Extra:
    """Data beside the prompt set that some recipes take.

    Attributes:
        candidates: Candidates with their margins, see :mod:`rasslib.mitigation.candidates`.
        triggers: Triggers of the train split; None for those that come with the program.
    """

    candidates: Candidates | None = None
    triggers: tuple[Trigger, ...] | None = None


@dataclass(frozen=True)
class RecipeData:
    """Training data made by a recipe.

    Attributes:
        examples: The examples, in an order that does not depend on the order of the prompt set.
        dropped: Prompts left out because the base model's own reply could not be used.
        short: Benign sets that have fewer examples than arms of equal size take, with both numbers.
    """

    examples: tuple[Example, ...]
    dropped: int
    short: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def count(self, intent: str) -> int:
        """Number of examples whose prompt has this intent."""
        return sum(example.intent == intent for example in self.examples)


class Recipe(Protocol):
    """What a recipe is; a module or an :class:`~rasslib.mitigation.recipes.arm.Arm`."""

    @property
    def about(self) -> str:
        """One sentence for people."""

    @property
    def composed(self) -> bool:
        """Whether batches are composed by α; else every example comes once an epoch."""

    def wanted(self, prompts: pd.DataFrame, settings: AlignSettings, extra: Extra | None = None) -> pd.DataFrame:
        """The prompts to train on, each with ``id``, ``prompt``, ``intent`` and ``split``."""

    def to_ask(
        self, rows: pd.DataFrame, replies: Mapping[str, Reply], usable: ReplyCheck, settings: AlignSettings
    ) -> pd.DataFrame:
        """The rows whose reply by the base is still needed; asked again with these, until none is."""

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
