"""From a table and the roles of its columns to a prompt set, with every row that is left out and why."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from rasslib.errors import PromptError
from rasslib.prompts.cells import as_text, counted, typed
from rasslib.prompts.columns import SPLIT_WORDS
from rasslib.prompts.guard import is_guarded, unguard_text
from rasslib.prompts.intents import read_intents
from rasslib.prompts.languages import language_code
from rasslib.prompts.schema import COLUMNS, MAX_CHARACTERS, clean_text, make_prompt_set, prompt_id
from rasslib.prompts.tables import Dropped, Table, unique_names

SHOWN_CHARACTERS = 200
"""How much of a dropped row is kept to be shown."""

_OUR_ID = re.compile(r"p[0-9a-f]{12}")


@dataclass(frozen=True)
class ReadResult:
    """What was read.

    Attributes:
        prompts: A valid prompt set with at least one row.
        dropped: One row for each row of the file that is not in it: ``row`` (1 is the first data row; without
            a header, the first line), ``reason``, and ``text`` (its beginning).
        columns: Role to column of the file, for the roles that were found (none for plain lines).
        notes: Sentences on everything that was guessed or changed.
    """

    prompts: pd.DataFrame
    dropped: pd.DataFrame
    columns: dict[str, str]
    notes: list[str]


@dataclass(frozen=True)
class Defaults:
    """What rows get that say nothing themselves."""

    intent: str
    split: str
    language: str
    source: str


def clean_table(table: Table) -> tuple[Table, frozenset[str]]:
    """The table without NUL characters and lone surrogates, its guard against formulas undone.

    Returns:
        The table, and the columns in which a guard was undone (they hold text, even if it looks like
        numbers).
    """
    frame = table.frame.copy()
    frame.columns = pd.Index(unique_names(clean_text(str(name)) for name in frame.columns), dtype=object)
    guarded: set[str] = set()
    changed = 0
    for name in frame.columns:
        if frame[name].dtype != object and not isinstance(frame[name].dtype, pd.StringDtype):
            continue
        old = frame[name].tolist()
        new = [clean_text(value) if isinstance(value, str) else value for value in old]
        changed += sum(after is not before and after != before for after, before in zip(new, old, strict=True))
        if table.is_text and any(is_guarded(value) for value in new):
            guarded.add(str(name))
            new = [unguard_text(value) for value in new]
        frame[name] = pd.Series(new, index=frame.index, dtype=frame[name].dtype)
    notes = [f"NUL characters or broken surrogates were removed from {counted(changed, 'cell')}."] if changed else []
    return replace(table, frame=frame, notes=[*table.notes, *notes]), frozenset(guarded)


def assemble(
    table: Table,
    roles: Mapping[str, str],
    intent_map: Mapping[str, str],
    defaults: Defaults,
    label: str,
    guarded: frozenset[str] = frozenset(),
) -> ReadResult:
    """The prompt set of a table.

    Args:
        table: A clean table.
        roles: Role to column; holds at least ``prompt``.
        intent_map: Value to intent, checked.
        defaults: For cells that are empty and roles that no column plays.
        label: What to call the file in messages.
        guarded: Columns of text that must not be taken for numbers.

    Raises:
        PromptError: No row can be used.
    """
    kept, dropped = _usable(table, roles["prompt"])
    if not kept:
        raise PromptError(nothing_left(label, dropped))
    frame = table.frame.iloc[kept].reset_index(drop=True)
    notes = list(table.notes)
    texts = {role: [as_text(value) for value in frame[column]] for role, column in roles.items()}
    intents = [defaults.intent] * len(frame)
    if "intent" in roles:
        read = read_intents(texts["intent"], roles["intent"], intent_map, defaults.intent)
        intents = read.values
        notes += read.notes
    elif intent_map:
        notes.append(
            f"The intent map was not used: no column of {label} holds {', '.join(intent_map)}; "
            "name the column with --column intent=NAME."
        )
    empty = [""] * len(frame)
    core = {
        "prompt": texts["prompt"],
        "intent": intents,
        "category": texts.get("category", empty),
        "language": _known(texts.get("language", empty), language_code, defaults.language, "language", notes),
        "source": texts.get("source", [defaults.source] * len(frame)),
        "split": _known(texts.get("split", empty), _split, defaults.split, "split", notes),
    }
    names = list(core)
    records = [dict(zip(names, row, strict=True)) for row in zip(*core.values(), strict=True)]
    prompts = make_prompt_set(records)
    extra = _extra_columns(frame, roles, prompts["id"].tolist(), table.is_text, guarded, notes)
    if extra:
        prompts = pd.concat([prompts, *extra], axis=1)
    return ReadResult(prompts, _as_frame(dropped), dict(roles) if table.has_names else {}, notes)


def nothing_left(label: str, dropped: Sequence[Dropped]) -> str:
    """Why there is no prompt at all in a file."""
    if not dropped:
        return f"{label} holds no prompts, only column names or empty objects; add at least one prompt."
    first = dropped[0]
    count = "its only row was" if len(dropped) == 1 else f"all {len(dropped)} rows were"
    return f"{label} holds no usable prompt: {count} dropped (row {first.row}: {first.reason}); mend the file."


def _usable(table: Table, column: str) -> tuple[list[int], list[Dropped]]:
    """Positions of the rows to keep, and the others by number."""
    kept: list[int] = []
    dropped = list(table.dropped)
    seen: dict[str, int] = {}
    for position, (row, value) in enumerate(zip(table.rows, table.frame[column], strict=True)):
        text = as_text(value)
        known = prompt_id(text)
        if not isinstance(value, str | bytes) and hasattr(value, "__len__"):
            reason = "the prompt is a list or an object, not text"
        elif not text.strip():
            reason = "empty prompt"
        elif len(text) > MAX_CHARACTERS:
            reason = f"over {MAX_CHARACTERS:,} characters ({len(text):,})"
        elif known in seen:
            reason = f"duplicate of row {seen[known]}"
        else:
            seen[known] = row
            kept.append(position)
            continue
        dropped.append(Dropped(row, reason, text))
    return kept, sorted(dropped, key=lambda entry: entry.row)


def _known(values: Sequence[str], meaning: Any, default: str, what: str, notes: list[str]) -> list[str]:
    """``meaning`` of each value; the default where it is empty, and with a note where it means nothing."""
    meanings = [meaning(value) for value in values]
    unknown = [value for value, known in zip(values, meanings, strict=True) if value.strip() and not known]
    if unknown:
        shown = ascii(unknown[0].strip()[:30])
        notes.append(f"{counted(len(unknown), 'row')} with an unknown {what} (such as {shown}) got {what} {default}.")
    return [known or default for known in meanings]


def _split(value: str) -> str:
    return SPLIT_WORDS.get(value.strip().casefold(), "")


def _extra_columns(
    frame: pd.DataFrame,
    roles: Mapping[str, str],
    ids: Sequence[str],
    is_text: bool,
    guarded: frozenset[str],
    notes: list[str],
) -> list[pd.Series]:
    """Columns without a role, as they are; those named like one of ours get "source_" before their name."""
    chosen: list[pd.Series] = []
    names: list[str] = []
    for name in frame.columns:
        if name in roles.values():
            continue
        column = frame[name]
        is_id = name.casefold() == "id"
        if is_id and all(_OUR_ID.fullmatch(as_text(value)) for value in column):
            changed = sum(as_text(value) != ours for value, ours in zip(column, ids, strict=True))
            if changed:
                notes.append(f"{counted(changed, 'row')} got a new id because the text of the prompt was changed.")
            continue
        if is_text:
            column = typed(column) if name not in guarded else column.astype("str")
        elif column.dtype == object:
            column = pd.Series(column.tolist())
        kept_as = "source_id" if is_id else f"source_{name}" if name in COLUMNS else name
        if kept_as != name:
            why = " (ids are made from the text)" if is_id else " (its values are none that the column can have)"
            notes.append(f"Column {name} is kept as {kept_as}{why}.")
        chosen.append(column)
        names.append(kept_as)
    return [column.rename(name) for column, name in zip(chosen, unique_names(names), strict=True)]


def _as_frame(dropped: Sequence[Dropped]) -> pd.DataFrame:
    texts = [clean_text(entry.text) for entry in dropped]
    shown = [text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…" for text in texts]
    return pd.DataFrame(
        {
            "row": pd.Series([entry.row for entry in dropped], dtype="int64"),
            "reason": pd.Series([entry.reason for entry in dropped], dtype="str"),
            "text": pd.Series(shown, dtype="str"),
        }
    )
