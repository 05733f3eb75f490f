"""What stands beside the rates of a comparison: exposure, steering, what moved, how it was made, published numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from rasslib.mitigation.compare_tables import NAMES, percent, signed
from rasslib.mitigation.paired import QUANTITIES
from rasslib.prompts.cells import counted

UNKNOWN = "not recorded"
"""For what an adapter's folder does not tell."""


def exposure_table(result: Mapping[str, Any]) -> pd.DataFrame:
    """How much of each set every trained model saw."""
    rows = []
    for name, arm in result["arms"].items():
        for told in arm["training"]:
            training, settings = told.get("training") or {}, told.get("settings") or {}
            size = training.get("batch") or settings.get("batch_size")
            start = (told.get("start") or {}).get("name") or ""
            for group, seen in (training.get("exposure") or _made_of(told)).items():
                rows.append(
                    {
                        "arm": name,
                        "seed": settings.get("seed"),
                        "recipe": told.get("recipe"),
                        "method": (settings.get("method") or "sft") if told else UNKNOWN,
                        "started from": (start or "base") if told else UNKNOWN,
                        "steps": training.get("steps"),
                        "examples a step": size,
                        "set": group,
                        "examples": seen.get("examples"),
                        "draws": seen.get("draws"),
                        "passes": seen.get("passes"),
                        "reply tokens": seen.get("reply_tokens"),
                    }
                )
    whole = ("seed", "steps", "examples a step", "examples", "draws", "reply tokens")
    return pd.DataFrame(rows).astype(dict.fromkeys(whole, "Int64")) if rows else pd.DataFrame()


def _made_of(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Exposure of a training that went through every example once an epoch, from what its provenance counts."""
    counts = (told.get("data") or {}).get("examples") or {UNKNOWN: None}
    epochs = (told.get("settings") or {}).get("epochs")
    return {
        {"harmless": "generic"}.get(name, name): {
            "examples": n,
            "draws": n * epochs if n is not None and epochs else None,
            "passes": epochs,
        }
        for name, n in counts.items()
    }


def steering_words(result: Mapping[str, Any]) -> list[str]:
    """What was done to every steered arm, and why so."""
    return [
        f"{name}: {done['text']}. {done['why']} Directions of the run {done['run_title']} ({done['run']})."
        + f" {counted(done['chosen_on'], 'prompt')} of these sets took part in choosing them." * bool(done["chosen_on"])
        for name, arm in result["arms"].items()
        for done in arm["steering"]
    ]


def not_moved_words(result: Mapping[str, Any]) -> str:
    """Of which arms it cannot be told how the boundary moved, and why; empty where there is none."""
    missing = (result.get("not_moved") or {}).items()
    return " ".join(f"How the boundary moved in {arm} is not told. {why}" for arm, why in missing)


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


def moved_table(by_intent: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Change of the margin by intent."""
    return pd.DataFrame(
        [
            {
                "intent": intent,
                "n": one["n"],
                "margin before": signed(one["before"]),
                "after": signed(one["after"]),
                "change (95 %)": f"{signed(one['change'])} ({signed(one['low'])} to {signed(one['high'])})",
                "along random directions (95 %)": f"{signed(one['random'][0])} to {signed(one['random'][1])}",
                "on the axis fitted anew": signed(one["refitted"]),
                "crossed to the harmless side": one["crossed_to_harmless"],
                "crossed to the harmful side": one["crossed_to_harmful"],
            }
            for intent, one in by_intent.items()
        ]
    )
