"""Candidates from a file: any prompt set that people have, with the evidence it brings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from rasslib.errors import PromptError
from rasslib.progress import Progress, Silent
from rasslib.prompts.cells import as_text, counted
from rasslib.prompts.readers import ReadResult, read_prompts
from rasslib.rass.candidates import EVIDENCE, Candidate
from rasslib.rass.shuffling import Shuffled

_BATCH = 5_000


class ImportGenerator:
    """Reads a prompt file once and gives its prompts, in an order that the seed determines.

    Prompts labelled harmful are left out: a refusal of those is no overrefusal.

    Attributes:
        read: What was read, with every row that was dropped (duplicates among them) and why.
        notes: Sentences on everything that was guessed, changed or left out.
    """

    name = "import"

    def __init__(
        self,
        source: Path | bytes | str,
        *,
        name: str | None = None,
        columns: Mapping[str, str] | None = None,
        intent_map: Mapping[str, str] | None = None,
        default_intent: str = "borderline",
        default_language: str = "en",
    ) -> None:
        """Read a file; arguments as in :func:`rasslib.prompts.readers.read_prompts`.

        A column ``evidence`` with values of :data:`rasslib.rass.candidates.EVIDENCE` is kept; without it, or
        where its value is none of these, the evidence is ``none``. Columns ``note`` and ``seed_id`` are kept too.

        Raises:
            PromptError: Nothing can be read, or all prompts are labelled harmful.
        """
        self.read: ReadResult = read_prompts(
            source,
            name=name,
            columns=columns,
            intent_map=intent_map,
            default_intent=default_intent,
            default_language=default_language,
        )
        self.label = name or (source.name if isinstance(source, Path) else "the pasted text")
        self.notes = list(self.read.notes)
        prompts = self.read.prompts
        self._note_duplicates(self.read.dropped["reason"])
        harmful = prompts["intent"] == "harmful"
        if harmful.all():
            raise PromptError(f"All prompts of {self.label} are labelled harmful: a candidate must be benign.")
        if harmful.any():
            left_out = counted(int(harmful.sum()), "prompt")
            self.notes.append(f"{left_out} labelled harmful cannot be a case of overrefusal: left out.")
        self._rows = self._from(prompts[~harmful])

    def count(self) -> int:
        """How many candidates the file holds."""
        return len(self._rows)

    def generate(
        self, n: int, *, seed: int = 0, start: int = 0, progress: Progress | None = None
    ) -> Iterator[Candidate]:
        """Candidates number start … start+n−1 of the shuffled file.

        Raises:
            PromptError: The file holds fewer.
        """
        if n < 1 or start < 0:
            raise PromptError(f"Ask for at least one candidate from number 0 on, not for {n} from number {start}.")
        if start + n > self.count():
            there = counted(self.count(), "candidate")
            raise PromptError(f"{self.label} holds {there}, and {start + n:,} are needed: ask for fewer.")
        return self._draw(n, seed, start, progress or Silent())

    def _draw(self, n: int, seed: int, start: int, progress: Progress) -> Iterator[Candidate]:
        order = Shuffled(self.count(), seed)
        for done in range(1, n + 1):
            prompt, category, language, intent, source, seed_id, evidence, note = self._rows[order[start + done - 1]]
            yield Candidate(
                prompt=prompt,
                category=category,
                language=language,
                intent=intent,
                generator=self.name,
                seed_id=seed_id,
                evidence=evidence,
                note=note or f"Imported from {source or self.label}.",
                random_seed=seed,
            )
            if done % _BATCH == 0 or done == n:
                progress.update("Imported prompts", done, n)

    def _from(self, prompts: pd.DataFrame) -> list[tuple[str, ...]]:
        """What a candidate takes from each prompt."""
        core = [prompts[column] for column in ("prompt", "category", "language", "intent", "source")]
        seed_ids, notes = _texts(prompts, "seed_id", "source_id"), _texts(prompts, "note")
        return list(zip(*core, seed_ids, self._evidence(prompts), notes, strict=True))

    def _evidence(self, prompts: pd.DataFrame) -> list[str]:
        """The evidence of each prompt; tells what is no evidence."""
        values = [" ".join(text.casefold().replace("_", " ").split()) for text in _texts(prompts, "evidence")]
        unknown = Counter(value for value in values if value and value not in EVIDENCE)
        if unknown:
            rows, example = counted(unknown.total(), "row"), ascii(next(iter(unknown))[:30])
            self.notes.append(
                f"{rows} with an evidence such as {example} count as none: use one of {', '.join(EVIDENCE)}."
            )
        return [value if value in EVIDENCE else "none" for value in values]

    def _note_duplicates(self, reasons: pd.Series) -> None:
        twice = int(reasons.str.startswith("duplicate").sum())
        if twice:
            self.notes.append(f"{counted(twice, 'row')} repeated a prompt of an earlier row: left out.")


def _texts(prompts: pd.DataFrame, *names: str) -> Sequence[str]:
    """The first of these columns that is there, in any letter case; empty texts where none is."""
    known = {str(column).casefold(): column for column in prompts.columns}
    column = next((known[name] for name in names if name in known), None)
    return [""] * len(prompts) if column is None else [as_text(value).strip() for value in prompts[column]]
