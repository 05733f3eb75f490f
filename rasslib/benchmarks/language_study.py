"""A model across languages: rates, verdicts, transfer of the axis, shift of the boundary; kept in the workspace.

Prompts are read and answered once (what the workspace holds is not computed again), so a stopped study goes on where
it was. The result is plain JSON in ``languages/<id>.json`` of the workspace.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from rasslib.benchmarks.language_shift import CAUSAL_SPLIT, boundary_shifts, causal_transfer, opener_shares
from rasslib.benchmarks.languages import FEW, FIT, LanguageRule, language_findings, name_of, written_in
from rasslib.benchmarks.transfer import MEASURES, Axes, against_reference, fit_languages, transfer_cells
from rasslib.boundary.causal import CausalChoice, CausalSettings
from rasslib.boundary.reading import read_activations, read_replies, reply_key, score_openers, stored, texts
from rasslib.boundary.report_reading import JsonStore
from rasslib.clock import Clock
from rasslib.errors import AnalysisError, WorkspaceError
from rasslib.models.lens import Lens
from rasslib.progress import Progress, Silent
from rasslib.prompts import assign_splits, data_hash
from rasslib.prompts.cells import counted
from rasslib.rass.export.provenance import versions
from rasslib.refusal import DEFAULT_OPENERS, PhraseJudge
from rasslib.workspace import Workspace
from rasslib.workspace.files import atomic_json, plain, read_json

FOLDER = "languages"


@dataclass(frozen=True)
class LanguageSettings:
    """What a study depends on besides model and prompts.

    Attributes:
        reference: Language whose axis is carried over to the others.
        position: Read position of the axes.
        reply_tokens: Length at which replies are cut before they are judged. Scripts that the tokenizer splits into
            bytes need more tokens for the same words.
        openers: Refusal openers of the refusal score.
        rule: When a language is judged at all.
        causal: Whether directions are tried out on the model.
        causal_settings: How many prompts and random controls.
        draws: Resamples of an interval.
        seed: Seed of everything drawn.
    """

    reference: str = "en"
    position: str = "last_template"
    reply_tokens: int = 48
    openers: tuple[str, ...] = DEFAULT_OPENERS
    rule: LanguageRule = field(default_factory=LanguageRule)
    causal: bool = True
    causal_settings: CausalSettings = field(
        default_factory=lambda: CausalSettings(prompts=14, controls=3, control_layers=1)
    )
    draws: int = 2000
    seed: int = 0


def study_languages(
    lens: Lens,
    prompts: pd.DataFrame,
    workspace: Workspace,
    settings: LanguageSettings | None = None,
    progress: Progress | None = None,
    *,
    title: str = "",
) -> dict[str, Any]:
    """Study a model across the languages of a prompt set, and keep what was found.

    Args:
        lens: The model.
        prompts: A prompt set in several languages; best a parallel one with its own splits.
        workspace: Where everything is kept.
        settings: See :class:`LanguageSettings`.
        progress: Told after each stored batch; may raise Stopped, and what was read is kept.
        title: Name for people.

    Returns:
        Plain JSON values: ``languages`` (one entry each) and ``transfer`` (axes; only ``reason`` where there are none).

    Raises:
        AnalysisError: The prompts are in one language only, or not in the reference language.
    """
    settings, told, clock = settings or LanguageSettings(), progress or Silent(), Clock()
    table, left_out = usable(prompts, settings.reference)
    openers = score_openers(lens, settings.openers)
    with clock.stage("activations"):
        read_activations(lens, texts(table), workspace, openers, told)
    with clock.stage("replies"):
        table = _answered(lens, table, workspace, settings.reply_tokens, told)
    findings = language_findings(table, settings.rule)
    result: dict[str, Any] = {
        "id": study_id(lens.key, table, settings),
        "title": title or lens.name,
        "model": {"name": lens.name, "key": lens.key, "fingerprint": lens.fingerprint, "n_layers": lens.n_layers},
        "prompts": {"n": len(table), "left_out": left_out, "data_hash": data_hash(table)},
        "settings": asdict(settings),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "judge": PhraseJudge().version,
        "languages": [finding.as_dict() for finding in findings.values()],
    }
    acts = stored(workspace, lens.key, table["id"].tolist(), settings.position)
    # Where the model cannot be judged, its behaviour says nothing: what it intends is still read there.
    judged = [code for code, finding in findings.items() if finding.verdict in (FIT, FEW)]
    heard = table.assign(behaviour=table["behaviour"].where(table["language"].isin(judged), "invalid"))
    try:
        result["transfer"] = _transfer(lens, acts, heard, judged, workspace, settings, openers, clock, told)
    except AnalysisError as error:
        result["transfer"] = {"reason": str(error)}
    result["seconds"] = clock.seconds
    found: dict[str, Any] = plain(result)
    atomic_json(_path(workspace, found["id"]), found)
    return found


def usable(prompts: pd.DataFrame, reference: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """The prompts that are in their language, with splits; and how many are not, by language.

    Raises:
        AnalysisError: Fewer than two languages, or none of them the reference.
    """
    right = [written_in(text, code) for text, code in zip(prompts["prompt"], prompts["language"], strict=True)]
    table = prompts[right].reset_index(drop=True)
    wrong = prompts.loc[[not one for one in right], "language"].value_counts()
    left_out = {str(language): int(n) for language, n in wrong.items()}
    languages = table["language"].unique().tolist()
    more = f" ({counted(sum(left_out.values()), 'prompt')} not in the script of their language left out)"
    told = more if left_out else ""
    if len(languages) < 2:
        only = name_of(languages[0]) if languages else "no language at all"
        raise AnalysisError(
            f"These prompts are in {only} only{told}: comparing languages needs at least two, so use the parallel set, "
            "or a file with a column language."
        )
    if reference not in languages:
        raise AnalysisError(
            f"No prompt is in the reference language {reference!r}{told}: choose one of {', '.join(languages)}."
        )
    return (assign_splits(table) if table["split"].nunique() == 1 else table), left_out


def study_id(key: str, table: pd.DataFrame, settings: LanguageSettings) -> str:
    """Names a study: the same model, prompts (with language and split), judge and settings give the same id."""
    where = table[["id", "language", "split"]].sort_values("id").to_numpy().tolist()
    text = json.dumps([key, data_hash(table), where, PhraseJudge().version, plain(settings)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def saved_studies(workspace: Workspace) -> list[dict[str, Any]]:
    """All studies of a workspace, newest first; one that is damaged is left out."""
    found = []
    for path in sorted((workspace.root / FOLDER).glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True):
        try:
            study = read_json(path)
        except WorkspaceError:
            continue
        if isinstance(study, dict) and {"id", "title", "languages", "transfer"} <= set(study):
            found.append(study)
    return found


def _path(workspace: Workspace, name: str) -> Path:
    return workspace.root / FOLDER / f"{name}.json"


def _answered(lens: Lens, table: pd.DataFrame, workspace: Workspace, tokens: int, progress: Progress) -> pd.DataFrame:
    wanted = texts(table)
    read_replies(lens, wanted, workspace, tokens, progress)
    replies, judge = workspace.database.get_replies(reply_key(lens.key, tokens), wanted), PhraseJudge()
    return table.assign(
        reply=[replies[i].text for i in wanted],
        behaviour=[judge.judge(replies[i].text, finished=replies[i].finished).behaviour for i in wanted],
    )


def _transfer(
    lens: Lens,
    acts: Tensor,
    table: pd.DataFrame,
    voters: list[str],
    workspace: Workspace,
    settings: LanguageSettings,
    openers: list[int],
    clock: Clock,
    progress: Progress,
) -> dict[str, Any]:
    """What the axes of all languages do in all languages.

    Raises:
        AnalysisError: No language has an axis.
    """
    with clock.stage("axes"):
        axes = fit_languages(acts, table, settings.position, voters)
        here = acts[:, axes.layer]
        drawn: dict[str, int] = {"draws": settings.draws, "seed": settings.seed}
        found: dict[str, Any] = {
            "reason": "",
            "layer": axes.layer,
            "why_layer": axes.reason,
            "position": settings.position,
            "reference": settings.reference,
            "left_out": dict(axes.left_out),
            "cells": {name: transfer_cells(here, table, axes, name, **drawn) for name in MEASURES},
            "against": {
                name: against_reference(here, table, axes, settings.reference, name, **drawn) for name in MEASURES
            },
            "openers": {
                language: share.as_dict() for language, share in opener_shares(table, lens.encode, openers).items()
            },
        }
        found["shifts"] = boundary_shifts(here, table, axes, settings.reference)
    if settings.causal:
        with clock.stage("causal"):
            found["causal"] = _causal(lens, table, axes, workspace, settings, openers, progress)
    return found


def _causal(
    lens: Lens,
    table: pd.DataFrame,
    axes: Axes,
    workspace: Workspace,
    settings: LanguageSettings,
    openers: list[int],
    progress: Progress,
) -> dict[str, Any]:
    cache = JsonStore(workspace.cache_dir / "causal.json")
    choices, left_out = causal_transfer(lens, table, axes, openers, settings.causal_settings, cache, progress)
    return {"left_out": left_out, "targets": [_target(name, one, axes.directions) for name, one in choices.items()]}


def _target(language: str, choice: CausalChoice, sources: Mapping[str, Any]) -> dict[str, Any]:
    cells = [
        {"source": source, "effect": tried.effect, "control_induce": tried.control_induce}
        for source, tried in zip(sources, choice.candidates, strict=True)
    ]
    return {
        "target": language,
        "n_harmful": choice.n_harmful,
        "n_harmless": choice.n_harmless,
        "base_harmful": choice.base_harmful,
        "base_harmless": choice.base_harmless,
        "split": CAUSAL_SPLIT,
        "control_bypass": choice.control_bypass,
        "cells": cells,
    }
