"""Which column of a file plays which role: by option, else by the names that benchmarks use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from rasslib.errors import PromptError
from rasslib.prompts.cells import as_text
from rasslib.prompts.intents import choose_intent_column
from rasslib.prompts.languages import language_code

NAMES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "goal", "instruction", "text", "question", "query", "input", "behavior"),
    "intent": ("intent", "label", "type", "toxicity"),
    "category": ("category", "kind", "topic", "type"),
    "language": ("language", "lang"),
    "source": ("source",),
    "split": ("split",),
}
"""Names of each role's column in any letter case, most preferred first."""

SPLIT_WORDS = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test", "eval": "test",
}  # fmt: skip
"""What files write for the three splits."""


class MissingPromptColumn(PromptError):
    """No column of the file is known to hold prompts.

    Attributes:
        columns: The columns the file has, to choose from.
    """

    def __init__(self, label: str, columns: Sequence[str]) -> None:
        shown = ", ".join(_short(name) for name in columns[:20]) + (", ..." if len(columns) > 20 else "")
        super().__init__(
            f"{label} has no prompt column: found columns {shown}; name the prompt column with --column prompt=NAME."
        )
        self.columns = list(columns)


def sniff_columns(df: pd.DataFrame, intent_map: Mapping[str, str] | None = None) -> dict[str, str]:
    """The column of ``df`` that plays each role, for the roles that are found.

    Prompt, category and source go by name alone. Intent, language and split are taken only if the values look
    like
    it: a column ``label`` with topics in it is no intent, a column ``language`` with "Python" in it no
        language.

    Args:
        df: The file as it is, values of any type.
        intent_map: Values that stand for intents in this file (see
            :func:`rasslib.prompts.intents.choose_intent_column`).
    """
    named = df.set_axis([str(name) for name in df.columns], axis="columns")
    return resolve_columns(named, {}, intent_map)


def resolve_columns(
    df: pd.DataFrame, chosen: Mapping[str, str], intent_map: Mapping[str, str] | None, label: str = "The file"
) -> dict[str, str]:
    """As :func:`sniff_columns`, but ``chosen`` (role to column; "" for none) goes first, unquestioned.

    Raises:
        PromptError: ``chosen`` names a role or a column that does not exist.
    """
    names = [str(name) for name in df.columns]
    found: dict[str, str] = {}
    for role, wanted in chosen.items():
        if role not in NAMES:
            raise PromptError(f"There is no column role {role!r}: use one of {', '.join(NAMES)}.")
        if wanted:
            found[role] = _existing(wanted, names, label)
    for role in NAMES:
        if role in chosen:
            continue
        candidates = [name for name in _candidates(names, role) if name not in found.values()]
        taken = _take(df, role, candidates, intent_map)
        if taken is not None:
            found[role] = taken
    return {role: found[role] for role in NAMES if role in found}


def _take(df: pd.DataFrame, role: str, candidates: Sequence[str], intent_map: Mapping[str, str] | None) -> str | None:
    if role == "intent":
        return choose_intent_column({name: df[name].map(as_text).tolist() for name in candidates}, intent_map)
    for name in candidates:
        values = [text for text in df[name].map(as_text) if text.strip()]
        if role == "language" and not _mostly(values, [bool(language_code(text)) for text in values]):
            continue
        if role == "split" and not _mostly(values, [text.strip().casefold() in SPLIT_WORDS for text in values]):
            continue
        return name
    return None


def _mostly(values: Sequence[str], fits: Sequence[bool]) -> bool:
    return 2 * sum(fits) >= len(values)


def _candidates(names: Sequence[str], role: str) -> list[str]:
    """Columns with one of the role's names, best first; the exact spelling before another letter case."""
    found: list[str] = []
    for wanted in NAMES[role]:
        alike = [name for name in names if name.strip().casefold() == wanted]
        found += sorted(alike, key=lambda name: name != wanted)
    return found


def _existing(wanted: str, names: Sequence[str], label: str) -> str:
    if wanted in names:
        return wanted
    alike = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
    if not alike:
        shown = ", ".join(_short(name) for name in names[:20])
        raise PromptError(f"{label} has no column {wanted!r}: it has {shown}; check the spelling.")
    return alike[0]


def _short(name: str) -> str:
    """A column name in one short line: a file without a header puts its first row here."""
    line = " ".join(name.split())
    return line if len(line) <= 40 else line[:37] + "..."
