"""Tokens and money: what requests to a model will cost, and what they have cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rasslib.settings import settings

BYTES_PER_TOKEN = 4
"""UTF-8 bytes that make one token, about: right for English, a little low for most other languages."""

MESSAGE_TOKENS = 8
"""What a chat template adds to a message, about."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text for a tokenizer that is not at hand: a rough figure, for estimates of the cost only."""
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


@dataclass(frozen=True)
class Usage:
    """What was asked of a model so far.

    Attributes:
        requests: Requests that were answered with text.
        retries: How often one of them had to be sent again.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        unreported: Requests for which the server gave no token counts, so that estimates were added instead.
    """

    requests: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    unreported: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.retries + other.retries,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.unreported + other.unreported,
        )


@dataclass(frozen=True)
class Prices:
    """Prices of a million prompt tokens and of a million completion tokens, in one currency."""

    prompt: float
    completion: float

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What these tokens cost."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1_000_000


def configured_prices() -> Prices | None:
    """The prices of the settings; None where neither is given."""
    given = settings()
    if given.price_prompt is None and given.price_completion is None:
        return None
    return Prices(given.price_prompt or 0.0, given.price_completion or 0.0)


@dataclass(frozen=True)
class Estimate:
    """What a piece of work will ask of a model, told before it starts.

    Attributes:
        requests: Requests to be sent.
        kept: Answers that are in the workspace already and cost nothing.
        prompt_tokens: Tokens to be read, about.
        completion_tokens: Tokens to be written, about.
        most_requests: Requests if everything takes as many as it may.
        most_prompt_tokens: Tokens to be read in that case.
        most_completion_tokens: Tokens to be written if each of those answers is as long as it may be.
        prices: Prices, where the user gave them.
    """

    requests: int
    kept: int
    prompt_tokens: int
    completion_tokens: int
    most_requests: int
    most_prompt_tokens: int
    most_completion_tokens: int
    prices: Prices | None = None

    @property
    def cost(self) -> float | None:
        """Money, about; None without prices."""
        return self.prices.cost(self.prompt_tokens, self.completion_tokens) if self.prices else None

    @property
    def most_cost(self) -> float | None:
        """Money at most, retries left out; None without prices."""
        return self.prices.cost(self.most_prompt_tokens, self.most_completion_tokens) if self.prices else None

    def in_words(self) -> str:
        """One sentence for people."""
        if not self.requests:
            return f"Nothing has to be asked: all {self.kept} answers are kept from before."
        kept = f" ({self.kept} more answers are kept from before)" if self.kept else ""
        most = f" (at most {self.most_requests:,})" if self.most_requests > self.requests else ""
        text = (
            f"About {self.requests:,} requests{most}{kept}: about {self.prompt_tokens:,} prompt tokens and "
            f"{self.completion_tokens:,} completion tokens, at most {self.most_completion_tokens:,}"
        )
        if self.cost is not None and self.most_cost is not None:
            text += f"; at the prices given about {_money(self.cost)}, at most {_money(self.most_cost)}"
        return f"{text}."


def _money(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.4f}"
