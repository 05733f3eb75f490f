"""Reading prompts with a model, once: what is in the workspace is never computed again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import pandas as pd
import torch

from rasslib.models.lens import POSITIONS, Capture, Lens
from rasslib.progress import Progress, Silent
from rasslib.refusal import opener_token_ids, refusal_score
from rasslib.workspace import Workspace


def reply_key(lens_key: str, tokens: int) -> str:
    """Names greedy replies of one model, template and length limit."""
    return f"{lens_key}-greedy-{tokens}"


def score_key(lens_key: str, opener_ids: Sequence[int]) -> str:
    """Names refusal scores of one model and one set of openers."""
    digest = hashlib.sha256(",".join(map(str, sorted(opener_ids))).encode()).hexdigest()[:10]
    return f"{lens_key}-score-{digest}"


def score_openers(lens: Lens, openers: Sequence[str]) -> list[int]:
    """First token ids of the refusal openers in this model's vocabulary."""
    return opener_token_ids(lens.encode, openers)


def read_activations(
    lens: Lens,
    prompts: Mapping[str, str],
    workspace: Workspace,
    opener_ids: Sequence[int],
    progress: Progress | None = None,
    positions: Sequence[str] = POSITIONS,
) -> None:
    """Store residual activations of every layer and the refusal score of each prompt that has none yet.

    Args:
        lens: The model.
        prompts: Text by prompt id.
        workspace: Where it is stored, batch by batch.
        opener_ids: Token ids of the refusal openers.
        progress: Told after each stored batch.
        positions: Read positions (see :attr:`Lens.positions`).
    """
    progress = progress or Silent()
    database, store = workspace.database, workspace.activations
    scores = score_key(lens.key, opener_ids)
    known = store.has(lens.key, prompts, positions)
    scored = set(database.get_scores(scores, prompts))
    unread = [i for i in prompts if i not in known]
    unscored = [i for i in prompts if i in known and i not in scored]

    def keep(indices: list[int], part: Capture) -> None:
        ids = [unread[i] for i in indices]
        store.put(lens.key, ids, part.activations)
        assert part.logits is not None
        values = refusal_score(part.logits, opener_ids).tolist()
        database.put_scores(scores, dict(zip(ids, values, strict=True)))

    if unread:
        shifted = _Shifted(progress, len(prompts) - len(unread), len(prompts))
        lens.capture(
            [prompts[i] for i in unread], positions=positions, with_logits=True, progress=shifted, on_batch=keep
        )
    if unscored:
        logits = lens.next_token_logits([prompts[i] for i in unscored], progress=progress)
        values = refusal_score(logits, opener_ids).tolist()
        database.put_scores(scores, dict(zip(unscored, values, strict=True)))


def read_replies(
    lens: Lens,
    prompts: Mapping[str, str],
    workspace: Workspace,
    tokens: int,
    progress: Progress | None = None,
) -> None:
    """Store the greedy reply of each prompt that has none yet, batch by batch."""
    progress = progress or Silent()
    key = reply_key(lens.key, tokens)
    known = workspace.database.get_replies(key, prompts)
    missing = [i for i in prompts if i not in known]
    if missing:
        lens.generate(
            [prompts[i] for i in missing],
            max_new_tokens=tokens,
            progress=_Shifted(progress, len(prompts) - len(missing), len(prompts)),
            on_batch=lambda indices, replies: workspace.database.put_replies(
                key, {missing[i]: reply for i, reply in zip(indices, replies, strict=True)}
            ),
        )


def texts(prompts: pd.DataFrame) -> dict[str, str]:
    """Text by id."""
    return dict(zip(prompts["id"], prompts["prompt"], strict=True))


def stored(
    workspace: Workspace,
    lens_key: str,
    ids: Sequence[str],
    position: str,
    layers: Sequence[int] | None = None,
) -> torch.Tensor:
    """Activations [n, layers, d_model] float32 from the store, rows in the order of ``ids``."""
    return workspace.activations.get(lens_key, list(ids), position, layers).float()


class _Shifted:
    """Counts what was found in the workspace as done."""

    def __init__(self, inner: Progress, found: int, total: int) -> None:
        self.inner, self.found, self.total = inner, found, total

    def update(self, stage: str, done: int, total: int) -> None:  # noqa: ARG002
        self.inner.update(stage, self.found + done, self.total)
