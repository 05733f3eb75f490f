"""The main job: from prompts and a model to a run.

Read the prompts once, fit the axes on the train split of the fit set, choose the layer on its validation split, and
report on held-out prompts. The margin and the band are **this project's reading of RASS** (arXiv 2505.18325); the
direction is the difference in means of Arditi et al. (arXiv 2406.11717).

Columns of the run's table: those of a prompt set, then

================  ==================================================================================
given             belongs to the prompts that were asked about
fit               belongs to the fit set (its split says what for)
behaviour         what the model did: ``refused``, ``complied``, ``invalid``; empty: no reply yet
reply, finished   the greedy reply, and whether the model ended it by itself
judge_reason      why the judge decided so
refusal_score     log-odds that the reply opens like a refusal (0: p = 1/2)
margin            margin at the chosen layer, on the chosen axis
overrefusal       refused, although harmless or borderline
================  ==================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from rasslib.boundary import findings
from rasslib.boundary.directions import Direction, fit_axis
from rasslib.boundary.margin import DEFAULT_TAU
from rasslib.boundary.reading import (
    read_activations,
    read_replies,
    reply_key,
    score_key,
    score_openers,
    stored,
    texts,
)
from rasslib.boundary.run import Analysis, margins_of, save_analysis
from rasslib.boundary.statistics import split_half_cosine
from rasslib.clock import Clock
from rasslib.errors import AnalysisError
from rasslib.models.catalogue import adapter_name
from rasslib.models.lens import POSITIONS, Lens
from rasslib.progress import Progress, Silent
from rasslib.prompts import data_hash, make_prompt_set
from rasslib.refusal import DEFAULT_OPENERS, PhraseJudge, refusal_score
from rasslib.settings import settings as product_settings
from rasslib.workspace import Workspace

BENIGN = ("harmless", "borderline")


@dataclass(frozen=True)
class AnalysisSettings:
    """What a run depends on besides model and prompts.

    Attributes:
        reply_tokens: Length at which replies are cut before they are judged.
        position: Read position of the axes.
        openers: Refusal openers of the refusal score.
        tau: Half-width of the band.
        seed: Seed of bootstraps and random directions.
    """

    reply_tokens: int = 32
    position: str = "last_template"
    openers: tuple[str, ...] = DEFAULT_OPENERS
    tau: float = DEFAULT_TAU
    seed: int = 0


def default_settings() -> AnalysisSettings:
    """Settings with the product's reply length and seed."""
    return AnalysisSettings(reply_tokens=product_settings().reply_tokens, seed=product_settings().seed)


def analyze(
    lens: Lens,
    prompts: pd.DataFrame,
    fit: pd.DataFrame,
    workspace: Workspace,
    settings: AnalysisSettings | None = None,
    progress: Progress | None = None,
    *,
    title: str = "",
    complete: bool = True,
) -> Analysis:
    """Find where prompts fall on a model's safety decision boundary.

    Args:
        lens: The model.
        prompts: The prompts asked about.
        fit: The prompt set the axes are fitted on (train), chosen on (validation); may be the same.
        workspace: Where everything is kept; what is there already is not computed again.
        settings: See :class:`AnalysisSettings`.
        progress: Told after each stored batch; may raise Stopped.
        title: Name of the run for people.
        complete: Also generate the replies of the fit set's train split and fit the behaviour axis.

    Raises:
        AnalysisError: The prompts do not allow it; one sentence says why.
    """
    settings = settings or default_settings()
    progress = progress or Silent()
    if prompts.empty:
        raise AnalysisError("There are no prompts to analyse; add some, or use the bundled set.")
    table = _joined(prompts, fit)
    findings.require_classes(table)
    known = _is_complete(workspace, _run_id(lens, table, settings))
    clock = Clock()
    openers = score_openers(lens, settings.openers)
    with clock.stage("activations"):
        read_activations(lens, texts(table), workspace, openers, progress)
    with clock.stage("replies"):
        # The layer is chosen on harmful and borderline prompts: replies to harmless validation prompts can wait.
        choosing = table["fit"] & (table["split"] == "validation") & (table["intent"] != "harmless")
        first = table[table["given"] & (table["split"] == "test") | choosing]
        read_replies(lens, texts(first), workspace, settings.reply_tokens, progress)
        read_replies(lens, texts(table[table["given"]]) if complete else {}, workspace, settings.reply_tokens, progress)
    with clock.stage("axes"):
        found = _find(lens, table, workspace, settings, openers, title or lens.name)
    found.summary["seconds"] = clock.seconds
    found.summary["complete"] = False
    if not known:  # an early run never stands in place of a complete one
        save_analysis(found, _record(lens, settings))
    return complete_run(lens, found, workspace, progress, settings) if complete or known else found


def complete_run(
    lens: Lens,
    analysis: Analysis,
    workspace: Workspace,
    progress: Progress | None = None,
    settings: AnalysisSettings | None = None,
) -> Analysis:
    """Add the replies that :func:`analyze` left out, and the behaviour axis fitted on them."""
    settings = settings or settings_of(analysis)
    clock = Clock(dict(analysis.summary["seconds"]))
    with clock.stage("replies"):
        read_replies(lens, texts(analysis.prompts), workspace, settings.reply_tokens, progress)
    with clock.stage("axes"):
        openers = score_openers(lens, settings.openers)
        table = analysis.prompts
        found = _find(lens, table, workspace, settings, openers, analysis.title, with_behaviour_axis=True)
    found.summary["seconds"] = clock.seconds
    found.summary["complete"] = True
    return save_analysis(found, _record(lens, settings))


def settings_of(analysis: Analysis) -> AnalysisSettings:
    """The settings a run was made with."""
    saved = dict(analysis.summary["settings"])
    return AnalysisSettings(**{**saved, "openers": tuple(saved["openers"])})


def place_prompts(
    lens: Lens, analysis: Analysis, prompts: Sequence[str], workspace: Workspace
) -> tuple[pd.DataFrame, np.ndarray, dict[str, Any]]:
    """Where new prompts fall: a table (id, prompt, margin, refusal_score), margins [m, L], activations by position.

    Raises:
        AnalysisError: The model is not the run's.
    """
    if lens.key != analysis.key:
        raise AnalysisError(f"This run was made with another model or template than {lens.name}; load that one.")
    table = make_prompt_set([{"prompt": p} for p in prompts])
    openers = score_openers(lens, settings_of(analysis).openers)
    capture = lens.capture(table["prompt"].tolist(), with_logits=True)
    del workspace  # typed prompts are read anew: a fraction of a second
    assert capture.logits is not None
    z = margins_of(capture.activations[analysis.position].float(), analysis.directions[analysis.axis])
    placed = table[["id", "prompt"]].assign(
        margin=z[:, analysis.layer], refusal_score=refusal_score(capture.logits, openers).numpy()
    )
    return placed, z, {p: a.float() for p, a in capture.activations.items()}


def _joined(prompts: pd.DataFrame, fit: pd.DataFrame) -> pd.DataFrame:
    """Both sets in one table; a prompt in both keeps the fit set's split, so that nothing fitted on is reported."""
    fit_split = dict(zip(fit["id"], fit["split"], strict=True))
    given = prompts.assign(given=True, fit=prompts["id"].isin(fit_split))
    given["split"] = [fit_split.get(i, "test") for i in given["id"]]
    rest = fit[~fit["id"].isin(set(prompts["id"]))]
    return pd.concat([given, rest.assign(given=False, fit=True)], ignore_index=True)


def _find(
    lens: Lens,
    table: pd.DataFrame,
    workspace: Workspace,
    settings: AnalysisSettings,
    openers: Sequence[int],
    title: str,
    *,
    with_behaviour_axis: bool = False,
) -> Analysis:
    """Everything that is computed from what was read."""
    notes: list[str] = []
    table = _with_behaviour(lens, table, workspace, settings, openers)
    ids = table["id"].tolist()
    acts = stored(workspace, lens.key, ids, settings.position)
    train = (table["fit"] & (table["split"] == "train")).to_numpy()

    def fitted(axis: str, rows: np.ndarray, high: np.ndarray) -> tuple[Direction, ...]:
        labels = high[rows]
        return tuple(fit_axis(acts[rows], labels, axis=axis, position=settings.position))

    intent = table["intent"].to_numpy()
    rows = train & np.isin(intent, ["harmful", "harmless"])
    directions = {"intent": fitted("intent", rows, intent == "harmful")}
    if with_behaviour_axis:
        behaviour = table["behaviour"].to_numpy()
        rows = train & np.isin(behaviour, findings.JUDGED)
        if min((behaviour[rows] == "refused").sum(), (behaviour[rows] == "complied").sum()) >= 2:
            directions["behaviour"] = fitted("behaviour", rows, behaviour == "refused")
        else:
            notes.append("No behaviour axis: the model refused, or answered, next to everything in the train split.")
    all_margins = {axis: margins_of(acts, d) for axis, d in directions.items()}
    axes = {}
    for axis, z in all_margins.items():
        axis_notes: list[str] = notes if axis == "intent" else []
        choice = findings.choose(table, z, axis_notes)
        value, tested, which = findings.test_auc(table, z[:, choice.layer], settings.seed)
        axes[axis] = {
            "axis": axis,
            "layer": choice.layer,
            "position": settings.position,
            "method": "difference in means",
            "reason": choice.reason,
            "auc_validation": _number(choice.auc_by_layer[choice.layer]),
            "auc_by_layer": [_number(v) for v in choice.auc_by_layer],
            "auc_test": value and value.value,
            "auc_low": value and value.low,
            "auc_high": value and value.high,
            "n_refused": int((table.loc[tested, "behaviour"] == "refused").sum()),
            "n_complied": int((table.loc[tested, "behaviour"] == "complied").sum()),
            "tested_on": f"held-out prompts, intents: {which}",
        }
    chosen: dict[str, Any] = dict(axes["intent"])
    layer = chosen["layer"]
    here = acts[:, layer]
    _, tested, _ = findings.test_auc(table, all_margins["intent"][:, layer], settings.seed, draws=1)
    if chosen["auc_test"] is not None:
        chosen |= findings.controls(table, tested, here, settings.seed)
        chosen["auc_refusal_score"] = findings.score_auc(table, tested)
    else:
        notes.append("The held-out prompts show one behaviour only, so there is no AUC of refused against complied.")
    rows = train & np.isin(intent, ["harmful", "harmless"])
    chosen["split_half_cosine"] = split_half_cosine(
        here[rows & (intent == "harmful")], here[rows & (intent == "harmless")], settings.seed
    )
    direction = directions["intent"][layer]
    norm = findings.residual_norm(here)
    chosen |= {"gap": direction.gap, "residual_norm": norm, "gap_share": direction.gap / norm}
    table["margin"] = all_margins["intent"][:, layer].astype(float)
    table["overrefusal"] = (table["behaviour"] == "refused") & table["intent"].isin(BENIGN)
    held = table[findings.held_out(table)]
    inside = held[(held["margin"].abs() <= settings.tau) & held["intent"].isin(BENIGN)]
    given = table[table["given"]]
    run_id = _run_id(lens, table, settings)
    summary: dict[str, Any] = {
        "run_id": run_id,
        "title": title,
        "model": {
            "name": lens.name,
            "fingerprint": lens.fingerprint,
            "template_hash": lens.template_hash,
            "key": lens.key,
            "dtype": str(lens.dtype).removeprefix("torch."),
            "n_layers": lens.n_layers,
            "d_model": lens.d_model,
        },
        "settings": {**asdict(settings), "openers": list(settings.openers)},
        "data_hash": {"given": data_hash(given), "fit": data_hash(table[table["fit"]])},
        "counts": findings.counts(given),
        "evaluated_on": "held-out prompts (split test)",
        "behaviour": findings.behaviour_rates(held),
        "behaviour_all": findings.behaviour_rates(given),
        "direction": chosen,
        "axes": axes,
        "band": {
            "tau": settings.tau,
            "n": len(inside),
            "overrefusals": int(inside["overrefusal"].sum()),
            "benign": int(held["intent"].isin(BENIGN).sum()),
            "all_overrefusals": int(held["overrefusal"].sum()),
        },
        "notes": notes,
        "reading": "Margin and band are this project's reading of RASS (arXiv 2505.18325).",
    }
    folder = workspace.run_dir(run_id)
    return Analysis(run_id, folder, summary, table, directions, all_margins, workspace)


def _with_behaviour(
    lens: Lens, table: pd.DataFrame, workspace: Workspace, settings: AnalysisSettings, openers: Sequence[int]
) -> pd.DataFrame:
    judge = PhraseJudge()
    ids = table["id"].tolist()
    replies = workspace.database.get_replies(reply_key(lens.key, settings.reply_tokens), ids)
    scores = workspace.database.get_scores(score_key(lens.key, openers), ids)
    rows = []
    for prompt_id in ids:
        reply = replies.get(prompt_id)
        verdict = judge.judge(reply.text, finished=reply.finished) if reply else None
        rows.append(
            {
                "behaviour": verdict.behaviour if verdict else "",
                "judge_reason": verdict.reason if verdict else "",
                "reply": reply.text if reply else "",
                "finished": bool(reply and reply.finished),
                "refusal_score": scores.get(prompt_id, float("nan")),
            }
        )
    extra = pd.DataFrame(rows, index=table.index)
    return pd.concat([table.drop(columns=[c for c in extra if c in table]), extra], axis=1)


def _is_complete(workspace: Workspace, run_id: str) -> bool:
    """Whether there is a run of this id with all its replies."""
    return any(one.run_id == run_id and one.summary.get("complete") for one in workspace.database.list_runs())


def _run_id(lens: Lens, table: pd.DataFrame, settings: AnalysisSettings) -> str:
    what = {
        "model": lens.key,
        "given": sorted(table.loc[table["given"], "id"] + table.loc[table["given"], "intent"]),
        "fit": data_hash(table[table["fit"]]),
        "settings": asdict(settings),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _record(lens: Lens, settings: AnalysisSettings) -> dict[str, Any]:
    spec = getattr(lens, "spec", None)
    named = {
        "model": lens.name,
        "adapter": adapter_name(spec) if spec else "",
        "template": spec.template if spec else "auto",
    }
    return {**named, **asdict(settings), "positions": list(POSITIONS)}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


__all__ = ["AnalysisSettings", "analyze", "complete_run", "place_prompts", "replace", "settings_of"]
