"""A chat server as a writer: many requests at once, each with the client's own retries, none lost on the way."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from rasslib.errors import RassError
from rasslib.models.completion import read_completion
from rasslib.models.decode import Reply, Sampling
from rasslib.models.endpoint_config import EndpointConfig
from rasslib.models.endpoint_errors import explain, gone
from rasslib.models.usage import MESSAGE_TOKENS, Usage, estimate_tokens
from rasslib.models.writer import OnAnswer, Problem

if TYPE_CHECKING:
    import openai

MOST_IN_A_ROW = 5
"""Failures of the server, without an answer between them, after which it counts as gone."""

_GRACE = 10.0  # seconds that requests under way get when the work ends early: they are paid for
_CONNECT = 10.0
_NAMES = {"max_tokens": "max_completion_tokens", "temperature": "", "top_p": "", "seed": ""}
_NOT_TAKEN = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected|extra|not permitted|not allowed|only the default", re.I
)


class Endpoint:
    """An OpenAI-compatible server as a :class:`~rasslib.models.writer.Writer`.

    Requests go out from ``max_concurrency`` threads; answers are handed over in the caller's thread. A parameter
    that the server says it does not take (some take no seed, some no temperature) is left out from then on, see
    :attr:`left_out`.

    Args:
        config: Where the server is and how to ask it.
    """

    def __init__(self, config: EndpointConfig) -> None:
        self.config = config
        self.left_out: set[str] = set()
        """Parameters that the server does not take."""
        self._usage = Usage()
        self._in_a_row = 0
        self._lock = threading.Lock()
        self._opened: openai.OpenAI | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.config.model

    @property
    def key(self) -> str:
        """Address and model."""
        return f"endpoint {self.config.shown} {self.config.model}"

    @property
    def at_once(self) -> int:
        """Enough that no thread waits for the slowest answer of a round for long."""
        return 4 * self.config.max_concurrency

    @property
    def usage(self) -> Usage:
        """Requests and tokens so far."""
        return self._usage

    def tokens(self, request: str) -> int:
        """Tokens of a request, estimated: the server's tokenizer is not at hand."""
        return estimate_tokens(request) + MESSAGE_TOKENS

    def write(
        self,
        requests: Sequence[str],
        *,
        max_tokens: int,
        sampling: Sampling,
        on_answer: OnAnswer,
        tick: Callable[[], None] | None = None,
    ) -> None:
        """Answer all requests; see :meth:`~rasslib.models.writer.Writer.write`.

        When the work ends early (the server is gone, the user stops), requests under way get a few seconds more,
        and what they bring is handed over before the error goes on.

        Raises:
            EndpointError: The server cannot be reached, does not accept the key, the model or the rate, or failed
                :data:`MOST_IN_A_ROW` times in a row.
        """
        waiting = iter(enumerate(requests))
        running: dict[Future[Reply | Problem], int] = {}
        pool = ThreadPoolExecutor(self.config.max_concurrency, thread_name_prefix="endpoint")
        try:
            while True:
                for index, request in islice(waiting, self.config.max_concurrency - len(running)):
                    running[pool.submit(self._ask, request, max_tokens, sampling)] = index
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._hand_over(running.pop(future), future.result(), on_answer)
                if tick is not None:
                    tick()
        except BaseException:
            for future in wait(running, timeout=_GRACE).done:
                with suppress(RassError):
                    on_answer(running[future], future.result())
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _hand_over(self, index: int, answer: Reply | Problem, on_answer: OnAnswer) -> None:
        on_answer(index, answer)
        if isinstance(answer, Reply):
            self._in_a_row = 0
        elif not answer.of_request:
            self._in_a_row += 1
            if self._in_a_row >= MOST_IN_A_ROW:
                self._in_a_row = 0  # a new start gets its own tries
                raise gone(self.config, MOST_IN_A_ROW, answer)

    def _ask(self, request: str, max_tokens: int, sampling: Sampling) -> Reply | Problem:
        """One request, in a thread of its own.

        Raises:
            EndpointError: The error that ends the work.
        """
        import openai

        try:
            response = self._send(request, max_tokens, sampling)
        except openai.OpenAIError as error:
            found = explain(error, self.config)
            if isinstance(found, Problem):
                return found
            raise found from None  # the client's error holds the request with its key
        completion = read_completion(response.http_response.text)
        if isinstance(completion.reply, Reply):
            told = completion.prompt_tokens is not None and completion.completion_tokens is not None
            read = self.tokens(request) if completion.prompt_tokens is None else completion.prompt_tokens
            used = Usage(1, int(response.retries_taken), read, completion.reply.n_tokens, int(not told))
            with self._lock:
                self._usage += used
        return completion.reply

    def _send(self, request: str, max_tokens: int, sampling: Sampling) -> Any:
        """Send a request, again without each parameter that the server does not take."""
        import openai

        create: Any = self._client().chat.completions.with_raw_response.create
        while True:
            given = self._parameters(max_tokens, sampling)
            try:
                return create(model=self.config.model, messages=[{"role": "user", "content": request}], **given)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                said = str(error)
                refused = next((name for name in given if name in _NAMES and re.search(rf"\b{name}\b", said)), None)
                if refused is None or not _NOT_TAKEN.search(said):
                    raise
                with self._lock:
                    self.left_out.add(refused)

    def _parameters(self, max_tokens: int, sampling: Sampling) -> dict[str, float | int]:
        wanted: dict[str, float | int] = {"max_tokens": max_tokens, "temperature": sampling.temperature}
        if sampling.top_p < 1:
            wanted["top_p"] = sampling.top_p
        wanted["seed"] = sampling.seed
        names = {name: _NAMES[name] if name in self.left_out else name for name in wanted}
        return {names[name]: value for name, value in wanted.items() if names[name]}

    def _client(self) -> openai.OpenAI:
        """The client, opened on first use: its import takes seconds."""
        with self._lock:
            if self._opened is None:
                import openai

                seconds = self.config.timeout
                self._opened = openai.OpenAI(
                    base_url=self.config.url,
                    # Never the key that the environment holds for another server.
                    api_key=self.config.key.get_secret_value() or "none",
                    timeout=openai.Timeout(seconds, connect=min(seconds, _CONNECT)),
                    max_retries=self.config.retries,
                )
            return self._opened
