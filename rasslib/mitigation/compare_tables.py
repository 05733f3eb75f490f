"""A comparison as tables: for reading, with every n and interval in words, and long, for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rasslib.mitigation.paired import QUANTITIES
from rasslib.prompts.cells import counted

NAMES = {"mean_rr": "mean RR", "mean_asr": "mean ASR", "aggregate": "aggregate"}


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
            each = {one: _points(gap["difference"], gap["interval"]) for one, gap in found["rates"].items()}
            rows.append({"arm": name, "minus": other, **told, **each})
    return pd.DataFrame(rows)


def published_table(result: Mapping[str, Any]) -> pd.DataFrame:
    """The paper's own numbers; they come without intervals."""
    return pd.DataFrame(
        [
            {
                "whose": "theirs",
                "table": one["table"],
                "method": one["method"],
                "model": one["model"],
                "benign data": one["benign"],
                "under prefill": bool(one["prefill"]),
                **{NAMES[q]: percent(one[q]) for q in QUANTITIES},
                **{name: percent(value) for name, value in one["rates"].items()},
            }
            for one in result["published"]["rows"]
        ]
    )


def exposure_table(result: Mapping[str, Any]) -> pd.DataFrame:
    """How much of each set every trained model saw."""
    rows = []
    for name, arm in result["arms"].items():
        for told in arm["training"]:
            training, settings = told.get("training") or {}, told.get("settings") or {}
            size = training.get("batch") or settings.get("batch_size")
            for group, seen in (training.get("exposure") or {"": {}}).items():
                rows.append(
                    {
                        "arm": name,
                        "seed": settings.get("seed"),
                        "recipe": told.get("recipe"),
                        "steps": training.get("steps"),
                        "examples a step": size,
                        "set": group or "not recorded",
                        "examples": seen.get("examples"),
                        "draws": seen.get("draws"),
                        "passes": seen.get("passes"),
                        "reply tokens": seen.get("reply_tokens"),
                    }
                )
    whole = ("seed", "steps", "examples a step", "examples", "draws", "reply tokens")
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64")) if rows else pd.DataFrame()


def steering_words(result: Mapping[str, Any]) -> list[str]:
    """What was done to every steered arm, and why so."""
    return [
        f"{name}: {done['text']}. {done['why']} Directions of the run {done['run_title']} ({done['run']})."
        + f" {counted(done['chosen_on'], 'prompt')} of these sets took part in choosing them." * bool(done["chosen_on"])
        for name, arm in result["arms"].items()
        for done in arm["steering"]
    ]


def moved_table(by_intent: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Change of the margin by intent."""
    return pd.DataFrame(
        [
            {
                "intent": intent,
                "n": one["n"],
                "margin before": _signed(one["before"]),
                "after": _signed(one["after"]),
                "change (95 %)": f"{_signed(one['change'])} ({_signed(one['low'])} to {_signed(one['high'])})",
                "on the axis fitted anew": _signed(one["refitted"]),
                "crossed to answering": one["crossed_to_answer"],
                "crossed to refusal": one["crossed_to_refusal"],
            }
            for intent, one in by_intent.items()
        ]
    )


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
            for one, gap in found["rates"].items():
                low, high = gap["interval"]
                told = {"what": arm["rates"][one]["metric"], "set": one, "value": gap["difference"]}
                rows.append({**start, "minus": other, **told, "low": low, "high": high})
        for measured in arm["utility"]:
            answers = {"value": measured["accuracy"], "n": measured["questions"]}
            limits = {"low": measured["low"], "high": measured["high"]}
            rows.append({**start, "what": "short answers right", "set": "utility", **answers, **limits})
            worth = {"value": measured["perplexity"], "n": measured["references"]}
            rows.append({**start, "what": "perplexity of reference replies", "set": "utility", **worth})
    columns = ["arm", "minus", "what", "set", "value", "low", "high", "n", "refused", "invalid", "seeds"]
    return pd.DataFrame(rows, columns=columns).astype({"n": "Int64", "refused": "Int64", "invalid": "Int64"})


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


def invalid_share(arm: Mapping[str, Any]) -> str:
    """Replies that could not be judged: they count in no rate, so an arm that talks nonsense may look good."""
    invalid = sum(rate["invalid"] for rate in arm["rates"].values())
    return percent(invalid / max(1, invalid + sum(rate["n"] for rate in arm["rates"].values())))


def _means(name: str, arm: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"arm": name, "seeds": arm["seeds"]}
    row |= {NAMES[q]: interval_words(arm[q], arm["intervals"][q]) for q in QUANTITIES}
    counts = {m: sum(r["n"] for r in arm["rates"].values() if r["metric"] == m) for m in ("RR", "ASR")}
    row |= {"n (RR + ASR)": f"{counts['RR']} + {counts['ASR']}", "invalid": invalid_share(arm)}
    if len(arm["by_seed"]) > 1:
        for q in ("mean_rr", "mean_asr"):
            row[f"{NAMES[q]} of each seed"] = " / ".join(percent(one[q]) for one in arm["by_seed"])
    if prefill := arm["prefill"]:
        row["ASR under prefill"] = interval_words(prefill["mean_asr"], [prefill["low"], prefill["high"]])
    if measured := arm["utility"]:
        right, asked = sum(one["right"] for one in measured), sum(one["questions"] for one in measured)
        limits = [measured[0]["low"], measured[0]["high"]] if len(measured) == 1 else [None, None]
        row["short answers right"] = f"{interval_words(right / asked, limits)}, n = {asked}"
        row["perplexity"] = " / ".join(_perplexity(one["perplexity"]) for one in measured)
    return row


def _perplexity(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _points(value: float | None, limits: Sequence[float | None]) -> str:
    """A difference of shares in percentage points."""
    low, high = limits
    if value is None or low is None or high is None:
        return "–"
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"
