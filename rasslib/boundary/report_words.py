"""The boundary report in plain words, with n and interval; used by the command, the page and the file alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = {"mean": "difference in means", "whitened": "whitened difference", "logistic": "logistic"}
POSITION_NAMES = {"last_template": "last template token", "last_instruction": "last instruction token"}


def report_in_words(report: Mapping[str, Any]) -> list[str]:
    """Sentences for people, the most important first."""
    return [
        predictor_in_words(report["predictor"]),
        best_axis_in_words(report["axes"]),
        calibration_in_words(report["calibration"]),
        *[f"{c['id']}, {c['verdict']}: {c['question']} {c['why']}" for c in report["claims"]],
        *controls_in_words(report["controls"]),
        *([str(report["causal"]["reason"])] if report["causal"] else []),
        *report["notes"],
        report["reading"],
    ]


def predictor_in_words(found: Mapping[str, Any]) -> str:
    """How well refusal is foretold from one forward pass."""
    if found.get("auc") is None:
        return f"No one-pass refusal predictor: {found.get('note', 'there is nothing to test it on.')}"
    single = found["best_single_auc"]
    return (
        f"The one-pass predictor tells refused from complied prompts with AUC {found['auc']:.3f} "
        f"(95 % {found['low']:.3f}–{found['high']:.3f}; {found['n_refused']} refused, {found['n_complied']} complied, "
        f"held out, {found['tested_on']} intents), Brier score {found['brier']:.3f}, calibration error "
        f"{found['ece']:.3f}. The best single feature, “{found['best_single']}”, has {single['value']:.3f} "
        f"({single['low']:.3f}–{single['high']:.3f}). {found['reason']}"
    )


def best_axis_in_words(axes: list[Mapping[str, Any]]) -> str:
    """The axis that validation prefers, with its test figure."""
    usable = [a for a in axes if a["auc_validation"] is not None]
    if not usable:
        return "No axis could be chosen on validation: there are not enough refused and complied prompts."
    best = max(usable, key=lambda a: a["auc_validation"])
    name = (
        f"{best['axis']} axis ({NAMES.get(best['method'], best['method'])}, "
        f"{POSITION_NAMES.get(best['position'], best['position'])}, layer {best['layer']})"
    )
    if best["auc_test"] is None:
        return f"Best on validation is the {name}; the held-out prompts show one behaviour only."
    return (
        f"Of {len(usable)} axes the {name} is best on validation (AUC {best['auc_validation']:.3f}); on held-out "
        f"prompts it has AUC {best['auc_test']:.3f} (95 % {best['low']:.3f}–{best['high']:.3f}; "
        f"{best['n_refused']} refused, {best['n_complied']} complied)."
    )


def calibration_in_words(found: Mapping[str, Any]) -> str:
    """Where refusal is a coin toss, and how far the probabilities hold."""
    if not found["usable"] or "brier" not in found:
        return str(found["finding"])
    return (
        f"{found['finding']} On {found['n_test']} held-out prompts: Brier score {found['brier']['value']:.3f} "
        f"(95 % {found['brier']['low']:.3f}–{found['brier']['high']:.3f}), expected calibration error "
        f"{found['ece']['value']:.3f}. The band is ±{found['tau']:.2f}."
    )


def controls_in_words(found: Mapping[str, Any]) -> list[str]:
    """What random directions, length and words reach."""
    lines = []
    for key, name in (("random_directions", "Random directions"), ("permuted_labels", "Directions of permuted labels")):
        if found[key]:
            value = found[key]
            lines.append(f"{name} reach AUC {value['value']:.2f} (95 % {value['low']:.2f}–{value['high']:.2f}).")
    return [*lines, *[c["finding"] for c in found["lexical"]["controls"]]]
