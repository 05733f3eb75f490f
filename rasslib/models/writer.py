"""Writers: anything that answers chat requests with text, a server or the model that is loaded here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rasslib.models.decode import Reply, Sampling
from rasslib.models.usage import Usage

if TYPE_CHECKING:
    from rasslib.models.lens import Lens


@dataclass(frozen=True)
class Problem:
    """Why one request has no answer, while others may have one.

    Attributes:
        reason: A few words for people, the same for the same cause, so that causes can be counted.
        of_request: Whether it lies in the request itself (too long, filtered) and not in the server.
    """

    reason: str
    of_request: bool = False


OnAnswer = Callable[[int, Reply | Problem], None]


class Writer(Protocol):
    """What answers requests; each request is one user message of a new conversation."""

    @property
    def name(self) -> str:
        """The model's name, for people and for the record of what it wrote."""

    @property
    def key(self) -> str:
        """Names what answers depend on besides request, length and sampling; holds no secret."""

    @property
    def at_once(self) -> int:
        """How many requests are worth handing over together."""

    @property
    def usage(self) -> Usage:
        """What was asked of it so far."""

    def tokens(self, request: str) -> int:
        """Tokens of a request, as exactly as this writer knows them."""

    def write(
        self,
        requests: Sequence[str],
        *,
        max_tokens: int,
        sampling: Sampling,
        on_answer: OnAnswer,
        tick: Callable[[], None] | None = None,
    ) -> None:
        """Answer all requests, in any order.

        Args:
            requests: User messages.
            max_tokens: Length at which answers are cut, in tokens.
            sampling: Temperature, top-p and seed.
            on_answer: Called in the caller's thread with the number of a request and its answer, or why it has
                none (store it here).
            tick: Called after answers were handed over; may raise :class:`~rasslib.errors.Stopped`.

        Raises:
            ModelError: Nothing more can be answered; what was answered has been handed over.
        """


class LensWriter:
    """The model that is loaded here, as a writer.

    With a temperature the draws of a batch come from one generator, so an answer depends on which requests were
    in its batch; at temperature 0 it does not.

    Args:
        lens: The model.
    """

    def __init__(self, lens: Lens) -> None:
        self._lens = lens
        self._usage = Usage()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._lens.name

    @property
    def key(self) -> str:
        """Weights, template and dtype."""
        return self._lens.key

    @property
    def at_once(self) -> int:
        """One batch."""
        return self._lens.batch_size

    @property
    def usage(self) -> Usage:
        """Requests and tokens so far."""
        return self._usage

    def tokens(self, request: str) -> int:
        """Tokens of the request in the chat template."""
        return len(self._lens.render(request).ids)

    def write(
        self,
        requests: Sequence[str],
        *,
        max_tokens: int,
        sampling: Sampling,
        on_answer: OnAnswer,
        tick: Callable[[], None] | None = None,
    ) -> None:
        """Answer all requests, shortest first; see :meth:`Writer.write`.

        A request that leaves no room for an answer of ``max_tokens`` in the context is a :class:`Problem`.

        Raises:
            ModelError: Memory runs out with a single request.
        """
        lengths = [self.tokens(request) for request in requests]
        fitting = [i for i, length in enumerate(lengths) if length + max_tokens <= self._lens.context]
        for index in set(range(len(requests))) - set(fitting):
            on_answer(index, Problem("the request is too long for the model", of_request=True))

        def store(indices: list[int], replies: list[Reply]) -> None:
            for row, reply in zip(indices, replies, strict=True):
                index = fitting[row]
                self._usage += Usage(1, 0, lengths[index], reply.n_tokens)
                on_answer(index, reply)
            if tick is not None:
                tick()

        self._lens.generate(
            [requests[i] for i in fitting], max_new_tokens=max_tokens, sampling=sampling, on_batch=store
        )
