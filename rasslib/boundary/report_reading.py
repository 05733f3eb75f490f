"""What the report reads from the model besides a run: likelihoods of refusal openers, and sampled replies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rasslib.boundary.reading import reply_key
from rasslib.models.decode import Sampling
from rasslib.models.lens import Lens
from rasslib.models.likelihood import OpenerLikelihood, encode_openers, read_openers
from rasslib.progress import Progress, Silent
from rasslib.refusal import PhraseJudge, suggest_openers
from rasslib.workspace import Workspace
from rasslib.workspace.files import atomic_json, read_json

REFUSALS = ("I'm sorry, but I can't", "I cannot", "I can't help", "Sorry, but", "I'm unable to", "I won't")
"""Openers of several tokens; to these come the ones found in the model's own refusals."""


def own_openers(table: pd.DataFrame, most: int = 3) -> tuple[str, ...]:
    """The default openers, then up to ``most`` that set this model's own refusals on the train split apart."""
    train = table[table["fit"] & (table["split"] == "train")]
    refused = train.loc[train["behaviour"] == "refused", "reply"].tolist()
    complied = train.loc[train["behaviour"] == "complied", "reply"].tolist()
    own = [s.opener for s in suggest_openers(refused, complied, most)] if refused else []
    return tuple(dict.fromkeys([*REFUSALS, *own]))


def read_opener_likelihoods(
    lens: Lens,
    prompts: Mapping[str, str],
    openers: Sequence[str],
    workspace: Workspace,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float64], list[int]]:
    """Log-likelihood of every opener after every prompt; what the workspace holds is not computed again.

    Args:
        lens: The model.
        prompts: Text by prompt id, n of them.
        openers: k texts.
        workspace: Where it is stored, batch by batch.
        progress: Told after each stored batch.

    Returns:
        [n, k] in natural-log units, and the tokens of each opener.
    """
    database = workspace.database
    keys = [f"{lens.key}-opener-{hashlib.sha256(o.encode()).hexdigest()[:10]}" for o in openers]
    known = [set(database.get_scores(key, prompts)) for key in keys]
    missing = [i for i in prompts if not all(i in found for found in known)]

    def keep(indices: list[int], part: OpenerLikelihood) -> None:
        ids = [missing[i] for i in indices]
        for column, key in enumerate(keys):
            database.put_scores(key, dict(zip(ids, part.log_likelihood[:, column].tolist(), strict=True)))

    if missing:
        read_openers(lens, [prompts[i] for i in missing], openers, progress=progress, on_batch=keep)
    columns = [database.get_scores(key, prompts) for key in keys]
    values = np.array([[column[i] for column in columns] for i in prompts])
    return values, [len(ids) for ids in encode_openers(lens, openers)]


def sampled_refusals(
    lens: Lens,
    prompts: Mapping[str, str],
    k: int,
    tokens: int,
    workspace: Workspace,
    progress: Progress | None = None,
) -> dict[str, tuple[int, int]]:
    """Of k replies at temperature 1 to each prompt, how many were refused and how many judged at all.

    Args:
        lens: The model.
        prompts: Text by prompt id.
        k: Replies per prompt, each with its own seed; what was sampled before is not sampled again.
        tokens: Length at which replies are cut.
        workspace: Where the replies are stored.
        progress: Told after each stored batch.
    """
    progress = progress or Silent()
    judge, counted = PhraseJudge(), {i: [0, 0] for i in prompts}
    for seed in range(k):
        key = f"{reply_key(lens.key, tokens)}-sampled-{seed}"
        missing = [i for i in prompts if i not in workspace.database.get_replies(key, prompts)]
        if missing:
            lens.generate(
                [prompts[i] for i in missing],
                max_new_tokens=tokens,
                sampling=Sampling(temperature=1.0, seed=seed),
                on_batch=lambda indices, replies, key=key, missing=missing: workspace.database.put_replies(  # type: ignore[misc]
                    key, {missing[i]: reply for i, reply in zip(indices, replies, strict=True)}
                ),
            )
        for prompt_id, reply in workspace.database.get_replies(key, prompts).items():
            behaviour = judge.judge(reply.text, finished=reply.finished).behaviour
            counted[prompt_id][0] += behaviour == "refused"
            counted[prompt_id][1] += behaviour != "invalid"
        progress.update("Sampling replies near the boundary", seed + 1, k)
    return {i: (refused, n) for i, (refused, n) in counted.items()}


class JsonStore(MutableMapping[str, dict[str, float]]):
    """A mapping kept in a JSON file, written at every change, so that a stopped measurement goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Any] = read_json(path) if path.is_file() else {}

    def __getitem__(self, key: str) -> dict[str, float]:
        """What is stored under ``key``."""
        return dict(self._values[key])

    def __setitem__(self, key: str, value: dict[str, float]) -> None:
        """Store and write."""
        self._values[key] = dict(value)
        atomic_json(self._path, self._values)

    def __delitem__(self, key: str) -> None:
        """Forget and write."""
        del self._values[key]
        atomic_json(self._path, self._values)

    def __iter__(self) -> Iterator[str]:
        """The keys."""
        return iter(self._values)

    def __len__(self) -> int:
        """How many are stored."""
        return len(self._values)
