"""Search in prompts: plain words, or a regular expression that may be wrong or take for ever."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import regex  # type: ignore[import-untyped, unused-ignore]

from rasslib.boundary.checks import Bools
from rasslib.errors import AnalysisError

LONGEST = 200
"""Characters of a pattern."""
SECONDS = 3.0
"""What a regular expression may take over all texts."""


def search(texts: Sequence[str], wanted: str, is_pattern: bool = False) -> Bools:
    """Which texts hold what is wanted, in upper or lower case.

    Args:
        texts: n texts.
        wanted: Words as they are, or a pattern; blank finds nothing.
        is_pattern: Read it as a regular expression.

    Returns:
        [n].

    Raises:
        AnalysisError: The pattern is longer than 200 characters, broken, or takes too long.
    """
    if not wanted.strip():
        return np.zeros(len(texts), dtype=bool)
    if not is_pattern:
        plain = wanted.strip().casefold()
        return np.array([plain in text.casefold() for text in texts], dtype=bool)
    if len(wanted) > LONGEST:
        raise AnalysisError(f"The pattern has {len(wanted)} characters: use at most {LONGEST}.")
    try:
        pattern = regex.compile(wanted, regex.IGNORECASE | regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise AnalysisError(
            f"This is no regular expression ({error}); mend it, or switch the regular expression off to search for "
            "it as plain text."
        ) from error
    found = np.zeros(len(texts), dtype=bool)
    end = time.monotonic() + SECONDS
    try:
        for i, text in enumerate(texts):
            found[i] = pattern.search(text, timeout=max(1e-3, end - time.monotonic())) is not None
    except TimeoutError as error:
        raise AnalysisError(
            f"The pattern takes longer than {SECONDS:g} seconds; make it simpler, for instance without nested repeats."
        ) from error
    return found
