"""How likely a model is to open its reply with given texts, read without generating a word.

Teacher forcing: for an opener o₁ … o_m after the rendered prompt p,

    log P(o | p) = Σ_j log softmax(logits after p, o₁ … o_{j−1})[o_j]        (natural logarithm)

Each prompt runs once; all openers then run on copies of its key-value cache, so k openers cost a few tokens each. The
first-token refusal score sees only "I", which also opens helpful replies; here "I'm sorry" and "I can help" differ.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, overload

import torch
from torch import Tensor

from rasslib.errors import ModelError
from rasslib.models.batches import Batch, Batches
from rasslib.models.interventions import Intervention
from rasslib.models.lens import CPU_TOKENS, CPU_TOKENS_WRITING, Lens
from rasslib.progress import Progress

_CELLS_CPU = 24_000_000  # logits held at a time: 96 MB in float32
_CELLS = 250_000_000


@dataclass(frozen=True, eq=False)
class OpenerLikelihood:
    """What one pass over prompts and openers read.

    Attributes:
        log_likelihood: [n, k] float64 on the CPU, in natural-log units.
        lengths: Tokens of each of the k openers (divide by them for a mean per token).
        logits: Next-token logits after the prompt, [n, vocab] float32 on the CPU, where asked for.
    """

    log_likelihood: Tensor
    lengths: tuple[int, ...]
    logits: Tensor | None = None


def encode_openers(lens: Lens, openers: Sequence[str]) -> list[list[int]]:
    """Token ids of openers as the first text of a reply: on their own, as the refusal score takes them.

    Raises:
        ModelError: There is no opener, or one has no token.
    """
    rows = [lens.encode(opener.strip()) for opener in openers]
    if not rows:
        raise ModelError("There is no opener to score: give at least one, such as: I'm sorry.")
    for opener, ids in zip(openers, rows, strict=True):
        if not ids:
            raise ModelError(f"The tokenizer of {lens.name} has no token for the opener “{opener}”: leave it out.")
    return rows


def read_openers(
    lens: Lens,
    prompts: Sequence[str],
    openers: Sequence[str],
    *,
    interventions: Sequence[Intervention] = (),
    with_logits: bool = False,
    progress: Progress | None = None,
    on_batch: Callable[[list[int], OpenerLikelihood], None] | None = None,
) -> OpenerLikelihood:
    """Log-likelihood of every opener after every prompt and, from the same pass, next-token logits if asked for.

    Args:
        lens: The model.
        prompts: n user prompts.
        openers: k texts a reply may begin with.
        interventions: Changes of the residual stream, at prompt and opener positions alike.
        with_logits: Also keep the next-token logits, for the refusal score.
        progress: Told after each batch.
        on_batch: Called with the indices and the part of each finished batch, before progress (store it here).

    Raises:
        ModelError: No opener, an opener without tokens, a prompt that leaves no room for the openers, or scores that
            are not numbers.
    """
    rows = encode_openers(lens, openers)
    lengths = tuple(len(ids) for ids in rows)
    _check_room(lens, prompts, max(lengths))
    found = torch.empty(len(prompts), len(rows), dtype=torch.float64)
    logits: list[Tensor] = [torch.empty(0)] * len(prompts)

    def one(indices: list[int], batch: Batch) -> None:
        last = lens._batches.forward(batch, head=True)
        assert last is not None
        scores = _after(lens._batches, batch, last, rows)
        if not torch.isfinite(scores).all():
            raise ModelError(
                f"{lens.name} gave scores that are not numbers; use a smaller strength or --dtype float32."
            )
        found[indices] = scores
        first = last.float().cpu() if with_logits else None
        if first is not None:
            for row, index in enumerate(indices):
                logits[index] = first[row]
        if on_batch is not None:
            on_batch(indices, OpenerLikelihood(scores, lengths, first))

    lens._over(prompts, interventions, one, "Reading reply openers", progress, cpu_tokens=CPU_TOKENS)
    return OpenerLikelihood(found, lengths, torch.stack(logits) if with_logits and prompts else None)


@overload
def opener_log_likelihood(
    lens: Lens, prompts: Sequence[str], openers: Sequence[str], *, with_logits: Literal[False] = False, **rest: Any
) -> Tensor: ...
@overload
def opener_log_likelihood(
    lens: Lens, prompts: Sequence[str], openers: Sequence[str], *, with_logits: Literal[True], **rest: Any
) -> OpenerLikelihood: ...
def opener_log_likelihood(
    lens: Lens, prompts: Sequence[str], openers: Sequence[str], *, with_logits: bool = False, **rest: Any
) -> Tensor | OpenerLikelihood:
    """Log-likelihoods [n, k] float64, or with ``with_logits`` all that was read.

    Arguments and errors as in :func:`read_openers`.
    """
    found = read_openers(lens, prompts, openers, with_logits=with_logits, **rest)
    return found if with_logits else found.log_likelihood


def _check_room(lens: Lens, prompts: Sequence[str], longest: int) -> None:
    for prompt in prompts:
        length = len(lens.render(prompt).ids) + longest
        if length > lens.context:
            raise ModelError(
                f"The prompt {prompt[:40]!r}… and an opener have {length} tokens, but {lens.name} reads at most "
                f"{lens.context}; shorten it or leave it out."
            )


def _after(batches: Batches, batch: Batch, last: Tensor, rows: Sequence[Sequence[int]]) -> Tensor:
    """Log-likelihoods [b, k] of token rows after a batch that has run (its cache holds the whole prompts)."""
    first = torch.tensor([ids[0] for ids in rows], device=last.device)
    scores = last.float().log_softmax(-1)[:, first].double().cpu()
    long = [column for column, ids in enumerate(rows) if len(ids) > 1]
    if not long:
        return scores
    # The last token of an opener is only predicted, never read.
    width = max(len(rows[column]) for column in long) - 1
    given = torch.full((len(long), width), batches._pad, dtype=torch.long)
    wanted = torch.zeros(len(long), width, dtype=torch.long)
    real = torch.zeros(len(long), width, dtype=torch.long)
    for row, column in enumerate(long):
        ids = rows[column]
        given[row, : len(ids) - 1] = torch.tensor(ids[:-1])
        wanted[row, : len(ids) - 1] = torch.tensor(ids[1:])
        real[row, : len(ids) - 1] = 1
    given, wanted, real = (x.to(last.device) for x in (given, wanted, real))
    on_cpu = last.device.type == "cpu"
    room = (_CELLS_CPU if on_cpu else _CELLS) // (len(long) * width * last.shape[1])
    if on_cpu:  # the copies of the cache are bounded as those of written replies are
        room = min(room, CPU_TOKENS_WRITING // (len(long) * (batch.mask.shape[1] + width)))
    for some in torch.arange(len(last), device=last.device).split(max(1, room)):
        part = _forced(batches, batch, some, given, wanted, real)
        scores[some.cpu()[:, None], torch.tensor(long)] += part.double().cpu()
    return scores


def _forced(batches: Batches, batch: Batch, some: Tensor, given: Tensor, wanted: Tensor, real: Tensor) -> Tensor:
    """Sum over the openers' later tokens, [len(some), openers], on copies of the cache of some rows of the batch."""
    n, (k, width) = len(some), given.shape
    cache = copy.deepcopy(batch.cache)
    cache.batch_select_indices(some.repeat_interleave(k))  # chosen and repeated in one go
    mask = torch.cat([batch.mask[some].repeat_interleave(k, 0), real.repeat(n, 1)], 1)
    logits = batches._model(
        input_ids=given.repeat(n, 1),
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0)[:, -width:],
        past_key_values=cache,
        use_cache=True,
    ).logits.float()
    picked = logits.gather(-1, wanted.repeat(n, 1)[..., None])[..., 0] - logits.logsumexp(-1)
    # Chosen, not multiplied: what stands behind an opener's end may be anything.
    return picked.masked_fill(real.repeat(n, 1) == 0, 0.0).sum(-1).view(n, k)
