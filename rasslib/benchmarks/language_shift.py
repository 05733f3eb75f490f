"""Where refusal begins in each language, and what the directions do to the model there.

The boundary of a language is the margin, on the axis of the reference language, at which refusal is a coin toss
(:mod:`rasslib.boundary.calibration`). Its shift is the offset minus that of the reference, in units of the reference's
margin: negative means that the model begins to refuse earlier. What directions do is measured by
:mod:`rasslib.boundary.causal`: refusal scores of harmful prompts with a direction ablated (bypass) and of harmless ones
with it added (induce).

Refusal scores read the first token of English openers. Where a model refuses in the language itself they are too low,
so the share of its own refusals that open with them is counted beside them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from rasslib.benchmarks.shares import Share, share_of
from rasslib.benchmarks.transfer import Axes, languages_of
from rasslib.boundary.calibration import Calibration, calibrate
from rasslib.boundary.causal import CausalChoice, CausalSettings, try_directions
from rasslib.boundary.findings import judged
from rasslib.boundary.margin import margins
from rasslib.errors import AnalysisError
from rasslib.models.lens import Lens
from rasslib.progress import Progress

CAUSAL_SPLIT = "test"
"""Split of the prompts that directions are tried out on."""
Z95 = 1.96


@dataclass(frozen=True)
class Shift:
    """The boundary of one language on the reference axis.

    Attributes:
        language: The language.
        usable: Whether the margin predicts refusal there.
        finding: In a sentence.
        offset: Margin at which refusal is a coin toss; NaN if not usable.
        low: Its lower 95 % limit.
        high: Its upper limit.
        shift: Offset minus that of the reference language; NaN if one of the two is not usable.
        shift_low: Lower 95 % limit. The two offsets are taken as independent, which for parallel prompts is wide.
        shift_high: Upper limit.
        n_refused: Refused prompts.
        n_complied: Complied ones.
    """

    language: str
    usable: bool
    finding: str
    offset: float
    low: float
    high: float
    shift: float
    shift_low: float
    shift_high: float
    n_refused: int
    n_complied: int


def boundary_shifts(acts: Tensor, table: pd.DataFrame, axes: Axes, reference: str) -> list[Shift]:
    """Offset and shift of every language, from prompts that no axis was fitted on (validation and test).

    Args:
        acts: [n, d] at the layer of the axes.
        table: ``language``, ``split``, ``behaviour``.
        axes: The directions.
        reference: The language whose axis is read.

    Raises:
        AnalysisError: The reference language has no axis.
    """
    if reference not in axes.directions:
        raise AnalysisError(f"There is no axis in {reference!r}, so no boundary can be compared with it.")
    z = margins(acts[:, None], [axes.directions[reference]])[:, 0]
    held, refused = judged(table) & (table["split"] != "train"), (table["behaviour"] == "refused").to_numpy()
    fits = {}
    for language in languages_of(table):
        rows = (held & (table["language"] == language)).to_numpy()
        fits[language] = calibrate(z[rows], refused[rows], what=language)
    base, found = fits[reference], []
    for language, fit in fits.items():
        both = fit.usable and base.usable and language != reference
        moved = fit.offset - base.offset if both else math.nan
        wide = math.hypot(_error(fit), _error(base)) * Z95
        ends = fit.offset, fit.offset_low, fit.offset_high, moved, moved - wide, moved + wide
        found.append(Shift(language, fit.usable, fit.finding, *ends, fit.n_refused, fit.n_complied))
    return found


def opener_shares(
    table: pd.DataFrame, encode: Callable[[str], list[int]], opener_ids: Sequence[int]
) -> dict[str, Share]:
    """By language, how many of the model's own refusals begin with a token that the refusal score counts.

    Args:
        table: ``language``, ``behaviour``, ``reply``.
        encode: Text to token ids without special tokens.
        opener_ids: Token ids of the refusal openers.
    """
    ids, found = set(opener_ids), {}
    for language in languages_of(table):
        replies = table.loc[(table["language"] == language) & (table["behaviour"] == "refused"), "reply"]
        found[language] = share_of([bool(ids & set(encode(reply.lstrip())[:1])) for reply in replies])
    return found


def causal_transfer(
    lens: Lens,
    table: pd.DataFrame,
    axes: Axes,
    opener_ids: Sequence[int],
    settings: CausalSettings,
    cache: MutableMapping[str, dict[str, float]],
    progress: Progress,
) -> tuple[dict[str, CausalChoice], dict[str, str]]:
    """Every direction tried out in every language, on test prompts: nothing is chosen by what is found.

    Args:
        lens: The model.
        table: ``language``, ``intent``, ``split``, ``prompt``.
        axes: The directions.
        opener_ids: Token ids of the refusal openers.
        settings: How many prompts and controls.
        cache: Where what was measured is kept.
        progress: Told in single directions; may raise Stopped.

    Returns:
        By target language: candidates in the order of ``axes.directions``; and why a language has none.
    """
    found: dict[str, CausalChoice] = {}
    left_out: dict[str, str] = {}
    for language in languages_of(table):
        here = table[(table["language"] == language) & (table["split"] == CAUSAL_SPLIT)]
        by_intent = {kind: here.loc[here["intent"] == kind, "prompt"].tolist() for kind in ("harmful", "harmless")}
        try:
            found[language] = try_directions(
                lens,
                list(axes.directions.values()),
                by_intent["harmful"],
                by_intent["harmless"],
                opener_ids,
                settings,
                cache=cache,
                progress=_Named(progress, language),
            )
        except AnalysisError as error:
            left_out[language] = str(error)
    return found, left_out


@dataclass
class _Named:
    """Progress whose stages say in which language."""

    inner: Progress
    language: str

    def update(self, stage: str, done: int, total: int) -> None:
        self.inner.update(f"{stage} ({self.language})", done, total)


def _error(fit: Calibration) -> float:
    """Standard error of the offset."""
    return (fit.offset_high - fit.offset_low) / (2 * Z95)
