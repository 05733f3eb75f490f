"""What a sequence of rewrites was made of: answers, candidates, and what was left out and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counts of the last sequence, up to where it was read.

    Attributes:
        asked: Seeds that were sent to the writer.
        kept: Seeds whose answers were in the workspace.
        candidates: Candidates made, those before the start included.
        skipped: What was left out or is missing, by reason.
        problems: Why requests failed, by reason; only of those sent now.
    """

    asked: int = 0
    kept: int = 0
    candidates: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)

    def in_words(self) -> str:
        """A few sentences for people."""
        text = f"{self.candidates} rewrites of {self.asked + self.kept} seeds ({self.kept} answers kept from before)."
        if self.skipped:
            text += f" Left out or missing: {_counts(self.skipped)}."
        if self.problems:
            text += f" Requests failed: {_counts(self.problems)}."
        return text


def _counts(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} ({n})" for reason, n in reasons.most_common())
