"""Does an axis fitted in one language work in another? AUC of every direction in every language, with intervals.

In each language the intent direction is the difference in means of its own train prompts (harmful minus harmless). All
are read at one layer, so that a row and a column of the matrix differ in language only: the layer whose native
directions tell best, on average over languages, on their own validation prompts. Figures are of the test split. In a
parallel set all languages of a prompt are in one split, so no meaning that is tested was fitted on.

Two things are measured: ``behaviour`` (refused against complied, borderline and harmful prompts; what the axis is for)
and ``intent`` (harmful against harmless prompts; what is left where the model shows one behaviour only).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from rasslib.boundary.checks import Bools, Floats
from rasslib.boundary.choice import eligible_layers
from rasslib.boundary.directions import Direction
from rasslib.boundary.margin import projections
from rasslib.boundary.methods import fit_direction
from rasslib.boundary.resampling import percentiles, resamples, weighted_auc
from rasslib.boundary.statistics import Interval, auc, bootstrap_auc, random_direction_auc
from rasslib.errors import AnalysisError
from rasslib.prompts.cells import counted

MEASURES = {"behaviour": "refused against complied", "intent": "harmful against harmless"}
LEAST = 5
"""Test prompts each class of an AUC needs."""


@dataclass(frozen=True)
class Cell:
    """One direction in one language.

    Attributes:
        source: Language the direction was fitted in; "" for random directions.
        target: Language it is tried out in.
        auc: With its interval and the size of both classes; None where it cannot be had.
        reason: Why not.
    """

    source: str
    target: str
    auc: Interval | None
    reason: str = ""


@dataclass(frozen=True)
class Against:
    """The reference language's direction against the language's own, on the same test prompts.

    Attributes:
        language: The language.
        cosine: Of the two directions.
        reference: AUC of the reference direction.
        native: AUC of its own.
        difference: Reference minus native.
        low: Lower 95 % limit of the difference (paired bootstrap).
        high: Upper limit.
    """

    language: str
    cosine: float
    reference: float
    native: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Axes:
    """The directions of all languages at one layer.

    Attributes:
        layer: The layer (0-based).
        reason: Why this layer, in a sentence.
        directions: By language.
        left_out: Language to why it has none.
    """

    layer: int
    reason: str
    directions: Mapping[str, Direction]
    left_out: Mapping[str, str]


def fit_languages(acts: Tensor, table: pd.DataFrame, position: str, voters: Collection[str] | None = None) -> Axes:
    """An intent direction for every language that has the prompts for one, at a layer common to all.

    Args:
        acts: [n, L, d] residual stream at the read position, rows as in ``table``.
        table: ``language``, ``intent``, ``split``, ``behaviour``.
        position: Name of the read position.
        voters: Languages by which the layer is chosen, where any of them can; by default all.

    Raises:
        AnalysisError: No language has a direction.
    """
    layers, left_out = eligible_layers(acts.shape[1]), {}
    found: dict[str, dict[int, Direction]] = {}
    for language in languages_of(table):
        try:
            found[language] = {layer: _fit(acts, table, language, layer, position) for layer in layers}
        except AnalysisError as error:
            left_out[language] = str(error)
    if not found:
        raise AnalysisError(f"No language has an axis. {next(iter(left_out.values()), 'There are no prompts.')}")
    layer, reason = _common_layer(acts, table, found, layers, found if voters is None else voters)
    return Axes(layer, reason, {language: by_layer[layer] for language, by_layer in found.items()}, left_out)


def languages_of(table: pd.DataFrame) -> list[str]:
    """The languages of a table, in order of first appearance."""
    return [str(language) for language in table["language"].unique()]


def transfer_cells(
    acts: Tensor, table: pd.DataFrame, axes: Axes, measure: str, *, draws: int = 2000, seed: int = 0
) -> list[Cell]:
    """AUC of every direction in every language, then that of random directions (source ``""``).

    Args:
        acts: [n, d] at the layer of the axes.
        table: As for :func:`fit_languages`.
        axes: The directions.
        measure: A key of :data:`MEASURES`.
        draws: Resamples of an interval.
        seed: Seed of resamples and random directions.
    """
    found: list[Cell] = []
    random_row: list[Cell] = []
    for target in languages_of(table):
        rows, high, reason = labels(table, target, measure)
        if reason:
            found += [Cell(source, target, None, reason) for source in axes.directions]
            continue
        x, strata = acts[torch.from_numpy(rows)], table["intent"].to_numpy()[rows]
        for source, direction in axes.directions.items():
            interval = bootstrap_auc(projections(x, direction), high, draws, seed, strata=strata)
            found.append(Cell(source, target, interval))
        train, harmful = _train_rows(table, target)
        if harmful.any() and not harmful.all():
            control = random_direction_auc(x, high, acts[torch.from_numpy(train)], harmful, seed=seed)
            random_row.append(Cell("", target, control))
    return [*found, *random_row]


def against_reference(
    acts: Tensor,
    table: pd.DataFrame,
    axes: Axes,
    reference: str,
    measure: str,
    *,
    draws: int = 2000,
    seed: int = 0,
) -> list[Against]:
    """The reference language's axis against the native one, in every other language that has both.

    Args:
        acts: [n, d] at the layer of the axes.
        table: As for :func:`fit_languages`.
        axes: The directions.
        reference: The language whose axis is carried over.
        measure: A key of :data:`MEASURES`.
        draws: Resamples.
        seed: Their seed.
    """
    found: list[Against] = []
    carried = axes.directions.get(reference)
    for language, native in axes.directions.items():
        rows, high, reason = labels(table, language, measure)
        if carried is None or language == reference or reason:
            continue
        order = np.argsort(table["intent"].to_numpy()[rows].astype(str), kind="stable")
        rows, high = rows[order], high[order]
        x, strata = acts[torch.from_numpy(rows)], table["intent"].to_numpy()[rows].astype(str)
        mine, theirs = projections(x, native), projections(x, carried)
        weights = resamples(strata, draws, seed)
        spread = np.concatenate([weighted_auc(theirs, high, w) - weighted_auc(mine, high, w) for w in weights])
        at = auc(theirs, high), auc(mine, high)
        cosine = float(carried.unit @ native.unit)
        found.append(Against(language, cosine, *at, at[0] - at[1], *percentiles(spread)))
    return found


def labels(table: pd.DataFrame, language: str, measure: str) -> tuple[Any, Bools, str]:
    """Test rows [m] of a language, their class [m], and why they do not suffice ("" if they do).

    Raises:
        AnalysisError: There is no such measure.
    """
    if measure not in MEASURES:
        raise AnalysisError(f"There is no measure {measure!r}: choose {' or '.join(MEASURES)}.")
    return _labelled(table, language, measure, "test")


def _labelled(table: pd.DataFrame, language: str, measure: str, split: str) -> tuple[Any, Bools, str]:
    here = (table["language"] == language) & (table["split"] == split)
    if measure == "behaviour":
        # Never all prompts where these do not suffice: the columns of a matrix must be of one population.
        hard = table["intent"].isin(["harmful", "borderline"])
        chosen = here & hard & table["behaviour"].isin(["refused", "complied"])
        positive, names = table["behaviour"] == "refused", ("refused", "complied")
    else:
        chosen = here & table["intent"].isin(["harmful", "harmless"])
        positive, names = table["intent"] == "harmful", ("harmful", "harmless")
    rows = np.flatnonzero(chosen.to_numpy())
    high: Bools = positive.to_numpy(dtype=np.bool_)[rows]
    counts = int(high.sum()), int((~high).sum())
    if min(counts) >= LEAST:
        return rows, high, ""
    told = f"{counts[0]} {names[0]} and {counts[1]} {names[1]}"
    return rows, high, f"{told} {split} prompts: at least {LEAST} of each are needed."


def _train_rows(table: pd.DataFrame, language: str) -> tuple[Any, Bools]:
    chosen = (table["language"] == language) & (table["split"] == "train")
    rows = np.flatnonzero((chosen & table["intent"].isin(["harmful", "harmless"])).to_numpy())
    return rows, (table["intent"].to_numpy()[rows] == "harmful").astype(np.bool_)


def _fit(acts: Tensor, table: pd.DataFrame, language: str, layer: int, position: str) -> Direction:
    rows, harmful = _train_rows(table, language)
    if int(harmful.sum()) < 2 or int((~harmful).sum()) < 2:
        raise AnalysisError(
            f"An axis in the language {language!r} needs two harmful and two harmless train prompts, and there are "
            f"{int(harmful.sum())} and {int((~harmful).sum())}: add some."
        )
    return fit_direction(acts[torch.from_numpy(rows), layer], harmful, layer=layer, position=position)


def _common_layer(
    acts: Tensor,
    table: pd.DataFrame,
    found: Mapping[str, Mapping[int, Direction]],
    layers: Sequence[int],
    voters: Collection[str],
) -> tuple[int, str]:
    """The layer with the highest mean validation AUC of native directions; ties to the earlier."""
    used: dict[str, tuple[Any, Bools]] = {}
    kinds: set[str] = set()
    for language in found:
        for measure in MEASURES:
            rows, high, reason = _labelled(table, language, measure, "validation")
            if not reason:
                used[language] = rows, high
                kinds.add(measure)
                break
    fit = {language: one for language, one in used.items() if language in voters}
    all_vote = "" if fit else ", none of which the model can be judged in"
    used = fit or used
    if not used:
        middle = layers[len(layers) // 2]
        return middle, f"Layer {middle} is the middle one: the validation split is too small to choose by."
    means = [float(np.mean([_auc_at(acts, found[one][layer], *used[one]) for one in used])) for layer in layers]
    best = int(np.argmax(np.round(means, 6)))
    told = " or ".join(MEASURES[kind] for kind in MEASURES if kind in kinds)
    return layers[best], (
        f"Layer {layers[best]} has the highest mean validation AUC of native axes ({means[best]:.3f}, {told}, "
        f"{counted(len(used), 'language')}{all_vote if len(voters) < len(found) else ''})."
    )


def _auc_at(acts: Tensor, direction: Direction, rows: Any, high: Bools) -> float:
    if not direction.gap > 0:
        return 0.5
    scores: Floats = projections(acts[torch.from_numpy(rows), direction.layer], direction)
    return auc(scores, high)
