"""Making a trigger lexicon of a run: find phrases, take each out of prompts that hold it, read what changes, rank."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rasslib.boundary.analysis import settings_of
from rasslib.boundary.run import Analysis
from rasslib.boundary.statistics import mean_interval
from rasslib.errors import AnalysisError
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.triggers.cutting import tokenizer_cut
from rasslib.triggers.lexicon import Entry, Lexicon, LexiconSettings
from rasslib.triggers.occurrences import Occurrences, drawn, find_phrases, left_without
from rasslib.triggers.readings import read_texts
from rasslib.triggers.segments import LONGEST_PHRASE
from rasslib.workspace.files import atomic_json, read_json

STAGE = "Taking phrases out of prompts"


def build_lexicon(
    lens: Lens, run: Analysis, settings: LexiconSettings | None = None, progress: Progress | None = None
) -> Lexicon:
    """The trigger lexicon of a run, saved with it; every reading is kept, so a stopped call goes on where it was.

    Args:
        lens: The run's model.
        run: A finished run: its prompts, their behaviours and its intent axis.
        settings: How it is made.
        progress: Told after each stored part; may raise Stopped.

    Raises:
        AnalysisError: The model is not the run's, the model refused none of these prompts, they are too few, or no
            phrase stands in enough of them.
        ModelError: A text cannot be read.
    """
    settings = settings or LexiconSettings()
    if lens.key != run.key:
        raise AnalysisError(f"This run was made with another model or template than {lens.name}; load that one.")
    table, notes = _corpus(run, settings)
    prompts, ids = table["prompt"].tolist(), table["id"].tolist()
    phrases = find_phrases(prompts, settings.longest, settings.least, tokenizer_cut(lens))
    chosen = {one.name: _measured(one, prompts, ids, settings) for one in phrases}
    phrases = [one for one in phrases if chosen[one.name]]
    if not phrases:
        raise AnalysisError(
            f"No phrase stands in {settings.least} of these {len(prompts)} prompts beside other words: add prompts, or "
            "count rarer phrases."
        )
    direction = run.directions["intent"][run.layer]
    cut_out = {one.name: [left_without(prompts[row], one.places[row]) for row in chosen[one.name]] for one in phrases}
    rows = sorted({row for one in phrases for row in chosen[one.name]})
    flat = [prompts[row] for row in rows] + [text for texts in cut_out.values() for text in texts]
    read = read_texts(lens, flat, direction, settings_of(run).openers, run.workspace, progress, STAGE)
    base = {row: number for number, row in enumerate(rows)}
    entries, at = [], len(rows)
    for one in phrases:
        here = np.array([base[row] for row in chosen[one.name]])
        there = np.arange(at, at + len(here))
        at += len(here)
        change = read.score[here] - read.score[there]
        intent = read.margin[here] - read.margin[there]
        entries.append(_entry(one, table, [prompts[row] for row in chosen[one.name]], change, intent, settings))
    entries.sort(key=lambda entry: (-entry.change, entry.phrase))
    if frequent := sum(len(one.places) > settings.most_measured for one in phrases):
        notes.append(f"{frequent} frequent phrases were measured on {settings.most_measured} of their prompts each.")
    lexicon = Lexicon(
        entries=tuple(entries),
        n_prompts=len(table),
        n_refused=int((table["behaviour"] == "refused").sum()),
        n_judged=int(table["behaviour"].isin(["refused", "complied"]).sum()),
        passes=len(set(flat)),
        run_id=run.run_id,
        model=str(run.summary["model"]["name"]),
        layer=run.layer,
        settings=settings,
        notes=tuple(notes),
    )
    atomic_json(run.folder / file_name(run, settings), lexicon.as_dict())
    return lexicon


def saved_lexicon(run: Analysis, settings: LexiconSettings | None = None) -> Lexicon | None:
    """The lexicon of a run that was made with these settings; None if there is none yet. Needs no model.

    Raises:
        WorkspaceError: The file is damaged.
    """
    path = run.folder / file_name(run, settings or LexiconSettings())
    if not path.is_file():
        return None
    held: dict[str, Any] = read_json(path)
    names = {field.name for field in fields(Entry)}
    entries = tuple(Entry(**{k: _plain(k, v) for k, v in row.items() if k in names}) for row in held.pop("entries"))
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in held.pop("settings").items()
    }
    notes = tuple(held.pop("notes"))
    return Lexicon(entries=entries, settings=LexiconSettings(**given), notes=notes, **held)


def file_name(run: Analysis, settings: LexiconSettings) -> str:
    """Name of the file in the run's folder: another one for other settings, and once the run has more replies."""
    about = [asdict(settings), run.state]
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:10]
    return f"lexicon-{digest}.json"


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return float("nan") if value is None and name != "phrase" else value


def _corpus(run: Analysis, settings: LexiconSettings) -> tuple[pd.DataFrame, list[str]]:
    if not 1 <= settings.longest <= LONGEST_PHRASE or min(settings.least, settings.most_measured) < 1:
        raise AnalysisError(f"Phrases have 1 to {LONGEST_PHRASE} words, and must stand in at least one prompt.")
    held = run.prompts
    table = held[held["split"].isin(settings.splits) & held["intent"].isin(settings.intents)].reset_index(drop=True)
    where = f"split {' or '.join(settings.splits)}"
    if table.empty:
        raise AnalysisError(f"This run has no prompts in {where} of the intents asked for: choose other splits.")
    behaviour = table["behaviour"]
    if not behaviour.isin(["refused", "complied"]).any():
        raise AnalysisError(f"None of the prompts in {where} has a judged reply: complete the run first.")
    if not (behaviour == "refused").any():
        raise AnalysisError(
            f"The model refused none of the prompts in {where}, so nothing triggers refusals: add prompts it refuses."
        )
    missing = int((~behaviour.isin(["refused", "complied"])).sum())
    return table, [f"{missing} prompts have no valid reply; they count in all but the refusals."] if missing else []


def _measured(one: Occurrences, prompts: Sequence[str], ids: Sequence[str], settings: LexiconSettings) -> list[int]:
    """Rows it is taken out of: never a prompt that would lose its last word."""
    rows = [row for row, found in one.places.items() if any(c.isalnum() for c in left_without(prompts[row], found))]
    picked = drawn([ids[row] for row in rows], one.name, settings.most_measured, settings.seed)
    return [rows[number] for number in picked]


def _entry(
    one: Occurrences,
    table: pd.DataFrame,
    texts: Sequence[str],
    change: NDArray[np.float64],
    intent: NDArray[np.float64],
    settings: LexiconSettings,
) -> Entry:
    held = table.iloc[list(one.places)]
    value, low, high = mean_interval(change)
    moved, intent_low, intent_high = mean_interval(intent)
    order = np.argsort(-change, kind="stable")[: settings.examples]
    return Entry(
        phrase=one.name,
        words=one.words,
        n=len(one.places),
        harmful=int((held["intent"] == "harmful").sum()),
        benign=int(held["intent"].isin(["harmless", "borderline"]).sum()),
        refused=int((held["behaviour"] == "refused").sum()),
        judged=int(held["behaviour"].isin(["refused", "complied"]).sum()),
        measured=len(change),
        change=value,
        low=low,
        high=high,
        intent_change=moved,
        intent_low=intent_low,
        intent_high=intent_high,
        benign_cue=bool(low > 0 and intent_high < settings.intent_bound),
        examples=tuple(texts[row] for row in order),
    )
