"""What a training costs in use: fluency on reference replies, and short answers. Texts of our own."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rasslib.errors import BenchmarkError
from rasslib.mitigation.measure import behaviours
from rasslib.mitigation.speakers import Speaker
from rasslib.progress import Progress
from rasslib.refusal.rates import wilson
from rasslib.settings import assets_dir


@dataclass(frozen=True)
class Utility:
    """What was measured of one model.

    Attributes:
        perplexity: Per-token perplexity of the reference replies under the model.
        references: Reference replies.
        questions: Questions with a short answer.
        right: How many were answered rightly.
        refused: How many were refused.
        low, high: Wilson interval of the share of right answers.
    """

    perplexity: float
    references: int
    questions: int
    right: int
    refused: int
    low: float
    high: float

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / self.questions

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self) | {"accuracy": self.accuracy}


@dataclass(frozen=True)
class UtilitySet:
    """Questions with their answers, and prompts with their reference replies."""

    questions: tuple[tuple[str, tuple[str, ...]], ...]
    references: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1)
def utility_set() -> UtilitySet:
    """The texts that come with the program.

    Raises:
        BenchmarkError: The installation lacks them, or they are damaged.
    """
    path = assets_dir() / "benchmarks" / "utility.toml"
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"The utility set ({path}) cannot be read; install the program again.") from error
    return UtilitySet(
        tuple((str(one["prompt"]), tuple(map(str, one["answers"]))) for one in data["question"]),
        tuple((str(one["prompt"]), str(one["reply"])) for one in data["reference"]),
    )


def is_right(reply: str, answers: tuple[str, ...]) -> bool:
    """Whether one of the answers stands in the reply as whole words, whatever the letter case.

    An answer of one letter must stand with its letter case: ``a`` is also an article.
    """
    return any(
        re.search(rf"(?<![\w.]){re.escape(answer)}(?!\w)", reply, re.IGNORECASE if len(answer) > 1 else 0)
        for answer in answers
    )


def measure_utility(speaker: Speaker, progress: Progress | None = None) -> Utility:
    """Perplexity of the reference replies, and the share of questions answered rightly (greedy replies)."""
    given = utility_set()
    asked = {f"q{k:03d}": prompt for k, (prompt, _) in enumerate(given.questions)}
    replies = speaker.replies(asked, "Short answers", progress)
    right = sum(is_right(replies[key].text, answers) for key, (_, answers) in zip(asked, given.questions, strict=True))
    low, high = wilson(right, len(asked))
    return Utility(
        perplexity=speaker.perplexity(given.references),
        references=len(given.references),
        questions=len(asked),
        right=right,
        refused=sum(behaviour == "refused" for behaviour in behaviours(replies).values()),
        low=low,
        high=high,
    )
