"""The guard against formulas: text cells that a spreadsheet would run are prefixed with an apostrophe.

A text that starts with = + - @, a tab or a carriage return, with or without apostrophes before it, gets one
more apostrophe on the way out and loses one on the way in, so guarding can be undone exactly.
"""

from __future__ import annotations

import re

_RUNS = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def guard_text(text: str) -> str:
    """``text`` as a spreadsheet can hold it without running it."""
    return "'" + text if _RUNS.match(text) else text


def is_guarded(text: str) -> bool:
    """Whether ``text`` looks like what :func:`guard_text` makes of a text it must guard."""
    return _GUARDED.match(text) is not None


def unguard_text(text: str) -> str:
    """What :func:`guard_text` made ``text`` from."""
    return text[1:] if is_guarded(text) else text
