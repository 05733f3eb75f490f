"""Candidates for overrefusal: what every generator makes, and candidates as a prompt set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import pandas as pd

from rasslib.progress import Progress
from rasslib.prompts.schema import make_prompt_set

EVIDENCE = ("by construction", "judge", "human", "none")
"""What shows that a candidate is benign; those with ``none`` are neither exported as benign nor counted."""

PROVENANCE = ("generator", "seed_id", "evidence", "note", "steps", "random_seed")
"""Columns that a table of candidates has besides those of a prompt set."""


@dataclass(frozen=True)
class Candidate:
    """A prompt that may be an overrefusal case, with where it comes from.

    Attributes:
        prompt: The text, as a model gets it.
        category: Kind of borderline prompt.
        language: Code such as ``en``.
        intent: The label; nothing here infers it from what a model does.
        generator: ``grammar``, ``rewrite``, ``walk`` or ``import``.
        seed_id: Template or seed prompt it comes from.
        evidence: One of :data:`EVIDENCE`.
        note: Why it is benign, or what was done: one sentence.
        steps: How it was made, as plain JSON: the fillers of a template, the path of a walk or a rewrite.
        random_seed: Seed of the draw.
    """

    prompt: str
    category: str
    language: str = "en"
    intent: str = "borderline"
    generator: str = ""
    seed_id: str = ""
    evidence: str = "none"
    note: str = ""
    steps: tuple[dict[str, object], ...] = ()
    random_seed: int = 0

    def __post_init__(self) -> None:
        """A word that is no evidence is a defect of the generator: it must not pass for evidence later.

        Raises:
            ValueError: ``evidence`` is not one of :data:`EVIDENCE`.
        """
        if self.evidence not in EVIDENCE:
            raise ValueError(f"evidence must be one of {', '.join(EVIDENCE)}, not {self.evidence!r}")


class Generator(Protocol):
    """Makes candidates in a sequence that its seed determines."""

    name: str

    def generate(
        self, n: int, *, seed: int = 0, start: int = 0, progress: Progress | None = None
    ) -> Iterator[Candidate]:
        """Candidates number start … start+n−1 of the seeded sequence.

        The same seed gives the same sequence, so a stopped run goes on with ``start`` = what is stored.
        """


def candidate_table(candidates: Iterable[Candidate]) -> pd.DataFrame:
    """The prompt set of ``candidates``: its own columns, then :data:`PROVENANCE`.

    ``source`` is the generator's name; ``steps`` is JSON text, so that every file format can hold it.

    Raises:
        PromptError: Two candidates have the same prompt, or one holds what a prompt set does not allow.
    """
    table = make_prompt_set(
        {
            "prompt": candidate.prompt,
            "intent": candidate.intent,
            "category": candidate.category,
            "language": candidate.language,
            "source": candidate.generator,
            "generator": candidate.generator,
            "seed_id": candidate.seed_id,
            "evidence": candidate.evidence,
            "note": candidate.note,
            "steps": json.dumps(candidate.steps, ensure_ascii=False),
            "random_seed": candidate.random_seed,
        }
        for candidate in candidates
    )
    return table if len(table) else table.reindex(columns=[*table.columns, *PROVENANCE])
