"""``keyword``: most words of a sensitive-word list first. The lexical baseline: it reads no activations."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np

from rasslib.rass.policies.pool import Floats, Pool, Rows
from rasslib.settings import assets_dir

NAME = "keyword"
WORDS = Path("words") / "sensitive.txt"


@cache
def _pattern() -> re.Pattern[str]:
    lines = (assets_dir() / WORDS).read_text(encoding="utf-8").splitlines()
    words = sorted({line.strip() for line in lines if line.strip() and not line.startswith("#")}, key=len, reverse=True)
    spaced = [re.escape(w) for w in words if w.isascii() or not _unspaced(w)]
    unspaced = [re.escape(w) for w in words if _unspaced(w)]
    # Languages that put no spaces between words have no word ends to look for.
    return re.compile("|".join([rf"\b(?:{'|'.join(spaced)})\w{{0,3}}\b", *unspaced]), re.IGNORECASE)


def _unspaced(word: str) -> bool:
    return any("\u3040" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff" for c in word)


def matches(prompt: str) -> list[str]:
    """The sensitive words of a prompt, lower-cased, in order (up to three more letters of inflection count)."""
    return [m.group().lower() for m in _pattern().finditer(prompt)]


def counts(pool: Pool) -> Floats:
    """[m] sensitive words in each prompt."""
    return np.array([len(matches(p)) for p in pool.table["prompt"].astype(str)], dtype=np.float64)


def rank(pool: Pool) -> Rows:
    """Rows with at least one such word, most first; ties in a seeded order, for many prompts hold one word."""
    found, order = counts(pool), np.random.default_rng(pool.seed).permutation(len(pool))
    order = order[found[order] > 0]
    return order[np.argsort(-found[order], kind="stable")]


def reason(pool: Pool, row: int) -> str:
    """The words."""
    return "sensitive words: " + ", ".join(dict.fromkeys(matches(str(pool.table["prompt"].iloc[row]))))


def nothing(pool: Pool) -> str:
    """None holds a word of the list."""
    return f"No {pool.who} holds a word of the sensitive-word list: choose another policy, or add prompts."
