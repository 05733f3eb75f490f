"""Texts that no arm may be trained on: what a comparison asks, and what the prompt set holds out."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from rasslib.prompts import load_bundled
from rasslib.rass.deduplicating import deduplicate
from rasslib.triggers.bundled import LEVELS, load_triggers


def held_out_texts(prompts: pd.DataFrame) -> list[str]:
    """Prompts outside the train split, of this set and of the bundled one, and triggers outside it at every level."""
    found = [
        text for one in (prompts, load_bundled()) for text in one.loc[one["split"] != "train", "prompt"].astype(str)
    ]
    found += [one.at(level) for split in ("validation", "test") for one in load_triggers(split) for level in LEVELS]
    return list(dict.fromkeys(found))


def not_held_out(texts: Sequence[str], prompts: pd.DataFrame) -> list[int]:
    """Positions of the texts that repeat, or nearly repeat, neither a held-out text nor one before them."""
    held = held_out_texts(prompts)
    return [
        int(row) - len(held)
        for row in deduplicate([*held, *texts], steps=("exact", "near")).kept
        if int(row) >= len(held)
    ]
