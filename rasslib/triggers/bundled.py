"""The bundled triggers, written by hand: for each harmful prompt its minimal pair and three looser versions of it.

The levels follow section 4.2 of *Deactivating Refusal Triggers* (arXiv 2603.11388): level 1 says the same in other
words, level 2 may lose one entity, event or action, level 3 may lose any and keeps only the gist. That a model
answers these texts is for a run to measure; what is checked here is their form.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from rasslib.errors import RassError
from rasslib.prompts.bundled import load_bundled
from rasslib.prompts.duplicates import normalise
from rasslib.prompts.schema import SPLITS
from rasslib.settings import assets_dir
from rasslib.triggers.phrases import occurrences

LEVELS = (0, 1, 2, 3)
"""0 is the trigger itself, 1 to 3 are its looser versions."""

_LISTS = ("removed", "kept", "levels")
_KEYS = {"id", "harmful", "trigger", *_LISTS}
_EXTRACTED = {"id", "harmful", "trigger", "levels", "tries", "problem"}
"""Keys that a line of an extraction has."""


class TriggerError(RassError):
    """A trigger file is missing or wrong, or it holds nothing of what was asked for."""


@dataclass(frozen=True)
class Trigger:
    """A harmful prompt and what is left of it without the harm.

    Attributes:
        id: Id of the harmful prompt.
        harmful: The harmful prompt.
        trigger: Its minimal pair: a benign prompt that keeps the harmless words, frame and setting.
        removed: Phrases of the harmful prompt that made it harmful, in its order; none stands in the trigger.
        kept: Phrases that stand in both, word for word but for letter case.
        levels: Levels 1, 2 and 3.
        category: Harm category of the harmful prompt.
        split: Split of the harmful prompt; its trigger and levels belong to the same one.
    """

    id: str
    harmful: str
    trigger: str
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    levels: tuple[str, str, str]
    category: str
    split: str

    def at(self, level: int) -> str:
        """The text at ``level``, one of :data:`LEVELS`.

        Raises:
            ValueError: There is no such level.
        """
        if level not in LEVELS:
            raise ValueError(f"level must be one of {LEVELS}, not {level}")
        return self.trigger if level == 0 else self.levels[level - 1]


def triggers_path(language: str = "en") -> Path:
    """The file of the bundled triggers: JSON lines in UTF-8, one object a harmful prompt."""
    return assets_dir() / "triggers" / f"{language}.jsonl"


def load_triggers(split: str | None = None) -> tuple[Trigger, ...]:
    """The bundled triggers in the order of their file.

    Args:
        split: Only those whose harmful prompt is in this split. Train on ``"train"`` alone, or refusal rates on
            the triggers of the others flatter the trained model. None: all.

    Raises:
        TriggerError: The installation lacks the file, or its form is wrong.
    """
    if split is not None and split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, not {split!r}")
    return tuple(one for one in _bundled(triggers_path()) if split is None or one.split == split)


def read_triggers(path: Path, prompts: pd.DataFrame) -> tuple[Trigger, ...]:
    """Read and check a trigger file.

    Args:
        path: JSON lines with the keys ``id``, ``harmful``, ``trigger``, ``removed``, ``kept`` and ``levels``, or what
            :mod:`rasslib.triggers.extraction` wrote; of that, lines without a trigger or levels are passed over.
        prompts: The prompt set that the harmful prompts are from.

    Raises:
        TriggerError: The file cannot be read, or a line breaks a rule; the message names the line and the rule.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TriggerError(f"The triggers cannot be read from {path}: {error}; give a text file in UTF-8.") from error
    harmful = prompts[prompts["intent"] == "harmful"].set_index("id")
    found: list[Trigger] = []
    first_at: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            one = _parsed(line, harmful)
            if one is None:
                continue
            _check(one, first_at)
        except _Broken as error:
            raise TriggerError(f"Line {number} of {path.name} {error}; correct the line or take it out.") from error
        first_at[one.id] = number
        first_at.update(dict.fromkeys(map(normalise, (one.trigger, *one.levels)), number))
        found.append(one)
    if not found:
        raise TriggerError(f"There are no triggers in {path}; give a file with one JSON object a line.")
    return tuple(found)


class _Broken(ValueError):
    """What is wrong with a line, as the rest of a sentence that begins with the line."""


@lru_cache(maxsize=2)
def _bundled(path: Path) -> tuple[Trigger, ...]:
    if not path.is_file():
        raise TriggerError(f"The bundled triggers are missing ({path}); install the program again.")
    return read_triggers(path, load_bundled())


def _parsed(line: str, harmful: pd.DataFrame) -> Trigger | None:
    try:
        fields: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise _Broken(f"is not JSON ({error.msg} at column {error.colno})") from error
    extracted = isinstance(fields, dict) and set(fields) >= _EXTRACTED
    if extracted:
        if not fields["trigger"] or not fields["levels"]:
            return None
        fields = {"removed": [], "kept": [], **{key: fields[key] for key in ("id", "harmful", "trigger", "levels")}}
    if not isinstance(fields, dict) or set(fields) != _KEYS:
        raise _Broken(f"must be an object with the keys {', '.join(sorted(_KEYS))} and no others")
    texts = {key: _text(fields[key], key) for key in ("id", "harmful", "trigger")}
    lists = {key: () if extracted and not fields[key] else _texts(fields[key], key) for key in _LISTS}
    if len(lists["levels"]) != 3:
        raise _Broken(f"has {len(lists['levels'])} levels instead of 3")
    if texts["id"] not in harmful.index:
        raise _Broken(f"has the id {texts['id']!r}, which no harmful prompt of the prompt set has")
    source = harmful.loc[texts["id"]]
    if source["prompt"] != texts["harmful"]:
        raise _Broken(f"gives another harmful prompt than the prompt set has under {texts['id']!r}")
    first, second, third = lists["levels"]
    return Trigger(
        **texts,
        removed=lists["removed"],
        kept=lists["kept"],
        levels=(first, second, third),
        category=str(source["category"]),
        split=str(source["split"]),
    )


def _check(one: Trigger, first_at: dict[str, int]) -> None:
    """Raise what is wrong with the wording of ``one``; ``first_at`` tells where a text stood before."""
    if one.id in first_at:
        raise _Broken(f"repeats the id {one.id!r} of line {first_at[one.id]}")
    for phrase in one.removed:
        if not holds(one.harmful, phrase):
            raise _Broken(f"says that {phrase!r} was removed, which does not stand in the harmful prompt")
        if holds(one.trigger, phrase):
            raise _Broken(f"says that {phrase!r} was removed, yet it stands in the trigger")
    for phrase in one.kept:
        for where, text in (("harmful prompt", one.harmful), ("trigger", one.trigger)):
            if not holds(text, phrase):
                raise _Broken(f"says that {phrase!r} was kept, which does not stand in the {where}")
    seen = {normalise(one.harmful)}
    for text in (one.trigger, *one.levels):
        plain = normalise(text)
        if plain in seen:
            raise _Broken(f"holds {text!r} twice; harmful prompt, trigger and levels must differ")
        if plain in first_at:
            raise _Broken(f"repeats {text!r} of line {first_at[plain]}")
        seen.add(plain)


def holds(text: str, phrase: str) -> bool:
    """Whether ``phrase`` stands in ``text``, in any letter case; as whole words, where words are written apart."""
    return bool(occurrences(text, phrase))


def _text(value: object, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Broken(f"has no text under {key!r}")
    return value


def _texts(value: object, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise _Broken(f"has no list of texts under {key!r}")
    return tuple(_text(item, key) for item in value)
