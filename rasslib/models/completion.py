"""The body of a chat completion, as OpenAI-compatible servers send it: read leniently, never trusted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rasslib.models.decode import Reply
from rasslib.models.usage import estimate_tokens
from rasslib.models.writer import Problem


@dataclass(frozen=True)
class Completion:
    """One answer of a server.

    Attributes:
        reply: The answer, or why there is none.
        prompt_tokens: Tokens read, as the server counted them; None where it does not say.
        completion_tokens: Tokens written, as the server counted them; None where it does not say.
    """

    reply: Reply | Problem
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def read_completion(body: str) -> Completion:
    """Read the body of a response of status 200.

    Servers differ: content may be text, a list of parts, or missing beside a ``refusal``; some send errors with
    status 200, some count no tokens. Whatever cannot be read becomes a :class:`Problem`, never an error.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Completion(Problem("the server's answer is not JSON"))
    if not isinstance(value, dict):
        return Completion(Problem("the server's answer is no chat completion"))
    usage = value.get("usage")
    prompt, completion = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
    if value.get("error"):
        return Completion(Problem("the server answered with an error"), prompt, completion)
    choices = value.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return Completion(Problem("the server's answer is no chat completion"), prompt, completion)
    text = _text(message.get("content")) or _text(message.get("refusal"))
    reason = choice.get("finish_reason")
    if reason == "content_filter" and not text.strip():
        return Completion(Problem("filtered by the server", of_request=True), prompt, completion)
    n_tokens = estimate_tokens(text) if completion is None else completion
    return Completion(Reply(text, n_tokens, reason not in ("length", "content_filter")), prompt, completion)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
