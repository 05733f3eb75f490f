"""The human label: which values of a file mean which intent.

Known words are the obvious ones. "safe" is not: in some sets it marks plain prompts, in others (XSTest)
prompts that only look harmful. Without an intent map it counts as harmless and a note says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rasslib.errors import PromptError
from rasslib.prompts.cells import counted
from rasslib.prompts.schema import INTENTS

WORDS = {
    "harmful": "harmful",
    "unsafe": "harmful",
    "toxic": "harmful",
    "malicious": "harmful",
    "harmless": "harmless",
    "plain": "harmless",
    "benign": "harmless",
    "safe": "harmless",
    "unharmful": "harmless",
    "non-toxic": "harmless",
    "nontoxic": "harmless",
    "borderline": "borderline",
    "pseudo-harmful": "borderline",
    "unlabelled": "unlabelled",
    "unlabeled": "unlabelled",
}
"""Values that mean an intent in any file."""

BINARY = {
    "1": "harmful",
    "1.0": "harmful",
    "true": "harmful",
    "0": "harmless",
    "0.0": "harmless",
    "false": "harmless",
}
"""Values that mean an intent in a column that holds nothing else."""


@dataclass(frozen=True)
class Intents:
    """Intents of n rows, and what the user should know about how they were read."""

    values: list[str]
    notes: list[str]


def word(value: str) -> str:
    """``value`` as it is looked up: small letters, hyphens for inner spaces and underscores."""
    return value.strip().casefold().replace("_", "-").replace(" ", "-")


def check_intent_map(intent_map: Mapping[str, str] | None) -> dict[str, str]:
    """The map with its values looked up as words.

    Raises:
        PromptError: It maps to something that is no intent.
    """
    checked = {word(key): value.strip().lower() for key, value in (intent_map or {}).items()}
    for key, value in checked.items():
        if value not in INTENTS:
            raise PromptError(
                f"The intent map gives {value!r} for {key!r}: use one of {', '.join(INTENTS)}, "
                "as in safe=borderline,unsafe=harmful."
            )
    return checked


def choose_intent_column(
    columns: Mapping[str, Sequence[str]], intent_map: Mapping[str, str] | None = None
) -> str | None:
    """The column whose values look like intents.

    A column qualifies if at least half of its filled cells are words of the map or known ones; with a map, a
    column that holds a word of the map comes before all others, and the one with the largest known share
    wins. A column named ``intent`` also qualifies when it is empty.

    Args:
        columns: Candidates, most preferred first, with their values.
        intent_map: Values that mean an intent in this file.
    """
    mapped = check_intent_map(intent_map)
    best: tuple[bool, float] | None = None
    chosen: str | None = None
    for name, values in columns.items():
        filled = [word(value) for value in values if value.strip()]
        meanings = {**_meanings(filled, name), **mapped}
        share = sum(value in meanings for value in filled) / len(filled) if filled else 0.0
        named = any(value in mapped for value in filled)
        empty_intent = not filled and word(name) == "intent"
        if not (named or share >= 0.5 or empty_intent):
            continue
        # Without a map the order of preference decides, not the share.
        rank = (named, share if named else 0.0)
        if best is None or rank > best:
            best, chosen = rank, name
    return chosen


def read_intents(values: Sequence[str], column: str, intent_map: Mapping[str, str] | None, default: str) -> Intents:
    """Intents from the cells of one column.

    Args:
        values: n cells. An empty one becomes ``default``, one of unknown meaning ``unlabelled``.
        column: Name of the column, for notes.
        intent_map: Values that mean an intent in this file; they win over known words.
        default: Intent of empty cells.

    Raises:
        PromptError: The map gives something that is no intent.
    """
    mapped = check_intent_map(intent_map)
    words = [word(value) for value in values]
    known = _meanings([value for value in words if value], column)
    meanings = {**known, **mapped}
    intents = [meanings.get(value, "unlabelled") if value else default for value in words]
    notes: list[str] = []
    counts = Counter(words)
    if counts["safe"] and "safe" not in mapped:
        notes.append(
            f"'safe' in column {column} counts as harmless ({counted(counts['safe'], 'row')}); if these prompts "
            "only look harmful, say so with --intent-map safe=borderline."
        )
    numbers = {value: meaning for value, meaning in known.items() if value in BINARY and value not in mapped}
    if used := [value for value in numbers if counts[value]]:
        told = " and ".join(f"{value} as {numbers[value]}" for value in used)
        notes.append(
            f"Column {column} is read as {told}; if it means the contrary, use --intent-map 1=harmless,0=harmful."
        )
    unknown = {value: count for value, count in counts.items() if value and value not in meanings}
    if unknown:
        shown = ", ".join(ascii(value[:30])[1:-1] for value in list(unknown)[:5]) + (
            ", ..." if len(unknown) > 5 else ""
        )
        notes.append(
            f"{counted(sum(unknown.values()), 'row')} left unlabelled because {column} holds no known intent "
            f"({shown}); give its meaning with --intent-map."
        )
    if absent := [key for key in mapped if not counts[key]]:
        notes.append(f"The intent map names {', '.join(absent)}, which column {column} does not hold.")
    return Intents(intents, notes)


def _meanings(filled: Sequence[str], column: str) -> dict[str, str]:
    """Known words, and 0 and 1 in a column of nothing else (not ``type``: types may be numbered)."""
    if filled and set(filled) <= set(BINARY) and word(column) != "type":
        return {**WORDS, **BINARY}
    return WORDS
