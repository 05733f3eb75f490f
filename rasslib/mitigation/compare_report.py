"""A comparison as a Markdown file: tables with intervals, paired differences, the published tables marked as theirs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rasslib.mitigation.compare_tables import invalid_share
from rasslib.mitigation.paired import QUANTITIES
from rasslib.workspace.files import atomic_bytes

NAMES = {"mean_rr": "mean RR", "mean_asr": "mean ASR", "aggregate": "aggregate"}


SIDE = ("invalid", "ASR under prefill", "answers right", "perplexity")
"""What stands beside the means."""


def write_report(result: Mapping[str, Any], path: Path) -> Path:
    """Write what :func:`rasslib.mitigation.comparing.compare` found.

    Raises:
        WorkspaceError: It cannot be written.
    """
    path = path.expanduser()
    atomic_bytes(path, markdown(result).encode())
    return path


def markdown(result: Mapping[str, Any]) -> str:
    """The report as text."""
    arms, sets = result["arms"], result["sets"]
    parts = [
        "# Comparison of training arms",
        f"Aggregate: {result['aggregate']}. Intervals (95 %): {result['intervals']}. Judge: {cell(result['judge'])}.",
        "## Means",
        table(
            [
                "arm",
                "seeds",
                *(NAMES[q] for q in QUANTITIES),
                "invalid",
                "ASR under prefill",
                "answers right",
                "perplexity",
            ],
            [
                [cell(name), str(arm["seeds"]), *_means(arm), invalid_share(arm), *_side(arm)]
                for name, arm in arms.items()
            ],
        ),
        "## Rates by set",
        table(
            ["arm", *(f"{cell(name)} ({one['metric']})" for name, one in sets.items())],
            [[cell(name), *(_rate(arm["rates"][one]) for one in sets)] for name, arm in arms.items()],
        ),
    ]
    if seeds := [[cell(name), *_by_seed(arm)] for name, arm in arms.items() if len(arm["by_seed"]) > 1]:
        parts += ["## Each seed", table(["arm", *(NAMES[q] for q in QUANTITIES)], seeds)]
    if differences := _differences(arms, list(sets)):
        head = ["arm", "minus", *NAMES.values(), *map(cell, sets)]
        parts += ["## Differences, the same prompts and seeds resampled", table(head, differences)]
    parts += ["## Sets", *(f"- {cell(name)}: {one['n']} prompts, {cell(one['about'])}" for name, one in sets.items())]
    parts += ["## Exposure in training", *_exposure(arms)]
    theirs = result["published"]
    parts += [
        "## Published numbers",
        f"{theirs['mark'][:1].upper()}{theirs['mark'][1:]}. The aggregate is computed here from their rates.",
        table(
            ["method", "model", "benign data", "ASR is under prefill", *NAMES.values()],
            [
                [r["method"], r["model"], r["benign"], "yes" if r["prefill"] else "no"]
                + [percent(r[q]) for q in QUANTITIES]
                for r in theirs["rows"]
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(text: object) -> str:
    """Text that cannot break out of a table cell or become markup."""
    plain = " ".join(str(text).split())
    for sign in "\\`*_[]<>|#":
        plain = plain.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return plain


def percent(value: float | None) -> str:
    """A share in percent; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f}"


def _means(arm: Mapping[str, Any]) -> list[str]:
    return [_with_interval(arm[q], arm["intervals"][q]) for q in QUANTITIES]


def _by_seed(arm: Mapping[str, Any]) -> list[str]:
    return [" / ".join(percent(one[q]) for one in arm["by_seed"]) for q in QUANTITIES]


def _side(arm: Mapping[str, Any]) -> list[str]:
    prefill = arm["prefill"]
    attacked = _with_interval(prefill["mean_asr"], [prefill["low"], prefill["high"]]) if prefill else "–"
    measured = arm["utility"]
    if not measured:
        return [invalid_share(arm), attacked, "–", "–"]
    right = sum(one["right"] for one in measured), sum(one["questions"] for one in measured)
    return [
        invalid_share(arm),
        attacked,
        f"{right[0]}/{right[1]}",
        " / ".join(f"{one['perplexity']:.2f}" for one in measured),
    ]


def _rate(rate: Mapping[str, Any]) -> str:
    left = f", {rate['invalid']} invalid" if rate["invalid"] else ""
    return f"{_with_interval(rate['rate'], [rate['low'], rate['high']])}, n {rate['n']}{left}"


def _with_interval(value: float | None, limits: list[float | None]) -> str:
    return f"{percent(value)} ({percent(limits[0])} to {percent(limits[1])})"


def _differences(arms: Mapping[str, Any], sets: list[str]) -> list[list[str]]:
    return [
        [cell(name), cell(other)]
        + [_with_interval(one["difference"], one["interval"]) for one in [d[q] for q in QUANTITIES]]
        + [_with_interval(d["rates"][one]["difference"], d["rates"][one]["interval"]) for one in sets]
        for name, arm in arms.items()
        for other, d in arm["against"].items()
    ]


def _exposure(arms: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, arm in arms.items():
        for told in arm["training"]:
            exposure = (told.get("training") or {}).get("exposure") or {}
            seen = "; ".join(f"{cell(s)}: {e['passes']} passes over {e['examples']}" for s, e in exposure.items())
            made, training = told.get("settings") or {}, told.get("training") or {}
            size = training.get("batch") or made.get("batch_size", "?")
            how = f"{cell(told.get('recipe') or '?')}, {training.get('steps', '?')} steps of {size}"
            lines.append(f"- {cell(name)}: {how}; {seen or 'exposure was not recorded'}")
    return lines or ["Nothing was trained."]
