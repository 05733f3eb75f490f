"""Models that vote on a prompt by answering it: loaded here, one at a time, or asked through an endpoint."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rasslib import models
from rasslib.boundary.reading import read_replies, reply_key
from rasslib.errors import ModelError
from rasslib.models.decode import Reply as Answer
from rasslib.models.decode import Sampling
from rasslib.models.endpoint import Endpoint
from rasslib.models.endpoint_config import endpoint_config
from rasslib.models.names import public_name
from rasslib.models.writer import Problem, Writer
from rasslib.progress import Progress
from rasslib.workspace import Workspace
from rasslib.workspace.records import Reply

if TYPE_CHECKING:
    from rasslib.models.lens import Lens

ENDPOINT = "endpoint"
JOINT = "+"


class Voter(Protocol):
    """A model that answers prompts greedily; its answers are kept in the workspace."""

    @property
    def name(self) -> str:
        """The model's name, for people."""

    def answer(
        self, prompts: Mapping[str, str], workspace: Workspace, tokens: int, progress: Progress
    ) -> tuple[str, dict[str, Reply]]:
        """The model's key, and its replies by prompt id; one it could not give is missing.

        Raises:
            ModelError: The model cannot be loaded or asked; what it answered is kept.
        """


@dataclass(frozen=True)
class LensVoter:
    """A model that is loaded for its votes and let go after them.

    Attributes:
        name: Its name.
        load: Loads it.
    """

    name: str
    load: Callable[[Progress], Lens]

    def answer(
        self, prompts: Mapping[str, str], workspace: Workspace, tokens: int, progress: Progress
    ) -> tuple[str, dict[str, Reply]]:
        """See :class:`Voter`."""
        lens = self.load(progress)
        read_replies(lens, prompts, workspace, tokens, _Named(progress, self.name))
        key = lens.key
        del lens
        gc.collect()  # the next model needs the memory
        return key, workspace.database.get_replies(reply_key(key, tokens), prompts)


@dataclass(frozen=True)
class EndpointVoter:
    """A model behind a server.

    Attributes:
        writer: Asks it.
    """

    writer: Writer

    @property
    def name(self) -> str:
        """The model's name there."""
        return self.writer.name

    def answer(
        self, prompts: Mapping[str, str], workspace: Workspace, tokens: int, progress: Progress
    ) -> tuple[str, dict[str, Reply]]:
        """See :class:`Voter`; a request that failed is asked again the next time."""
        key, database = f"{self.writer.key}-greedy-{tokens}", workspace.database
        kept = database.get_replies(key, prompts)
        new = [name for name in prompts if name not in kept]
        done = len(kept)

        def store(index: int, answer: Answer | Problem) -> None:
            nonlocal done
            done += 1
            if not isinstance(answer, Problem):
                database.put_replies(key, {new[index]: answer})

        if new:
            self.writer.write(
                [prompts[name] for name in new],
                max_tokens=tokens,
                sampling=Sampling(temperature=0.0),
                on_answer=store,
                tick=lambda: progress.update(f"Asking {self.name}", done, len(prompts)),
            )
        return self.writer.key, database.get_replies(key, prompts)


def voters_of(names: Sequence[str], device: str | None = None, dtype: str | None = None) -> list[Voter]:
    """The voters that names mean, checked before anything is loaded.

    Args:
        names: Each a model (``embedded``, ``embedded-base``, a folder, a .gguf file, a hub id), one with an adapter
            (``embedded-base+ADAPTER``), ``endpoint`` (the one of the settings), or ``endpoint:MODEL`` on its server.
        device: Where models are loaded.
        dtype: Number format.

    Raises:
        ModelError: A name means nothing, is there twice, or there is none.
    """
    wanted = [name.strip() for name in names if name.strip()]
    if not wanted:
        raise ModelError("No model is named to vote: give at least one, such as embedded.")
    if twice := next((name for name in wanted if wanted.count(name) > 1), None):
        raise ModelError(f"The model {twice} is named twice: a model has one vote, so take one of them out.")
    told: list[str] = []
    for name in wanted:
        shown = JOINT.join(public_name(part) for part in _parts(name) if part)
        again = sum(one == shown or one.startswith(f"{shown} (") for one in told)
        told.append(f"{shown} ({again + 1})" if again else shown)
    return [_voter(name, shown, device, dtype) for name, shown in zip(wanted, told, strict=True)]


def _parts(name: str) -> tuple[str, str]:
    """Model and adapter of a name; no adapter where there is none, or a folder of that name."""
    if JOINT in name and not Path(name).expanduser().exists():
        base, _, adapter = name.rpartition(JOINT)
        return base, adapter
    return name, ""


def _voter(name: str, shown: str, device: str | None, dtype: str | None) -> Voter:
    if name == ENDPOINT or name.startswith(f"{ENDPOINT}:"):
        config = endpoint_config()
        model = name.partition(":")[2].strip()
        return EndpointVoter(Endpoint(replace(config, model=model) if model else config))
    base, adapter = _parts(name)
    spec = models.resolve(base, adapter or None)
    return LensVoter(shown, lambda progress: models.load(spec, device=device, dtype=dtype, progress=progress))


@dataclass
class _Named:
    """Progress whose stages say which model."""

    inner: Progress
    name: str

    def update(self, stage: str, done: int, total: int) -> None:
        self.inner.update(f"{stage} ({self.name})", done, total)
