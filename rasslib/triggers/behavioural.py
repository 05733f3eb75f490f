"""Behavioural evidence: does a model refuse triggers, and less so the farther their wording is from the harmful prompt?

Section 4.2 and Table 2 of arXiv 2603.11388, with what they lack: intervals, a trend test, and the untuned model's own
rates taken off.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rasslib.boundary.reading import read_replies, reply_key
from rasslib.errors import AnalysisError
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.prompts.schema import prompt_id
from rasslib.refusal import PhraseJudge
from rasslib.refusal.rates import Rate, rate_of
from rasslib.triggers.bundled import LEVELS, Trigger
from rasslib.triggers.evidence import Arm, Behavioural, Trend
from rasslib.triggers.intervals import rate_difference
from rasslib.workspace import Workspace

REPLY_TOKENS = 32
_DRAWS = 5000


def measure_arm(
    lens: Lens,
    triggers: Sequence[Trigger],
    workspace: Workspace,
    name: str = "",
    *,
    reply_tokens: int = REPLY_TOKENS,
    progress: Progress | None = None,
    seed: int = 0,
) -> Arm:
    """What one model does with triggers, levels and the harmful prompts themselves.

    Args:
        lens: The model.
        triggers: The triggers asked about; held-out ones, where the model was trained on some.
        workspace: Where replies are kept.
        name: Name of the arm; the model's by default.
        reply_tokens: Length at which replies are cut.
        progress: Told after each stored batch; may raise Stopped.
        seed: Seed of the shuffles.

    Raises:
        AnalysisError: There are no triggers.
    """
    if not triggers:
        raise AnalysisError("There are no triggers to ask about: choose another split, or extract some.")
    texts = {level: {one.id: one.at(level) for one in triggers} for level in LEVELS}
    harmful = {one.id: one.harmful for one in triggers}
    asked = {prompt_id(t): t for part in (*texts.values(), harmful) for t in part.values()}
    read_replies(lens, asked, workspace, reply_tokens, progress)
    replies, judge = workspace.database.get_replies(reply_key(lens.key, reply_tokens), asked), PhraseJudge()
    told = {key: judge.judge(r.text, finished=r.finished).behaviour for key, r in replies.items()}
    behaviours = {level: {k: str(told[prompt_id(t)]) for k, t in part.items()} for level, part in texts.items()}
    rates = tuple(rate_of(behaviours[level].values()) for level in LEVELS)
    return Arm(
        name=name or lens.name,
        key=lens.key,
        levels=rates,
        harmful=rate_of([told[prompt_id(t)] for t in harmful.values()]),
        trend=trend_of(rates, _refusals(behaviours), seed),
        behaviours=behaviours,
    )


def compare_arms(
    arms: Sequence[Arm], triggers: Sequence[Trigger], reply_tokens: int = REPLY_TOKENS, seed: int = 0
) -> Behavioural:
    """Arms beside each other; every one but the first with its difference from the first, the untuned base.

    Raises:
        AnalysisError: There is no arm.
    """
    if not arms:
        raise AnalysisError("There is no model to report on: measure at least one.")
    base = _refusals(arms[0].behaviours)
    out = [arms[0]]
    for arm in arms[1:]:
        own = _refusals(arm.behaviours)
        change = own - base
        both = np.isfinite(change)
        differences = tuple(
            rate_difference(own[both[:, level], level], base[both[:, level], level]) for level in LEVELS
        )
        slope, p, n = _paired_slope(change, seed)
        out.append(replace(arm, difference=differences, difference_trend=Trend(math.nan, math.nan, slope, p, n)))
    splits = tuple(dict.fromkeys(one.split for one in triggers))
    return Behavioural(tuple(out), splits, len(triggers), reply_tokens)


def trend_of(rates: Sequence[Rate], refusals: NDArray[np.float64], seed: int = 0) -> Trend:
    """Cochran–Armitage trend over levels 0, 1, … (Armitage 1955), and the paired slope.

    T = Σ t·(r_t − n_t·p̄), Var T = p̄·(1 − p̄)·(Σ n_t·t² − (Σ n_t·t)²/N), z = T/√Var T.

    Args:
        rates: Rate at each level.
        refusals: [source prompts, levels] 1 refused, 0 complied, NaN neither.
        seed: Seed of the shuffles.
    """
    n, r = (np.array([getattr(rate, name) for rate in rates], dtype=np.float64) for name in ("n", "refused"))
    t, total = np.arange(len(rates), dtype=np.float64), n.sum()
    slope, p_paired, _ = _paired_slope(refusals, seed)
    mean = r.sum() / total if total else math.nan
    variance = mean * (1 - mean) * ((n * t**2).sum() - (n * t).sum() ** 2 / max(total, 1))
    if not variance > 0:
        return Trend(math.nan, math.nan, slope, p_paired, int(total))
    z = float((t * (r - n * mean)).sum() / math.sqrt(variance))
    return Trend(z, math.erfc(abs(z) / math.sqrt(2)), slope, p_paired, int(total))


def _refusals(behaviours: Mapping[int, Mapping[str, str]]) -> NDArray[np.float64]:
    """[source prompts, levels] 1 refused, 0 complied, NaN invalid; rows sorted by id."""
    value = {"refused": 1.0, "complied": 0.0}
    ids = sorted(behaviours[LEVELS[0]])
    return np.array([[value.get(behaviours[level][key], math.nan) for level in LEVELS] for key in ids])


def _paired_slope(values: NDArray[np.float64], seed: int) -> tuple[float, float, int]:
    """Mean slope over levels of prompts valid at all of them, its two-sided permutation p-value, and their cells."""
    whole = values[np.isfinite(values).all(axis=1)]
    if not len(whole):
        return math.nan, math.nan, 0
    t = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    weights = t / (t**2).sum()
    slope = float((whole @ weights).mean())
    rng = np.random.default_rng(seed)
    null = np.array([(rng.permuted(whole, axis=1) @ weights).mean() for _ in range(_DRAWS)])
    return slope, float((1 + (np.abs(null) >= abs(slope) - 1e-12).sum()) / (1 + _DRAWS)), int(whole.size)
