"""The trigger lexicon: which words and short phrases push a model towards refusal, over a whole corpus.

For a phrase t that stands in a prompt p, the change is ρ(p) − ρ(p without t), ρ the refusal score (log-odds); read in
the same pass, the change of the margin on the *intent* axis says whether the phrase also carries harm. A phrase that
moves refusal but hardly the intent axis is a **benign cue**. Beyond the paper, where a trigger is one whole query
(arXiv 2603.11388); the filter and its bound are this project's reading.

It is a statement about this model: its intent axis is the model's own reading of harm, not a person's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

INTENT_BOUND = 0.2
"""Margin units: a tenth of the distance between the class means of the intent axis."""

LEXICON_COLUMNS = (
    "phrase", "words", "n", "harmful", "benign", "refused", "change", "low", "high", "intent_change", "intent_low",
    "intent_high", "benign_cue", "measured", "examples",
)  # fmt: skip
"""Columns of :meth:`Lexicon.table`."""


@dataclass(frozen=True)
class LexiconSettings:
    """What a lexicon depends on besides model and prompts.

    Attributes:
        longest: Words of the longest phrase, 1 to 3.
        least: Prompts that must hold a phrase.
        most_measured: Prompts of one phrase that are measured at most, drawn by ``seed``: "how do" is everywhere.
        splits: Splits of the run's prompts it is made of; leave test out if evidence is to be held out.
        intents: Intents of these prompts.
        examples: Prompts named for each phrase, those with the largest change first.
        intent_bound: A benign cue's change on the intent axis must lie below this, limit included, in margin units.
        seed: Seed of the draws.
    """

    longest: int = 3
    least: int = 3
    most_measured: int = 40
    splits: tuple[str, ...] = ("train", "validation")
    intents: tuple[str, ...] = ("harmful", "borderline", "harmless")
    examples: int = 3
    intent_bound: float = INTENT_BOUND
    seed: int = 0


@dataclass(frozen=True)
class Entry:
    """One phrase.

    Attributes:
        phrase: In lower case.
        words: How many words it has.
        n: Prompts that hold it.
        harmful: How many of them are harmful.
        benign: How many are harmless or borderline.
        refused: How many the model refused, among those with a judged reply.
        judged: Prompts with a judged reply.
        measured: Prompts it was taken out of.
        change: Mean of ρ(p) − ρ(p without it) over these; positive: it pushes towards refusal.
        low: Lower limit of the 95 % interval over prompts (Student).
        high: Upper limit.
        intent_change: Mean change of the margin on the intent axis (class means lie 2 apart).
        intent_low: Lower limit.
        intent_high: Upper limit.
        benign_cue: It moves refusal (``low`` > 0) and not the intent axis (``intent_high`` < the bound).
        examples: Prompts that hold it, those with the largest change first.
    """

    phrase: str
    words: int
    n: int
    harmful: int
    benign: int
    refused: int
    judged: int
    measured: int
    change: float
    low: float
    high: float
    intent_change: float
    intent_low: float
    intent_high: float
    benign_cue: bool
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """A ranked trigger lexicon.

    Attributes:
        entries: The largest mean change first.
        n_prompts: Prompts it was made of.
        n_refused: How many of them the model refused (judged replies).
        n_judged: Prompts with a judged reply.
        passes: Texts that were scored (forward passes, if none had been kept).
        run_id: The run whose prompts, behaviours and intent axis were used.
        model: Name of the model.
        layer: Layer of the intent axis.
        settings: How it was made.
        notes: What was left out and why, in sentences.
    """

    entries: tuple[Entry, ...]
    n_prompts: int
    n_refused: int
    n_judged: int
    passes: int
    run_id: str
    model: str
    layer: int
    settings: LexiconSettings
    notes: tuple[str, ...] = ()

    @property
    def triggers(self) -> tuple[Entry, ...]:
        """The entries whose whole interval lies above 0."""
        return tuple(entry for entry in self.entries if entry.low > 0)

    @property
    def benign_cues(self) -> tuple[Entry, ...]:
        """The entries that move refusal and not the intent axis."""
        return tuple(entry for entry in self.entries if entry.benign_cue)

    def table(self) -> pd.DataFrame:
        """The entries with the columns :data:`LEXICON_COLUMNS`; ``examples`` is one text, parted by line breaks."""
        rows = [{**vars(entry), "examples": "\n".join(entry.examples)} for entry in self.entries]
        return pd.DataFrame(rows, columns=pd.Index(LEXICON_COLUMNS))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        from rasslib.workspace.files import plain

        return dict(plain(self))
