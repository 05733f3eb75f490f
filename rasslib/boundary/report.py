"""The boundary report: axes, predictor, calibration, causal choice, claims and controls of one run.

Fitted on the train split of the fit set, chosen on its validation split, reported on given prompts that are in neither.
The definitions of margin, band and claims are **this project's reading of RASS** (arXiv 2505.18325); where each number
comes from is said in the module that computes it:

==============  =======================================================================================
axes            :mod:`rasslib.boundary.axes`, :mod:`rasslib.boundary.axis_table`
predictor       :mod:`rasslib.boundary.predictor`
calibration     :mod:`rasslib.boundary.calibration`
claims, curves  :mod:`rasslib.boundary.claims`, :mod:`rasslib.boundary.refusal_curve`
controls        :mod:`rasslib.boundary.lexical_controls`, :mod:`rasslib.boundary.statistics`
causal          :mod:`rasslib.boundary.causal`
==============  =======================================================================================
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from rasslib.boundary import findings
from rasslib.boundary.axes import FittedAxis, fit_all
from rasslib.boundary.axis_table import AxisFinding, axis_table, cosine_matrix, tolerant_margins
from rasslib.boundary.calibration import Calibration, boundary_offsets, brier, calibrate, calibration_error, reliability
from rasslib.boundary.causal import CausalSettings, try_directions
from rasslib.boundary.choice import eligible_layers
from rasslib.boundary.claims import orthogonal_probe, plain, weigh_claims
from rasslib.boundary.directions import CLASSES
from rasslib.boundary.lexical_controls import lexical_controls
from rasslib.boundary.methods import METHODS
from rasslib.boundary.predicting_texts import save_predictor
from rasslib.boundary.predictor import Features, Predictor, fit_predictor, make_features, report_predictor
from rasslib.boundary.reading import read_activations, score_openers, stored, texts
from rasslib.boundary.refusal_curve import refusal_curves
from rasslib.boundary.report_reading import JsonStore, own_openers, read_opener_likelihoods, sampled_refusals
from rasslib.boundary.run import Analysis
from rasslib.boundary.statistics import Interval, permuted_label_auc, random_direction_auc, split_half_cosine
from rasslib.boundary.storage import save_directions
from rasslib.errors import AnalysisError
from rasslib.models.lens import POSITIONS, Lens
from rasslib.progress import Progress, Silent
from rasslib.workspace.files import atomic_json, read_json

REPORT = "report.json"


@dataclass(frozen=True)
class ReportSettings:
    """How much a report measures.

    Attributes:
        methods: Ways of fitting a direction.
        positions: Read positions; ``all`` adds every template token after the instruction.
        lam: λ of the false-refusal axis.
        behaviour_filter: Leave train prompts whose behaviour contradicts their label out of the intent axis.
        causal: Whether directions are tried out on the model.
        causal_settings: Thresholds and amounts of that.
        sampled: Replies per prompt near the boundary at temperature 1; 0 for none.
        sampled_prompts: At most so many of these prompts.
        draws: Resamples of intervals.
        seed: Seed of everything that is drawn.
    """

    methods: tuple[str, ...] = METHODS
    positions: tuple[str, ...] = POSITIONS
    lam: float = 1.0
    behaviour_filter: bool = False
    causal: bool = True
    causal_settings: CausalSettings = field(default_factory=CausalSettings)
    sampled: int = 0
    sampled_prompts: int = 40
    draws: int = 2000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class _Rows:
    """Masks [n] of the run's table; behaviours are known in all but ``held``."""

    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    detection: NDArray[np.bool_]
    detection_name: str
    refused: NDArray[np.bool_]

    @classmethod
    def of(cls, table: pd.DataFrame) -> _Rows:
        judged = findings.judged(table)
        fit = table["fit"] & judged
        held = findings.held_out(table)
        detection, name = findings.detection_rows(table, held)
        return cls(
            (fit & (table["split"] == "train")).to_numpy(copy=True),
            (fit & (table["split"] == "validation")).to_numpy(copy=True),
            (held & judged).to_numpy(copy=True),
            detection.to_numpy(copy=True),
            name,
            (table["behaviour"] == "refused").to_numpy(copy=True),
        )


def make_report(
    lens: Lens, run: Analysis, settings: ReportSettings | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Measure everything the report holds and keep it with the run (``report.json`` and the fitted directions).

    Args:
        lens: The run's model.
        run: A finished run, complete with the replies of the train split.
        settings: See :class:`ReportSettings`.
        progress: Told of every stage; may raise Stopped. What the model computed is in the workspace then.

    Returns:
        Plain JSON values.

    Raises:
        AnalysisError: The model is not the run's, or the run lacks replies of the train split.
    """
    settings, progress = settings or ReportSettings(), progress or Silent()
    if lens.key != run.key:
        raise AnalysisError(f"This run was made with another model or template than {lens.name}; load that one.")
    if not run.summary.get("complete"):
        raise AnalysisError("This run has no replies of the train split yet; let its analysis finish first.")
    started, table = time.monotonic(), run.prompts.reset_index(drop=True)
    rows, notes = _Rows.of(table), list(run.summary["notes"])
    acts = _read(lens, run, table, settings, progress)
    fitted = fit_all(
        acts,
        table,
        methods=settings.methods,
        lam=settings.lam,
        behaviour_filter=settings.behaviour_filter,
        train=(table["fit"] & (table["split"] == "train")).to_numpy(copy=True),
        validation=(table["fit"] & (table["split"] == "validation")).to_numpy(copy=True),
        progress=progress,
    )
    axes = axis_table(
        fitted,
        acts,
        table,
        validation=(table["fit"] & (table["split"] == "validation")).to_numpy(copy=True),
        test=findings.held_out(table).to_numpy(copy=True),
        draws=settings.draws,
        seed=settings.seed,
    )
    _save_fitted(run, fitted, axes)
    z = run.margins[:, run.layer].astype(np.float64)
    calibration = calibrate(z[rows.validation], rows.refused[rows.validation])
    predictor_axes = {
        (axis.axis, axis.position): axis.directions
        for axis in fitted
        if axis.available and axis.method == "mean" and axis.axis in ("intent", "behaviour")
    }
    openers = own_openers(table)
    margins = {key: tolerant_margins(acts[key[1]], directions) for key, directions in predictor_axes.items()}
    features = _features(lens, run, table, margins, openers, progress)
    predictor, predicted = _predict(features, table, rows, settings, notes)
    lengths = [max(1, len(lens.encode(prompt))) for prompt in table["prompt"]]
    report: dict[str, Any] = {
        "run_id": run.run_id,
        "title": run.title,
        "model": run.summary["model"],
        "counts": run.summary["counts"],
        "behaviour": run.summary["behaviour"],
        "evaluated_on": run.summary["evaluated_on"],
        "settings": {**asdict(settings), "tau": calibration.tau},
        "axes": [row.as_dict() for row in axes],
        "cosines": _cosines(fitted, run.position, run.layer),
        "predictor": predicted,
        "calibration": _calibrated(calibration, z, table, rows, settings),
        **_claims(run, table, z, calibration, rows, acts[run.position][:, run.layer], lengths, settings),
        "causal": _causal(lens, run, table, acts, settings, progress) if settings.causal else None,
        "sampled": _sampled(lens, run, table, z, calibration, predictor, features, settings, progress),
        "notes": list(dict.fromkeys(notes)),
        "reading": "Margin, band, calibration and claims are this project's reading of RASS (arXiv 2505.18325).",
    }
    report["seconds"] = round(time.monotonic() - started, 1)
    report = plain(report)
    if predictor is not None:
        save_predictor(run, predictor, openers, predictor_axes)
    atomic_json(run.folder / REPORT, report)
    return report


def saved_report(run: Analysis) -> dict[str, Any] | None:
    """The report kept with a run; None if there is none.

    Raises:
        WorkspaceError: It is there and cannot be read.
    """
    path = run.folder / REPORT
    return dict(read_json(path)) if path.is_file() else None


def _read(
    lens: Lens, run: Analysis, table: pd.DataFrame, settings: ReportSettings, progress: Progress
) -> dict[str, torch.Tensor]:
    """Activations [n, L, d] by read position; those not read before are read now."""
    positions = tuple(lens.positions) if "all" in settings.positions else settings.positions
    openers = score_openers(lens, run.summary["settings"]["openers"])
    read_activations(lens, texts(table), run.workspace, openers, progress, positions=positions)
    return {p: stored(run.workspace, lens.key, table["id"].tolist(), p) for p in positions}


def _save_fitted(run: Analysis, fitted: list[FittedAxis], axes: list[AxisFinding]) -> None:
    """Every fitted direction at its best layer, with its figures, as safetensors and JSON beside the run."""
    model = run.summary["model"]
    for axis, found in zip(fitted, axes, strict=True):
        if not axis.available or found.layer is None:
            continue
        meta = {
            "fingerprint": model["fingerprint"],
            "model": model["name"],
            "template_hash": model["template_hash"],
            "data_hash": run.summary["data_hash"]["fit"],
            "metrics": {k: v for k, v in found.as_dict().items() if k != "auc_by_layer"},
        }
        folder = run.folder / "axes" / f"{axis.axis}-{axis.method}-{axis.position}"
        save_directions(folder, [axis.directions[found.layer]], plain(meta))


def _features(
    lens: Lens,
    run: Analysis,
    table: pd.DataFrame,
    margins: dict[tuple[str, str], NDArray[np.float64]],
    openers: Sequence[str],
    progress: Progress,
) -> Features:
    """What one forward pass tells: margins on both mean axes, the refusal score, likelihoods of refusal openers."""
    likelihood, lengths = read_opener_likelihoods(lens, texts(table), openers, run.workspace, progress)
    return make_features(
        margins,
        layers=eligible_layers(run.n_layers),
        refusal_score=table["refusal_score"].to_numpy(dtype=np.float64),
        opener_log_likelihood=likelihood,
        opener_lengths=lengths,
        openers=openers,
    )


def _predict(
    features: Features, table: pd.DataFrame, rows: _Rows, settings: ReportSettings, notes: list[str]
) -> tuple[Predictor | None, dict[str, Any]]:
    """Fit the one-pass predictor and report it on the same prompts as the axes, and on all held-out ones."""
    try:
        predictor = fit_predictor(features, rows.refused, rows.train, rows.validation, settings.seed)
    except AnalysisError as error:
        return None, {"auc": None, "low": None, "high": None, "brier": None, "ece": None, "note": str(error)}
    found: dict[str, Any] = {"reason": predictor.reason, "notes": predictor.notes, "tested_on": rows.detection_name}
    intent = table["intent"].to_numpy(copy=True)
    for name, test in (("", rows.detection), ("all_intents", rows.test)):
        try:
            got = report_predictor(
                predictor, features, rows.refused, test, strata=intent, draws=settings.draws
            ).as_dict()
            got["reliability"] = [
                asdict(b) for b in reliability(predictor.probability(features)[test], rows.refused[test])
            ]
        except AnalysisError as error:
            notes.append(f"The predictor could not be tested on held-out prompts. {error}")
            got = {"auc": None, "low": None, "high": None, "brier": None, "ece": None, "note": str(error)}
        found |= {name: got} if name else got
    return predictor, found


def _calibrated(
    calibration: Calibration, z: NDArray[np.float64], table: pd.DataFrame, rows: _Rows, settings: ReportSettings
) -> dict[str, Any]:
    """The margin's calibration, and how well it holds on test prompts."""
    found: dict[str, Any] = asdict(calibration)
    intent = table["intent"].to_numpy(copy=True)
    if calibration.usable and rows.test.any():
        p, y = calibration.probability(z[rows.test]), rows.refused[rows.test]
        arguments: dict[str, Any] = {"strata": intent[rows.test], "draws": settings.draws, "seed": settings.seed}
        found["brier"] = _interval(brier(p, y, **arguments))
        found["ece"] = _interval(calibration_error(p, y, **arguments))
        found["reliability"] = [asdict(b) for b in reliability(p, y)]
        found["n_test"] = int(rows.test.sum())
    offsets = boundary_offsets(z[rows.test], rows.refused[rows.test], intent[rows.test])
    return {**found, "offsets_on_test": {name: asdict(c) for name, c in offsets.items()}}


def _claims(
    run: Analysis,
    table: pd.DataFrame,
    z: NDArray[np.float64],
    calibration: Calibration,
    rows: _Rows,
    here: torch.Tensor,
    lengths: list[int],
    settings: ReportSettings,
) -> dict[str, Any]:
    """Claims C0 to C2, curves and controls, on held-out prompts."""
    z_cal = calibration.z_cal(z) if calibration.usable else z
    intent, behaviour = table["intent"].to_numpy(), table["behaviour"].to_numpy(copy=True)
    test = findings.held_out(table).to_numpy(copy=True)
    train = (table["fit"] & (table["split"] == "train")).to_numpy(copy=True)
    fit_rows = train & np.isin(intent, ("harmful", "harmless"))
    harmful = intent == "harmful"
    random = permuted = None
    if rows.refused[rows.detection].any() and not rows.refused[rows.detection].all():
        arguments = (here[rows.detection], rows.refused[rows.detection], here[fit_rows], harmful[fit_rows])
        random = random_direction_auc(*arguments, seed=settings.seed)
        permuted = permuted_label_auc(*arguments, seed=settings.seed)
    weighed = weigh_claims(
        z_cal[test],
        intent[test],
        behaviour[test],
        calibration.tau,
        random,
        seed=settings.seed,
        scores={
            "refusal score": table["refusal_score"].to_numpy(dtype=np.float64)[test],
            "probe beside the axis": orthogonal_probe(here[train], harmful[train], here[test], run.direction.unit),
        },
        c0_rows=rows.detection[test],
        draws=settings.draws,
        ids=table.loc[test, "id"].tolist(),
    ).as_dict()
    return {
        "tau": calibration.tau,
        "claims": weighed.pop("claims"),
        "band": weighed,
        "curves": {name: c.as_dict() for name, c in refusal_curves(z_cal[test], intent[test], behaviour[test]).items()},
        "controls": {
            "random_directions": _interval(random),
            "permuted_labels": _interval(permuted),
            "split_half_cosine": run.summary["direction"]["split_half_cosine"],
            "lexical": lexical_controls(
                table["prompt"].tolist(),
                intent,
                behaviour,
                z_cal,
                train,
                test,
                calibration.tau,
                random,
                lengths=lengths,
                c0_rows=rows.detection,
                seed=settings.seed,
                draws=settings.draws,
            ).as_dict(),
        },
    }


def _causal(
    lens: Lens,
    run: Analysis,
    table: pd.DataFrame,
    acts: dict[str, torch.Tensor],
    settings: ReportSettings,
    progress: Progress,
) -> dict[str, Any]:
    """Which layer's intent direction really controls refusal, tried out on validation prompts."""
    validation = table["fit"] & (table["split"] == "validation")
    by_intent = {i: table.loc[validation & (table["intent"] == i), "prompt"].tolist() for i in ("harmful", "harmless")}
    train = (table["fit"] & (table["split"] == "train")).to_numpy(copy=True)
    intent = table["intent"].to_numpy(copy=True)
    layers = list(eligible_layers(run.n_layers))
    directions = [run.directions["intent"][layer] for layer in layers]
    here = acts[run.position]
    stable = [
        split_half_cosine(here[train & (intent == "harmful"), i], here[train & (intent == "harmless"), i])
        for i in layers
    ]
    try:
        choice = try_directions(
            lens,
            directions,
            by_intent["harmful"],
            by_intent["harmless"],
            score_openers(lens, run.summary["settings"]["openers"]),
            settings.causal_settings,
            split_half=stable,
            cache=JsonStore(run.folder / "causal.json"),
            progress=progress,
        )
    except AnalysisError as error:
        return {"chosen": None, "reason": str(error), "candidates": []}
    found = choice.as_dict()
    found["agrees_with_detection"] = None if found["layer"] is None else found["layer"] == run.layer
    found["detection_layer"] = run.layer
    return found


def _sampled(
    lens: Lens,
    run: Analysis,
    table: pd.DataFrame,
    z: NDArray[np.float64],
    calibration: Calibration,
    predictor: Predictor | None,
    features: Features,
    settings: ReportSettings,
    progress: Progress,
) -> list[dict[str, Any]] | None:
    """Sampled refusal rates of the held-out prompts nearest the boundary, beside what was predicted."""
    if not settings.sampled:
        return None
    held = findings.held_out(table).to_numpy(copy=True)
    z_cal = calibration.z_cal(z) if calibration.usable else z
    near = np.flatnonzero(held)[np.argsort(np.abs(z_cal[held]), kind="stable")][: settings.sampled_prompts]
    chosen = table.iloc[near]
    tokens = int(run.summary["settings"]["reply_tokens"])
    counted = sampled_refusals(lens, texts(chosen), settings.sampled, tokens, run.workspace, progress)
    p = predictor.probability(features)[near] if predictor else np.full(len(near), np.nan)
    return [
        {
            "id": row["id"],
            "prompt": row["prompt"],
            "margin": float(z_cal[number]),
            "predicted": float(p[place]),
            "refused": counted[row["id"]][0],
            "judged": counted[row["id"]][1],
        }
        for place, (number, row) in enumerate(zip(near.tolist(), chosen.to_dict("records"), strict=True))
    ]


def _cosines(fitted: list[FittedAxis], position: str, layer: int) -> dict[str, Any]:
    """Cosines between the axes at one layer, and of the intent axis between layers."""
    here = [axis for axis in fitted if axis.available and axis.position == position]
    by_layer = next((axis for axis in here if axis.axis == "intent" and axis.method == "mean"), None)
    return {
        "layer": layer,
        "position": position,
        "names": [f"{axis.axis}, {axis.method}" for axis in here],
        "between_axes": cosine_matrix([axis.directions[layer] for axis in here]),
        "between_layers": cosine_matrix(by_layer.directions) if by_layer else None,
        "classes": {name: list(pair) for name, pair in CLASSES.items()},
    }


def _interval(value: Interval | None) -> dict[str, Any] | None:
    return None if value is None else {"value": value.value, "low": value.low, "high": value.high}
