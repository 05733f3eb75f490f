"""How likely a model would write given replies: what perplexity is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from rasslib.errors import ModelError
from rasslib.models.batches import Batch
from rasslib.models.interventions import Intervention
from rasslib.models.lens import Lens
from rasslib.progress import Progress

_CELLS = 24_000_000  # logits held at a time: 96 MB in float32


def reply_log_likelihood(
    lens: Lens,
    prompts: Sequence[str],
    replies: Sequence[str],
    *,
    changes: Sequence[Intervention] = (),
    ended: bool = False,
    progress: Progress | None = None,
    on_batch: Callable[[list[int], Tensor], None] | None = None,
) -> Tensor:
    """Σ_j log P(token j of the reply | prompt, tokens before), and how many tokens that is.

    The reply's text is encoded on its own; perplexity is exp(−sum / tokens).

    Args:
        lens: The model.
        prompts: n user prompts.
        replies: A reply to each; an empty one has no token and the sum 0.
        changes: Interventions on the model while it reads; none by default.
        ended: Whether the end token counts as the last of every reply.
        progress: Told after each batch.
        on_batch: Called with the indices and rows of each finished batch, before progress (store them here).

    Returns:
        [n, 2] float64 on the CPU: sum in natural-log units, number of tokens.

    Raises:
        ModelError: Scores that are not numbers.
    """
    end = [int(lens.chat.tokenizer.eos_token_id)] if ended else []
    rows = [[*lens.encode(reply), *end] for reply in replies]
    # A reply longer than the context cannot be read to its end.
    rows = [ids[: max(0, lens.context - len(lens.render(p).ids))] for ids, p in zip(rows, prompts, strict=True)]
    found = torch.zeros(len(prompts), 2, dtype=torch.float64)

    def one(indices: list[int], batch: Batch) -> None:
        part = _forced(lens, batch, [rows[i] for i in indices])
        if not torch.isfinite(part).all():
            raise ModelError(f"{lens.name} gave scores that are not numbers; use --dtype float32.")
        found[indices] = part
        if on_batch is not None:
            on_batch(indices, part)

    lens._over(prompts, changes, one, "Reading replies", progress)
    return found


def _forced(lens: Lens, batch: Batch, rows: Sequence[Sequence[int]]) -> Tensor:
    """Sums and counts [batch, 2] of rows of tokens behind the prompts of a batch, some tokens of all rows at a time."""
    last = lens._batches.forward(batch, head=True)
    assert last is not None
    width = max(map(len, rows))
    total = torch.zeros(len(rows), 2, dtype=torch.float64)
    if width == 0:
        return total
    wanted = torch.zeros(len(rows), width, dtype=torch.long, device=last.device)
    real = torch.zeros_like(wanted)
    for row, ids in enumerate(rows):
        wanted[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        real[row, : len(ids)] = 1
    total[:, 1] = real.sum(1).double().cpu()
    step = max(1, _CELLS // (len(rows) * last.shape[-1]))
    logits, done = last[:, None], 0
    while True:
        until = done + logits.shape[1]
        scores = logits.float().log_softmax(-1).gather(-1, wanted[:, done:until, None])[..., 0]
        total[:, 0] += scores.masked_fill(real[:, done:until] == 0, 0.0).sum(1).double().cpu()
        done = until
        if done >= width:
            return total
        # The token before the next one predicts it; the last token is only predicted, never read.
        first, end = done - 1, min(done - 1 + step, width - 1)
        mask = torch.cat([batch.mask, real[:, :end]], 1)
        result = lens._batches._model(
            input_ids=wanted[:, first:end],
            attention_mask=mask,
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0)[:, first - end :],
            past_key_values=batch.cache,
            use_cache=True,
        )
        batch.cache, logits = result.past_key_values, result.logits
