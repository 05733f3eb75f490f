"""A comparison as tables: for reading, with every n and interval in words, and long, for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rasslib.mitigation.paired import QUANTITIES

NAMES = {"mean_rr": "mean RR", "mean_asr": "mean ASR", "aggregate": "aggregate"}
COSTS = {"short_answers": "short answers right", "perplexity": "perplexity of reference replies"}


COUNTS = ("n", "refused", "invalid", "n_harmful")


def means_table(result: Mapping[str, Any]) -> pd.DataFrame:
    """A row an arm: the three means, ASR under prefill, utility, n."""
    return pd.DataFrame([_means(name, arm) for name, arm in result["arms"].items()])


def rates_table(result: Mapping[str, Any]) -> pd.DataFrame:
    """A row an arm: the rate of every set, with its interval and n; ASR under prefill last."""
    rows = []
    for name, arm in result["arms"].items():
        row = {"arm": name}
        for one, rate in arm["rates"].items():
            row[f"{one} ({rate['metric']})"] = rate_words(rate)
        for one, rate in (arm["prefill"].get("rates") or {}).items():
            row[f"{one} under prefill (ASR)"] = rate_words(rate)
        rows.append(row)
    return pd.DataFrame(rows)


def differences_table(result: Mapping[str, Any]) -> pd.DataFrame:
    """A row a pair of arms: differences in points, the same prompts resampled; empty with one arm."""
    rows = []
    for name, arm in result["arms"].items():
        for other, found in arm["against"].items():
            told = {NAMES[q]: _points(found[q]["difference"], found[q]["interval"]) for q in QUANTITIES}
            if found["separation"]:
                apart = found["separation"]["mean"]
                low, high = apart["interval"]
                told["separation"] = _changed(apart["difference"], low, high, 3)
            told |= {one: _points(gap["difference"], gap["interval"]) for one, gap in found["rates"].items()}
            if gap := found.get("prefill"):
                told["ASR under prefill"] = _points(gap["difference"], gap["interval"])
            if used := found.get("utility"):
                told["short answers right"] = _points(
                    used["short_answers"]["difference"], used["short_answers"]["interval"]
                )
                low, high = used["perplexity"]["interval"]
                told["perplexity"] = _changed(used["perplexity"]["difference"], low, high)
            rows.append({"arm": name, "minus": other, **told})
    return pd.DataFrame(rows)


def long_table(result: Mapping[str, Any]) -> pd.DataFrame:
    """Every number of ours in a row of its own, with its limits, n, invalid replies and seeds; shares, not percent."""
    rows: list[dict[str, Any]] = []
    for name, arm in result["arms"].items():
        start = {"arm": name, "minus": "", "seeds": arm["seeds"]}
        for q in QUANTITIES:
            low, high = arm["intervals"][q]
            rows.append({**start, "what": q, "set": "", "value": arm[q], "low": low, "high": high})
        parts = [("", arm["rates"]), (" under prefill", arm["prefill"].get("rates") or {})]
        for mark, rates in parts:
            for one, rate in rates.items():
                kept = {key: rate[key] for key in ("low", "high", "n", "refused", "invalid")}
                rows.append({**start, "what": rate["metric"] + mark, "set": one, "value": rate["rate"], **kept})
        for other, found in arm["against"].items():
            for q in QUANTITIES:
                low, high = found[q]["interval"]
                value = found[q]["difference"]
                rows.append({**start, "minus": other, "what": q, "set": "", "value": value, "low": low, "high": high})
            gaps = [(arm["rates"][one]["metric"], one, gap) for one, gap in found["rates"].items()]
            gaps += [("ASR under prefill", "", found["prefill"])] if found.get("prefill") else []
            gaps += [(COSTS[what], "utility", gap) for what, gap in (found.get("utility") or {}).items()]
            gaps += [("separation", one, gap) for one, gap in _separations(found["separation"])]
            for what, one, gap in gaps:
                low, high = gap["interval"]
                told = {"what": what, "set": one, "value": gap["difference"], "low": low, "high": high}
                rows.append({**start, "minus": other, **told})
        for one, apart in _separations(arm["separation"]):
            kept = {**apart, "n_harmful": arm["separation"]["n_harmful"]}
            rows.append({**start, "what": "separation", "set": one, **kept})
        for what, measured in arm["utility"].items():
            kept = {key: measured[key] for key in ("value", "low", "high", "n")}
            rows.append({**start, "what": COSTS[what], "set": "utility", **kept})
    columns = ["arm", "minus", "what", "set", "value", "low", "high", "n", "refused", "invalid", "seeds", "n_harmful"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(COUNTS, "Int64"))


def percent(value: float | None) -> str:
    """A share in percent; a dash where there is none."""
    return "–" if value is None else f"{100 * value:.1f} %"


def interval_words(value: float | None, limits: Sequence[float | None]) -> str:
    """``12.3 % (8.0–18.1)``."""
    if value is None:
        return "–"
    low, high = limits
    return percent(value) if low is None or high is None else f"{percent(value)} ({100 * low:.1f}–{100 * high:.1f})"


def rate_words(rate: Mapping[str, Any]) -> str:
    """A rate with interval and n; invalid replies where there are any."""
    left = f", {rate['invalid']} invalid" if rate["invalid"] else ""
    return f"{interval_words(rate['rate'], [rate['low'], rate['high']])}, n = {rate['n']}{left}"


def _separations(told: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The mean and each benign set's; empty where it was not measured."""
    return [("", told["mean"]), *told["by_set"].items()] if told else []


def _means(name: str, arm: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"arm": name, "seeds": arm["seeds"]}
    row |= {NAMES[q]: interval_words(arm[q], arm["intervals"][q]) for q in QUANTITIES}
    counts = {m: sum(r["n"] for r in arm["rates"].values() if r["metric"] == m) for m in ("RR", "ASR")}
    row |= {"n (RR + ASR)": f"{counts['RR']} + {counts['ASR']}", "invalid": percent(arm["invalid_share"])}
    if len(arm["by_seed"]) > 1:
        for q in ("mean_rr", "mean_asr"):
            row[f"{NAMES[q]} of each seed"] = " / ".join(percent(one[q]) for one in arm["by_seed"])
    if arm["separation"]:
        apart = arm["separation"]["mean"]
        row["separation"] = (
            f"{_three(apart['value'])} ({_three(apart['low'])}–{_three(apart['high'])}), "
            f"n = {apart['n']} + {arm['separation']['n_harmful']}"
        )
    if prefill := arm["prefill"]:
        n = sum(rate["n"] for rate in prefill["rates"].values())
        limits = [prefill["low"], prefill["high"]]
        row["ASR under prefill"] = f"{interval_words(prefill['mean_asr'], limits)}, n = {n}"
    if measured := arm["utility"]:
        right, fluency = measured["short_answers"], measured["perplexity"]
        row["short answers right"] = (
            f"{interval_words(right['value'], [right['low'], right['high']])}, n = {right['n']}"
        )
        low, high = fluency["low"], fluency["high"]
        row["perplexity"] = f"{_two(fluency['value'])} ({_two(low)}–{_two(high)}), n = {fluency['n']}"
    return row


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _changed(value: float | None, low: float | None, high: float | None, places: int = 2) -> str:
    """A difference of numbers that are no shares."""
    if value is None or low is None or high is None:
        return "–"
    return f"{value:+.{places}f} ({low:+.{places}f} to {high:+.{places}f})"


def _points(value: float | None, limits: Sequence[float | None]) -> str:
    """A difference of shares in percentage points."""
    low, high = limits
    if value is None or low is None or high is None:
        return "–"
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"
