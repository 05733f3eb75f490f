"""Findings in plain words, with their n and interval; used by the command and the pages alike."""

from __future__ import annotations

from typing import Any

_KINDS = {
    "harmful": "harmful prompts",
    "borderline": "borderline prompts (safe, but they look harmful)",
    "harmless": "harmless prompts",
    "unlabelled": "prompts without a label",
}


def rate_in_words(rate: dict[str, Any]) -> str:
    """``40 of 84 (48 %, 95 % interval 37–58 %)``."""
    if not rate["n"]:
        return "none of them could be judged"
    text = f"{rate['refused']} of {rate['n']} ({rate['rate']:.0%}, 95 % interval {rate['low']:.0%}–{rate['high']:.0%})"
    return text + (f", {rate['invalid']} invalid left out" if rate.get("invalid") else "")


def rates_in_words(summary: dict[str, Any]) -> list[str]:
    """A sentence on each kind of prompt: how much of it was refused."""
    name, rates = summary["model"]["name"], summary["behaviour"]
    return [
        f"{name} refused {rate_in_words(rates[intent])} of the held-out {words}."
        for intent, words in _KINDS.items()
        if intent in rates
    ]


def boundary_in_words(summary: dict[str, Any]) -> list[str]:
    """Sentences on the axis, the band, and what could not be done."""
    lines = []
    d = summary["direction"]
    where = f"layer {d['layer']} of {summary['model']['n_layers']}"
    if d["auc_test"] is not None:
        lines.append(
            f"The {d['axis']} axis at {where} tells refused from complied prompts with an AUC of {d['auc_test']:.3f} "
            f"(95 % interval {d['auc_low']:.3f}–{d['auc_high']:.3f}; {d['n_refused']} refused, {d['n_complied']} "
            f"complied, held out). Random directions: {d['auc_random']['value']:.2f} "
            f"({d['auc_random']['low']:.2f}–{d['auc_random']['high']:.2f})."
        )
    else:
        lines.append(f"The {d['axis']} axis was read at {where}.")
    band = summary["band"]
    if band["benign"]:
        lines.append(
            f"{band['n']} of {band['benign']} held-out benign prompts lie in the band (margin ±{band['tau']:g}); "
            f"{band['overrefusals']} of the {band['all_overrefusals']} overrefusals are among them."
        )
    return [*lines, *summary["notes"]]
