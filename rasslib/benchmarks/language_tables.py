"""A study of languages as tables: rates, and both matrices, wide for people and long for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from rasslib.benchmarks.languages import FIT, name_of
from rasslib.benchmarks.shares import share
from rasslib.benchmarks.transfer import MEASURES

EFFECTS = {"bypass": "harmful prompts, axis ablated", "induce": "harmless prompts, axis added"}
"""What is done to the model with an axis; the columns of effects in a study are called so."""
BASES = {"bypass": "base_harmful", "induce": "base_harmless"}
"""Score without the axis, for each of them."""
MARK = "†"
"""Behind the name of a language in which the model cannot be judged."""
RANDOM = "random directions"


def marked_names(study: Mapping[str, Any]) -> dict[str, str]:
    """Name of every language, with :data:`MARK` where it cannot be judged."""
    return {
        one["language"]: str(one["name"]) if one["verdict"] == FIT else f"{one['name']} {MARK}"
        for one in study["languages"]
    }


def rates_table(study: Mapping[str, Any]) -> pd.DataFrame:
    """A row a language: verdict, refusal by intent, attack success, invalid replies, script and novelty of answers."""
    rows = []
    for one in study["languages"]:
        row = {"Language": one["name"], "Verdict": one["verdict"]}
        for intent, rate in one["rates"].items():
            row[f"Refused, {intent}"] = share(rate["refused"], rate["n"]).words
        if one["attack_success"] is not None:
            row["Attack success"] = share(one["attack_success"]["k"], one["attack_success"]["n"]).words
        row["Invalid replies"] = share(one["invalid"]["k"], one["invalid"]["n"]).words
        for name, title in (("own_script", "Answers in its script"), ("repeating", "Answers that say nothing new")):
            found = one.get(name)
            row[title] = share(found["k"], found["n"]).words if found else "too few"
        rows.append(row)
    return pd.DataFrame(rows)


def transfer_table(study: Mapping[str, Any], measure: str) -> pd.DataFrame:
    """AUC with its interval, axes down and prompts across; empty cells: too few prompts of a class."""
    return _wide(
        study,
        [
            (cell["source"], cell["target"], "" if cell["auc"] is None else _words(cell["auc"], "value", ".2f"))
            for cell in study["transfer"]["cells"][measure]
        ],
    )


def causal_table(study: Mapping[str, Any], effect: str) -> pd.DataFrame:
    """Change of the refusal score with its interval, axes down and prompts across; last the range of random ones."""
    cells, random = [], []
    for target in study["transfer"]["causal"]["targets"]:
        base = target[BASES[effect]]
        for cell in target["cells"]:
            found = change(cell["effect"], effect, base)
            cells.append((cell["source"], target["target"], "" if found is None else _words(found, "change", "+.1f")))
        if drawn := random_range(target, effect):
            random.append(("", target["target"], f"{drawn[0]:+.1f} to {drawn[1]:+.1f}"))
    return _wide(study, [*cells, *random])


def change(effect: Mapping[str, Any] | None, name: str, base: float) -> dict[str, Any] | None:
    """Change of the refusal score and its limits; None without an effect.

    Args:
        effect: Of one axis in one language.
        name: A key of :data:`EFFECTS`.
        base: Score without it.
    """
    if not effect or effect.get(name) is None:
        return None
    return {"change": effect[name] - base, "low": effect.get(f"{name}_low"), "high": effect.get(f"{name}_high")}


def random_range(target: Mapping[str, Any], effect: str) -> tuple[float, float] | None:
    """Lowest and highest change of the refusal score by random directions in one language; None without any."""
    controls = [target["control_bypass"]] if effect == "bypass" else [c["control_induce"] for c in target["cells"]]
    drawn, base = [one for one in controls if one], target[BASES[effect]]
    if not drawn:
        return None
    return min(one["low"] for one in drawn) - base, max(one["high"] for one in drawn) - base


def long_table(study: Mapping[str, Any]) -> pd.DataFrame:
    """Both matrices, a row a cell, with limits, n (of both classes, or of the prompts) and verdict."""
    verdicts = {one["language"]: one["verdict"] for one in study["languages"]}
    transfer, rows = study["transfer"], []
    for measure in MEASURES:
        for cell in transfer.get("cells", {}).get(measure, ()):
            auc = cell["auc"] or {}
            at = {"what": f"AUC, {MEASURES[measure]}", "axis": cell["source"] or RANDOM, "prompts": cell["target"]}
            numbers = {"value": auc.get("value"), "low": auc.get("low"), "high": auc.get("high")}
            rows.append({**at, **numbers, "n": auc.get("n_pos"), "n_other": auc.get("n_neg"), "note": cell["reason"]})
    for target in (transfer.get("causal") or {}).get("targets", ()):
        for effect, words in EFFECTS.items():
            n = target["n_harmful"] if effect == "bypass" else target["n_harmless"]
            for cell in target["cells"]:
                found = change(cell["effect"], effect, target[BASES[effect]]) or {}
                at = {"what": f"refusal score, {words}", "axis": cell["source"], "prompts": target["target"]}
                numbers = {"value": found.get("change"), "low": found.get("low"), "high": found.get("high")}
                rows.append({**at, **numbers, "n": n, "n_other": None, "note": ""})
            if drawn := random_range(target, effect):
                at = {"what": f"refusal score, {words}", "axis": RANDOM, "prompts": target["target"]}
                note = "limits are the lowest and the highest draw"
                rows.append({**at, "value": None, "low": drawn[0], "high": drawn[1], "n": n, "note": note})
    columns = ["what", "axis", "prompts", "value", "low", "high", "n", "n_other", "note"]
    table = pd.DataFrame(rows, columns=columns).astype({"n": "Int64", "n_other": "Int64"})
    return table.assign(verdict=table["prompts"].map(verdicts).fillna(""))


def _wide(study: Mapping[str, Any], cells: list[tuple[str, str, str]]) -> pd.DataFrame:
    names = marked_names(study)
    found: dict[str, dict[str, str]] = {}
    for source, target, text in cells:
        row = found.setdefault(source, {"axis": names.get(source, name_of(source)) if source else RANDOM})
        row[names.get(target, name_of(target))] = text
    return pd.DataFrame(found.values()).fillna("")


def _words(found: Mapping[str, Any], name: str, form: str) -> str:
    text = format(found[name], form)
    if found["low"] is None or found["high"] is None:
        return text
    return f"{text} ({format(found['low'], form)} to {format(found['high'], form)})"
