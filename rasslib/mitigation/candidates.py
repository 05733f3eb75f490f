"""Candidates for RASS arms: prompts with their margins, none of which repeats a prompt that is measured on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from rasslib.boundary.margin import DEFAULT_TAU
from rasslib.mitigation.held_texts import not_held_out
from rasslib.mitigation.settings import TrainingError
from rasslib.prompts import read_prompts

if TYPE_CHECKING:
    from rasslib.boundary.run import Analysis
    from rasslib.models.lens import Lens
    from rasslib.progress import Progress

BENIGN = ("harmless", "borderline")


@dataclass(frozen=True, eq=False)
class Candidates:
    """A pool that policies select from.

    Attributes:
        table: Prompts with ``margin`` and whatever else a policy reads.
        tau: Half-width of the band, in margin units.
        note: Where they are from and what their margin is, in a sentence.
    """

    table: pd.DataFrame
    tau: float = DEFAULT_TAU
    note: str = ""


def read_candidates(path: Path, tau: float | None = None) -> Candidates:
    """Candidates in a file that holds their margins, such as ``rass select`` or the studio writes.

    Raises:
        PromptError: The file cannot be read.
        TrainingError: It holds no margins, or no benign prompt.
    """
    table = read_prompts(path, default_intent="borderline").prompts
    if "margin" not in table:
        raise TrainingError(
            f"{path} holds no column margin, by which candidates are selected: place them first (rass select, or the "
            "studio's export)."
        )
    known = table[table["intent"].isin(BENIGN) & pd.to_numeric(table["margin"], errors="coerce").notna()]
    if "evidence" in known:
        known = known[known["evidence"] != "none"]
    if known.empty:
        raise TrainingError(f"{path} holds no benign prompt with a margin and evidence of being benign.")
    if tau is not None and not tau > 0:
        raise TrainingError(f"The half-width of the band is {tau}; give a positive number such as {DEFAULT_TAU}.")
    return Candidates(known.reset_index(drop=True), tau or DEFAULT_TAU, f"read from {path.name}")


def place_candidates(
    lens: Lens, run: Analysis, size: int, seed: int = 0, language: str = "en", progress: Progress | None = None
) -> Candidates:
    """Candidates of the grammar, benign by construction, placed by a model that refuses.

    The model to be trained may refuse nothing and then has no boundary; they are placed by one that does.

    Args:
        lens: The model that places them.
        run: Its run, whose axis counts.
        size: How many the grammar makes.
        seed: Of the grammar.
        language: Of the grammar.
        progress: Told after each stored batch.
    """
    from rasslib.rass.candidates import candidate_table
    from rasslib.rass.grammar import GrammarGenerator
    from rasslib.rass.pooling import make_pool

    made = candidate_table(GrammarGenerator(language).generate(size, seed=seed, progress=progress))
    scored = make_pool(lens, run, made, None, progress).scored
    note = f"{len(scored.table)} of the grammar (seed {seed}), placed by {lens.name}; {scored.note}"
    return Candidates(scored.table, scored.tau, note)


def without_held_out(candidates: Candidates, prompts: pd.DataFrame) -> Candidates:
    """The candidates that repeat, or nearly repeat, nothing that is held out for measuring.

    Raises:
        TrainingError: None is left.
    """
    kept = not_held_out(candidates.table["prompt"].astype(str).tolist(), prompts)
    if not kept:
        raise TrainingError("Every candidate repeats a prompt that is held out for measuring; give other candidates.")
    left = len(candidates.table) - len(kept)
    note = f"{candidates.note}; {left} repeat a held-out prompt or each other and were left out"
    return replace(candidates, table=candidates.table.iloc[kept].reset_index(drop=True), note=note)
