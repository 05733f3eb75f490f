"""Choosing the next token: greedy, or sampled with temperature and top-p from a seeded generator."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Sampling:
    """How replies are drawn.

    Attributes:
        temperature: 0 is greedy.
        top_p: Smallest set of tokens with at least this probability is kept.
        seed: Seed of the draw.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Reply:
    """A generated reply.

    Attributes:
        text: Decoded text without special tokens.
        n_tokens: Tokens generated, the end token included.
        finished: Whether the model ended it by itself (False: cut at the limit).
    """

    text: str
    n_tokens: int
    finished: bool


class Sampler:
    """Draws next tokens from logits; one per generation."""

    def __init__(self, sampling: Sampling) -> None:
        from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper

        self.greedy = sampling.temperature <= 0
        self._generator = torch.Generator().manual_seed(sampling.seed)
        self._warp = LogitsProcessorList()
        if not self.greedy:
            self._warp.append(TemperatureLogitsWarper(float(sampling.temperature)))
            if sampling.top_p < 1:
                self._warp.append(TopPLogitsWarper(float(sampling.top_p)))

    def draw(self, logits: Tensor) -> Tensor:
        """Next token ids [batch] for logits [batch, vocab]."""
        if self.greedy:
            return logits.argmax(-1)
        warped: Tensor = self._warp(torch.empty(0, dtype=torch.long), logits.float())  # type: ignore[arg-type]
        return torch.multinomial(warped.softmax(-1).cpu(), 1, generator=self._generator)[:, 0].to(logits.device)


def stop_ids(model: object, tokenizer: object) -> frozenset[int]:
    """Ids of the tokens that end a reply, from the generation config and the tokenizer."""
    found: set[int] = set()
    config = getattr(model, "generation_config", None)
    for value in (getattr(config, "eos_token_id", None), getattr(tokenizer, "eos_token_id", None)):
        found.update(value if isinstance(value, list) else [] if value is None else [value])
    return frozenset(found)
