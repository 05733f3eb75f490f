"""What the workspace's database holds: replies and runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

DECISIONS = ("keep", "reject", "unsure", "")
DAMAGED = "damaged"


class ReplyLike(Protocol):
    """What :meth:`Database.put_replies` takes: the lens's replies and :class:`Reply`."""

    @property
    def text(self) -> str: ...
    @property
    def n_tokens(self) -> int: ...
    @property
    def finished(self) -> bool: ...


@dataclass(frozen=True)
class Reply:
    """A model's reply to one prompt.

    Attributes:
        text: The reply without control tokens.
        n_tokens: Its length in tokens.
        finished: Whether the model ended it by itself (False: cut at the length limit).
    """

    text: str
    n_tokens: int
    finished: bool


@dataclass(frozen=True)
class Run:
    """One entry of the list of runs.

    Attributes:
        run_id: Name of the run and of its folder.
        created_at: When it was first saved, ISO 8601 in UTC.
        title: A few words for people.
        settings: What it was started with.
        status: Free word of the caller (``running``, ``finished``, ``stopped``, ...); ``damaged`` if the entry
            cannot be read.
        summary: Its main numbers.
    """

    run_id: str
    created_at: str
    title: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    status: str = "running"
    summary: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_row(cls, row: tuple[Any, ...]) -> Run:
        """The run in a row ``(run_id, created_at, title, settings, status, summary)`` of the database."""
        run_id, created_at, title, settings, status, summary = row
        try:
            parsed = json.loads(settings), json.loads(summary)
        except (ValueError, TypeError, RecursionError):
            parsed = None, None
        if not all(isinstance(part, dict) for part in parsed):
            return cls(str(run_id), str(created_at), str(title), {}, DAMAGED, {})
        return cls(str(run_id), str(created_at), str(title), parsed[0], str(status), parsed[1])
