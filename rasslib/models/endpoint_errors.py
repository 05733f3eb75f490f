"""Errors of the client in words: which end the work, and which concern one request only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rasslib.errors import ModelError
from rasslib.models.endpoint_config import EndpointConfig
from rasslib.models.writer import Problem

if TYPE_CHECKING:
    import openai

KEPT = "what was answered is kept, and a new start goes on from there"

_FILTERED = re.compile(r"content.?(?:filter|policy|management)|moderation|safety system", re.I)
_TOO_LONG = re.compile(r"context.?(?:length|window)|too (?:long|large|many tokens)|maximum context", re.I)


class EndpointError(ModelError):
    """A server cannot be used, or no longer."""


def explain(error: openai.OpenAIError, config: EndpointConfig) -> Problem | EndpointError:
    """What an error of the client means, its own retries being used up.

    Args:
        error: What the client raised.
        config: The endpoint that was asked.

    Returns:
        A problem of this one request, or the error that ends the work: a server that is down, a key or a name that
        is wrong, or a limit that more requests would only make worse.
    """
    import openai

    where = f"The endpoint {config.shown}"
    said = config.hide(_said(error))
    if isinstance(error, openai.APITimeoutError):
        return Problem(f"no answer within {config.timeout:g} s")
    if isinstance(error, openai.APIConnectionError):
        cause = config.hide(str(error.__cause__ or error)) or "no connection"
        return EndpointError(f"{where} cannot be reached ({cause[:120]}): start it or correct the address; {KEPT}.")
    if not isinstance(error, openai.APIStatusError):
        return Problem(f"the client failed ({type(error).__name__})")
    status = error.status_code
    if status in (401, 403):
        return EndpointError(f"{where} does not accept the key ({status}: {said}): check the key; {KEPT}.")
    if status == 404:
        return EndpointError(
            f"{where} has no model {config.model!r}, or no chat at this address ({status}: {said}): check the model's "
            f"name, and that the address ends as the server's manual says, most often in /v1; {KEPT}."
        )
    if status == 429:
        seconds = error.response.headers.get("retry-after", "")
        pause = f"wait {seconds} s" if seconds.isdecimal() else "wait"
        return EndpointError(
            f"{where} limits the rate or the quota, and {config.retries} retries did not help ({said}): {pause}, or "
            f"send fewer requests at once; {KEPT}."
        )
    if status < 500 and _FILTERED.search(said):
        return Problem("filtered by the server", of_request=True)
    if status < 500 and _TOO_LONG.search(said):
        return Problem("the request is too long for the model", of_request=True)
    return Problem(f"the server answered with status {status}")


def gone(config: EndpointConfig, times: int, last: Problem) -> EndpointError:
    """The error for a server that fails again and again."""
    return EndpointError(
        f"The endpoint {config.shown} failed {times} times in a row (last: {last.reason}): check the server and its "
        f"log; {KEPT}."
    )


def _said(error: openai.OpenAIError) -> str:
    """The server's own words, short and on one line."""
    body = getattr(error, "body", None)
    message = body.get("message") if isinstance(body, dict) else None
    text = message if isinstance(message, str) else str(error)
    return " ".join(text.split())[:160]
