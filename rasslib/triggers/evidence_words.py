"""Evidence for refusal triggers in sentences and tables, each number with its n and interval."""

from __future__ import annotations

import math

import pandas as pd

from rasslib.refusal.rates import Rate
from rasslib.triggers.evidence import Arm, Behavioural, Causal, Difference, Nearness, Representational, Swap, Trend

LEVEL_NAMES = ("trigger", "level 1", "level 2", "level 3")
CHANGED = {"insertion": "put into harmless prompts that were answered", "removal": "taken out of refused prompts"}


def rate_text(rate: Rate) -> str:
    """``40 % (30–51 %; 36 of 90)``."""
    if not rate.n:
        return "no reply could be judged"
    return f"{100 * rate.rate:.0f} % ({100 * rate.low:.0f}–{100 * rate.high:.0f} %; {rate.refused} of {rate.n})"


def difference_text(found: Difference) -> str:
    """``+12 points (+4 … +20; n = 90)``."""
    if not found.n:
        return "nothing to compare"
    return f"{100 * found.value:+.0f} points ({100 * found.low:+.0f} … {100 * found.high:+.0f}; n = {found.n})"


def p_text(p: float) -> str:
    """``p = 0.03``, ``p < 0.001``; says so where there is none."""
    if math.isnan(p):
        return "no p-value"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def trend_text(arm: Arm) -> str:
    """Whether an arm refuses less the looser the level, and by how much beyond the base arm."""
    told = f"{arm.name}: {_slope(arm.trend)}"
    if arm.difference_trend is not None:
        told += f" Net of the base model: {_slope(arm.difference_trend)}"
    return told


def level_table(found: Behavioural) -> pd.DataFrame:
    """One row an arm and version: ``model, version, refused, n, invalid, against_base``."""
    rows = []
    for arm in found.arms:
        for number, (name, rate) in enumerate(
            zip(("harmful prompt", *LEVEL_NAMES), (arm.harmful, *arm.levels), strict=True)
        ):
            level = number - 1
            against = difference_text(arm.difference[level]) if 0 <= level < len(arm.difference) else ""
            rows.append(
                {
                    "model": arm.name,
                    "version": name,
                    "refused": rate_text(rate),
                    "n": rate.n,
                    "invalid": rate.invalid,
                    "against_base": against,
                }
            )
    return pd.DataFrame(rows)


def rows_of(found: Representational, position: str, anchors: str, centred: bool) -> list[Nearness]:
    """The rows of one box plot, by k."""
    wanted = (position, anchors, centred)
    return sorted(
        (row for row in found.rows if (row.position, row.anchors, row.centred) == wanted), key=lambda row: row.k
    )


def nearness_table(found: Representational) -> pd.DataFrame:
    """One row a read position, cosine and k: AUC with triggers, with control anchors, and what lies between."""
    control = {(row.position, row.k, row.centred): row for row in found.rows if row.anchors != "trigger"}
    beyond = {(position, k, centred): one for position, k, centred, one in found.beyond_control}
    rows = []
    for row in found.rows:
        if row.anchors != "trigger":
            continue
        at = (row.position, row.k, row.centred)
        other, more = control.get(at), beyond.get(at)
        rows.append(
            {
                "position": row.position,
                "cosine": "centred" if row.centred else "raw",
                "k": row.k,
                "refused": row.refused.n,
                "answered": row.answered.n,
                "auc": _interval(row.auc.value, row.auc.low, row.auc.high),
                "auc_within": _interval(row.auc_within.value, row.auc_within.low, row.auc_within.high),
                "p": p_text(row.p),
                "auc_control": "" if other is None else _interval(other.auc.value, other.auc.low, other.auc.high),
                "beyond_control": "" if more is None else f"{more.value:+.3f} ({more.low:+.3f} … {more.high:+.3f})",
                "auc_beyond_length": _interval(
                    row.auc_beyond_length.value, row.auc_beyond_length.low, row.auc_beyond_length.high
                ),
            }
        )
    return pd.DataFrame(rows)


def swap_text(swap: Swap) -> str:
    """What putting in or taking out changed, beside its control."""
    return (
        f"Triggers {CHANGED.get(swap.kind, swap.kind)} (n = {swap.n}): {rate_text(swap.before)} refused before, "
        f"{rate_text(swap.after)} after, {rate_text(swap.control)} in the control. Beyond the control: "
        f"{difference_text(swap.beyond_control)}, {p_text(swap.p)} (exact McNemar)."
    )


def swap_table(found: Causal) -> pd.DataFrame:
    """The prompts of both experiments, one row each, with a column ``kind``."""
    rows = [
        {"kind": swap.kind, **row} for swap in (found.insertion, found.removal) if swap is not None for row in swap.rows
    ]
    return pd.DataFrame(rows)


def _slope(trend: Trend) -> str:
    if not trend.n:
        return "no reply could be judged."
    tests = p_text(trend.p_paired) + " within prompts"
    if not math.isnan(trend.p):
        tests += f", {p_text(trend.p)} by Cochran–Armitage"
    return f"{100 * trend.slope:+.1f} points per level ({tests}; n = {trend.n})."


def _interval(value: float, low: float, high: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f} ({low:.3f}–{high:.3f})"
