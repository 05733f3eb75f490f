"""Findings of a run: fit on train, choose on validation, report on test."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from rasslib.boundary.choice import LayerChoice, choose_layer, eligible_layers
from rasslib.boundary.statistics import Interval, auc, bootstrap_auc, permuted_label_auc, random_direction_auc
from rasslib.errors import AnalysisError
from rasslib.refusal import by_group

JUDGED = ("refused", "complied")


def judged(prompts: pd.DataFrame) -> pd.Series:
    """Rows whose reply was judged refused or complied (not invalid, not missing)."""
    return prompts["behaviour"].isin(JUDGED)


def detection_rows(prompts: pd.DataFrame, rows: pd.Series) -> tuple[pd.Series, str]:
    """Rows for the AUC of refused against complied, and which they are.

    Borderline and harmful prompts: plain harmless ones are separated trivially and would flatter the figure. Where
    these alone hold one behaviour only, all judged rows.
    """
    all_judged = rows & judged(prompts)
    hard = all_judged & prompts["intent"].isin(["harmful", "borderline"])
    if prompts.loc[hard, "behaviour"].nunique() == 2:
        return hard, "borderline and harmful"
    return all_judged, "all"


def choose(prompts: pd.DataFrame, margins: NDArray[np.float32], notes: list[str]) -> LayerChoice:
    """The layer, chosen on the fit set's validation split by refused-versus-complied AUC.

    Where the model shows one behaviour only, harmful against borderline prompts takes its place, and a note says so.
    """
    validation = prompts["fit"] & (prompts["split"] == "validation")
    rows, _ = detection_rows(prompts, validation)
    behaviours = prompts.loc[rows, "behaviour"]
    if behaviours.nunique() == 2:
        return choose_layer(margins[rows.to_numpy()], (behaviours == "refused").to_numpy())
    only = behaviours.iloc[0] if len(behaviours) else "judged in no way"
    for other in ("borderline", "harmless"):
        pair = validation & prompts["intent"].isin(["harmful", other])
        if prompts.loc[pair, "intent"].nunique() == 2:
            notes.append(
                f"On validation all replies were {only}, so the layer was chosen by harmful against {other} prompts: "
                "it says where the model tells them apart, not where it refuses."
            )
            labels = (prompts.loc[pair, "intent"] == "harmful").to_numpy()
            choice = choose_layer(margins[pair.to_numpy()], labels)
            value = choice.auc_by_layer[choice.layer]
            reason = f"Layer {choice.layer} tells harmful from {other} prompts best on validation (AUC {value:.3f})."
            return LayerChoice(choice.layer, choice.auc_by_layer, choice.eligible, reason)
    eligible = eligible_layers(margins.shape[1])
    middle = eligible[len(eligible) // 2]
    notes.append(f"The validation split is too small to choose a layer; layer {middle} is the middle one.")
    return LayerChoice(middle, tuple([float("nan")] * margins.shape[1]), eligible, "middle of the eligible layers")


def test_auc(
    prompts: pd.DataFrame, scores: NDArray[np.float32], seed: int, draws: int = 2000
) -> tuple[Interval | None, pd.Series, str]:
    """AUC of refused against complied on held-out given prompts, with a bootstrap interval; None with one class."""
    rows, which = detection_rows(prompts, held_out(prompts))
    labels = (prompts.loc[rows, "behaviour"] == "refused").to_numpy()
    if labels.all() or not labels.any():
        return None, rows, which
    strata = prompts.loc[rows, "intent"].to_numpy()
    return bootstrap_auc(scores[rows.to_numpy()], labels, draws, seed, strata=strata), rows, which


def held_out(prompts: pd.DataFrame) -> pd.Series:
    """Given prompts that no axis was fitted or chosen on."""
    return prompts["given"] & (prompts["split"] == "test")


def controls(
    prompts: pd.DataFrame, rows: pd.Series, acts: torch.Tensor, seed: int
) -> dict[str, dict[str, float | int]]:
    """AUC of 200 random directions, isotropic and by permuted labels, oriented on train like the real axis.

    Args:
        prompts: The run's table.
        rows: Rows of the test AUC.
        acts: [n, d_model] of the chosen layer.
        seed: Seed of the draws.
    """
    train = prompts["fit"] & (prompts["split"] == "train") & prompts["intent"].isin(["harmful", "harmless"])
    labels = (prompts.loc[rows, "behaviour"] == "refused").to_numpy()
    arguments = (
        acts[torch.tensor(rows.to_numpy())],
        labels,
        acts[torch.tensor(train.to_numpy())],
        (prompts.loc[train, "intent"] == "harmful").to_numpy(),
    )
    found = {
        "auc_random": random_direction_auc(*arguments, seed=seed),
        "auc_permuted": permuted_label_auc(*arguments, seed=seed),
    }
    return {name: {"value": x.value, "low": x.low, "high": x.high} for name, x in found.items()}


def behaviour_rates(prompts: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Refusal rate by intent with a Wilson interval; invalid replies left out and counted."""
    done = prompts[prompts["behaviour"] != ""]
    return {intent: rate.as_dict() for intent, rate in by_group(done, "intent").items()}


def counts(prompts: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Number of prompts by intent and split."""
    table = prompts.groupby(["intent", "split"]).size().reset_index(name="n")
    found: dict[str, dict[str, int]] = {}
    for row in table.to_dict("records"):
        found.setdefault(str(row["intent"]), {})[str(row["split"])] = int(row["n"])
    return found


def score_auc(prompts: pd.DataFrame, rows: pd.Series) -> float | None:
    """AUC of the first-token refusal score on the same rows, for comparison."""
    labels = (prompts.loc[rows, "behaviour"] == "refused").to_numpy()
    if labels.all() or not labels.any():
        return None
    return auc(prompts.loc[rows, "refusal_score"].to_numpy(), labels)


def require_classes(prompts: pd.DataFrame) -> None:
    """Check that the intent axis can be fitted.

    Raises:
        AnalysisError: The train split of the fit set holds no harmful or no harmless prompts.
    """
    train = prompts[prompts["fit"] & (prompts["split"] == "train")]
    for intent in ("harmful", "harmless"):
        n = int((train["intent"] == intent).sum())
        if n < 2:
            raise AnalysisError(
                f"The intent axis needs harmful and harmless prompts to fit on, and the train split holds {n} {intent} "
                "one(s); fit on the bundled set instead, or label your prompts (intent column or intent map)."
            )


def residual_norm(acts: torch.Tensor) -> float:
    """Mean norm of the residual stream [n, d_model]."""
    return float(acts.double().norm(dim=-1).mean())
