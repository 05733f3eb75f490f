"""What a training costs in use: fluency on reference replies, and short answers. Texts of our own.

Of arms: the share of short answers that are right, and exp of the mean negative log-likelihood per token of the
reference replies, over all questions (references) and seeds together. Intervals resample questions (references) and
seeds, the same ones for all arms; the share of one model alone has Wilson's.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from rasslib.boundary.resampling import percentiles, quotient
from rasslib.errors import BenchmarkError
from rasslib.mitigation.measure import behaviours
from rasslib.mitigation.paired import Floats, multinomial, seed_draws
from rasslib.mitigation.speakers import Speaker
from rasslib.progress import Progress
from rasslib.refusal.rates import wilson
from rasslib.settings import assets_dir


@dataclass(frozen=True)
class Utility:
    """What was measured of one model.

    Attributes:
        right: Whether each question was answered rightly.
        refused: How many were refused.
        surprise: Negative log-likelihood of each reference reply under the model, and its tokens.
    """

    right: tuple[bool, ...]
    refused: int
    surprise: tuple[tuple[float, float], ...]


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


def measure_utility(speaker: Speaker, name: str, progress: Progress | None = None) -> Utility:
    """How likely the reference replies are, and which questions are answered rightly (greedy replies)."""
    given = utility_set()
    asked = {f"q{k:03d}": prompt for k, (prompt, _) in enumerate(given.questions)}
    replies = speaker.replies(asked, f"{name}: short answers", progress)
    right = (is_right(replies[key].text, answers) for key, (_, answers) in zip(asked, given.questions, strict=True))
    refused = sum(behaviour == "refused" for behaviour in behaviours(replies).values())
    return Utility(tuple(right), refused, tuple(speaker.surprise(given.references, f"{name}: fluency", progress)))


@dataclass(frozen=True, eq=False)
class Costs:
    """Utility of arms, each with its draws.

    Attributes:
        measured: Models of each arm.
        draws: By arm, in every resample: ``short_answers`` and ``perplexity``, [draws].
    """

    measured: Mapping[str, Sequence[Utility]]
    draws: Mapping[str, Mapping[str, Floats]]

    def of(self, arm: str) -> dict[str, Any]:
        """Values, n and limits, for JSON."""
        found = self.measured[arm]
        n, right = sum(len(one.right) for one in found), sum(sum(one.right) for one in found)
        drawn = self.draws[arm]
        low, high = wilson(right, n) if len(found) == 1 else percentiles(drawn["short_answers"])
        if low == high:  # as in rates: as if the seeds had been one
            low, high = wilson(round(right / len(found)), n // len(found))
        answers = {"value": right / n, "low": low, "high": high, "n": n, "right": right}
        low, high = percentiles(drawn["perplexity"])
        surprise = np.array([one.surprise for one in found])
        fluency = {"value": _perplexity(surprise), "low": low, "high": high, "n": surprise.shape[1]}
        by_seed = [_perplexity(np.array([one.surprise])) for one in found]
        return {
            "short_answers": answers | {"refused": sum(one.refused for one in found)},
            "perplexity": fluency | {"by_seed": by_seed},
        }

    def against(self, arm: str, other: str) -> dict[str, Any]:
        """Differences of two arms, on the same resamples."""
        ours, theirs = self.of(arm), self.of(other)
        return {
            name: {
                "difference": ours[name]["value"] - theirs[name]["value"],
                "interval": list(percentiles(self.draws[arm][name] - self.draws[other][name])),
            }
            for name in ("short_answers", "perplexity")
        }


def costs(measured: Mapping[str, Sequence[Utility]], draws: int, seed: int) -> Costs:
    """Utility of arms over paired resamples.

    Args:
        measured: Models of each arm; all were asked the same.
        draws: Resamples.
        seed: Of the draws.
    """
    rng, drawn = np.random.default_rng([seed, 2]), {}
    weights: dict[int, Floats] = {}
    for arm, found in measured.items():
        right = np.array([one.right for one in found], dtype=np.float64)
        surprise = np.array([one.surprise for one in found], dtype=np.float64)
        for n in (right.shape[1], surprise.shape[1]):
            if n not in weights:
                weights[n] = multinomial(rng, n, draws)
        seeds = seed_draws(len(found), draws, seed)
        shares = _ratio(right, np.ones_like(right), weights[right.shape[1]], seeds)
        nll = _ratio(surprise[:, :, 0], surprise[:, :, 1], weights[surprise.shape[1]], seeds)
        drawn[arm] = {"short_answers": shares, "perplexity": np.exp(nll)}
    return Costs(measured, drawn)


def _ratio(top: Floats, bottom: Floats, weights: Floats, seeds: Floats) -> Floats:
    """Ratio of sums in every resample, [draws], of [seeds, n]."""
    return quotient(((weights @ top.T) * seeds).sum(axis=1), ((weights @ bottom.T) * seeds).sum(axis=1))


def _perplexity(surprise: Floats) -> float:
    """exp of the mean negative log-likelihood per token, of [seeds, n, 2]."""
    return float(np.exp(surprise[:, :, 0].sum() / surprise[:, :, 1].sum()))
