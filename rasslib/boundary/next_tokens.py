"""What the model would say next: its most likely first tokens, refusal openers marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from rasslib.boundary.reading import score_openers
from rasslib.models.lens import Lens
from rasslib.models.tokens import visible
from rasslib.refusal.score import opener_probability


@dataclass(frozen=True)
class NextToken:
    """A token the reply may begin with.

    Attributes:
        text: Its visible text.
        probability: How likely it is.
        opener: Whether it is the first token of a refusal opener.
    """

    text: str
    probability: float
    opener: bool


def top_next_tokens(lens: Lens, prompt: str, openers: Sequence[str], k: int = 12) -> tuple[list[NextToken], float]:
    """The k most likely next tokens, likeliest first, and the probability of all openers together."""
    logits = lens.next_token_logits([prompt])
    marked = score_openers(lens, openers)
    p = torch.softmax(logits[0].double(), dim=0)
    values, ids = p.topk(min(k, len(p)))
    tokens = [
        NextToken(visible(lens.decode_all([i])) or "(empty)", value, i in marked)
        for value, i in zip(values.tolist(), ids.tolist(), strict=True)
    ]
    return tokens, float(opener_probability(logits, marked)[0])
