"""What a trained model does: refusal rates by intent, and the coherence of its replies beside the base's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from rasslib.mitigation.examples import IGNORED, Example, encode_example
from rasslib.mitigation.replies import greedy_replies
from rasslib.models.decode import Reply
from rasslib.models.templates import ChatFormat
from rasslib.progress import Progress
from rasslib.refusal.judge import PhraseJudge
from rasslib.refusal.rates import rate_of
from rasslib.steering.judged import judge_reply

REFUSAL_TOKENS = 32
"""Tokens generated when only the question is whether the model refuses: refusals show in the first words."""


def behaviours(replies: Mapping[str, Reply]) -> dict[str, str]:
    """What each reply is (``refused``, ``complied`` or ``invalid``), by prompt id."""
    judge = PhraseJudge()
    return {key: judge_reply(judge, reply).behaviour for key, reply in replies.items()}


def texts(prompts: pd.DataFrame) -> dict[str, str]:
    """Prompt texts by id."""
    return dict(zip(prompts["id"].astype(str), prompts["prompt"].astype(str), strict=True))


def refusal_rates(
    model: Any,
    chat: ChatFormat,
    prompts: pd.DataFrame,
    by: str = "intent",
    progress: Progress | None = None,
    stage: str = "Measuring refusals",
) -> dict[str, dict[str, Any]]:
    """Share of prompts refused in each group, with n and a Wilson interval.

    Args:
        model: A transformers model or PEFT model.
        chat: Chat template and tokenizer.
        prompts: A prompt set.
        by: Column to group by.
        progress: Called after each batch.
        stage: What the progress is called.

    Returns:
        For each group ``n``, ``refused``, ``rate``, ``low``, ``high``, ``invalid`` (greedy replies, cut after
        :data:`REFUSAL_TOKENS` tokens; invalid replies are counted, and left out of ``n``).
    """
    replies = greedy_replies(model, chat, texts(prompts), REFUSAL_TOKENS, batch_size=32, progress=progress, stage=stage)
    found = behaviours(replies)
    groups = prompts.groupby(by, sort=True)["id"]
    return {str(name): rate_of([found[str(key)] for key in keys]).as_dict() for name, keys in groups}


@dataclass(frozen=True)
class Coherence:
    """Replies of a trained model to harmless prompts beside those of its base.

    Attributes:
        n: Prompts.
        invalid, base_invalid: Replies that are empty or degenerate.
        refused: Replies of the trained model that are refusals.
        compared: Prompts whose replies were compared: the trained model complied, the base's reply is valid.
        perplexity, base_perplexity: Per-token perplexity *under the base model* of the trained model's and of
            the base's replies to these prompts. Greedy base replies are the base's own favourites, so the
            first can hardly be lower; much higher would mean that the replies fell apart.
        tokens, base_tokens: Mean length of these replies.
        same: Share of these replies that are equal word for word.
    """

    n: int
    invalid: int
    base_invalid: int
    refused: int
    compared: int
    perplexity: float
    base_perplexity: float
    tokens: float
    base_tokens: float
    same: float


def coherence(
    model: Any,
    chat: ChatFormat,
    prompts: pd.DataFrame,
    base_replies: Mapping[str, Reply],
    reply_tokens: int,
    progress: Progress | None = None,
) -> Coherence:
    """Compare the replies of a PEFT model with those of its base.

    Args:
        model: A PEFT model; its base is the same model with the adapter switched off.
        chat: Chat template and tokenizer.
        prompts: Harmless prompts that were not trained on.
        base_replies: The base's replies by prompt id, cut at ``reply_tokens``.
        reply_tokens: Length at which replies are cut.
        progress: Called after each batch.
    """
    asked = texts(prompts)
    replies = greedy_replies(
        model, chat, asked, reply_tokens, batch_size=32, progress=progress, stage="Measuring coherence"
    )
    now = behaviours(replies)
    before = behaviours({key: base_replies[key] for key in asked})
    both = [key for key in asked if now[key] == "complied" and before[key] != "invalid"]
    with model.disable_adapter():
        ours = perplexity(model, chat, [(asked[key], replies[key]) for key in both])
        theirs = perplexity(model, chat, [(asked[key], base_replies[key]) for key in both])
    count = max(1, len(both))
    return Coherence(
        n=len(asked),
        invalid=sum(b == "invalid" for b in now.values()),
        base_invalid=sum(b == "invalid" for b in before.values()),
        refused=sum(b == "refused" for b in now.values()),
        compared=len(both),
        perplexity=ours,
        base_perplexity=theirs,
        tokens=sum(replies[key].n_tokens for key in both) / count,
        base_tokens=sum(base_replies[key].n_tokens for key in both) / count,
        same=sum(replies[key].text == base_replies[key].text for key in both) / count,
    )


def perplexity(model: Any, chat: ChatFormat, pairs: list[tuple[str, Reply]]) -> float:
    """exp of the mean negative log-likelihood per reply token, over all replies; NaN without replies."""
    total, count = 0.0, 0
    device = next(model.parameters()).device
    with torch.inference_mode():
        for prompt, reply in pairs:  # one by one: short, and no padding to reason about
            row = encode_example(Example("", prompt, reply.text, reply.finished, ""), chat)
            labels = torch.tensor([row["labels"]], device=device)
            kept = int((labels != IGNORED).sum())
            if kept:
                logits = model(input_ids=torch.tensor([row["input_ids"]], device=device)).logits
                loss = torch.nn.functional.cross_entropy(
                    logits[0, :-1].double(), labels[0, 1:], ignore_index=IGNORED, reduction="sum"
                )
                total, count = total + float(loss), count + kept
    return float(torch.exp(torch.tensor(total / count, dtype=torch.float64))) if count else float("nan")
