"""Representational evidence: do refused prompts lie nearer to triggers in the residual stream than answered ones?

Section 4.3 and Figure 3 of arXiv 2603.11388: sim(a, b) is the mean over layers i ≥ ⌊0.45·L⌋ of cos(x_i(a), x_i(b));
score_k(q) is the mean of the k largest sim(q, trigger). Added: AUC with interval, also within intents alone,
permutation p-value, both read positions, centred states, length taken off, and as many anchors that are no triggers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from rasslib.boundary.analysis import settings_of
from rasslib.boundary.reading import read_activations, score_openers
from rasslib.boundary.resampling import percentiles, resamples, weighted_auc
from rasslib.boundary.run import Analysis
from rasslib.boundary.statistics import Interval, auc, bootstrap_auc
from rasslib.errors import AnalysisError
from rasslib.models.lens import POSITIONS, Lens
from rasslib.progress import Progress
from rasslib.prompts.schema import prompt_id
from rasslib.triggers.evidence import Box, Difference, Nearness, Representational
from rasslib.workspace import Workspace

KS = (5, 10, 15, 20)
FIRST_LAYER = 0.45
"""Layer 15 of 32, counted from 1, as a share (the paper's; that other depths scale with it is our reading)."""

_CHUNK = 512
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NearnessSettings:
    """How nearness is measured.

    Attributes:
        ks: Numbers of nearest anchors.
        positions: Read positions.
        splits: Splits of the queries: not those whose triggers are the anchors.
        intents: Intents of the queries.
        draws: Resamples and permutations.
        seed: Seed of these and of the control anchors.
    """

    ks: tuple[int, ...] = KS
    positions: tuple[str, ...] = field(default=POSITIONS)
    splits: tuple[str, ...] = ("validation", "test")
    intents: tuple[str, ...] = ("borderline", "harmless")
    draws: int = 2000
    seed: int = 0


def representational_evidence(
    lens: Lens,
    run: Analysis,
    triggers: Sequence[str],
    controls: Sequence[str],
    settings: NearnessSettings | None = None,
    progress: Progress | None = None,
) -> Representational:
    """Nearness of a run's benign prompts to triggers and to control anchors, refused against answered.

    Args:
        lens: The run's model.
        run: A finished run.
        triggers: Anchor texts.
        controls: Texts that are no triggers; as many as there are triggers are drawn.
        settings: See :class:`NearnessSettings`.
        progress: Told after each stored batch; may raise Stopped.

    Raises:
        AnalysisError: Too few anchors for the largest k, or queries that were all refused or all answered.
    """
    settings = settings or NearnessSettings()
    if lens.key != run.key:
        raise AnalysisError(f"This run was made with another model or template than {lens.name}; load that one.")
    anchors = _anchors(triggers, controls, settings)
    table = run.prompts
    chosen = table["split"].isin(settings.splits) & table["intent"].isin(settings.intents)
    table = table[chosen & table["behaviour"].isin(["refused", "complied"])]
    refused = (table["behaviour"] == "refused").to_numpy()
    if refused.sum() < 2 or (~refused).sum() < 2:
        raise AnalysisError(
            f"Of {len(table)} benign prompts {int(refused.sum())} were refused: at least two refused and two answered "
            "ones are needed; choose other splits or prompts."
        )
    texts = {i: t for part in anchors.values() for i, t in part.items()} | dict(
        zip(table["id"], table["prompt"], strict=True)
    )
    openers = score_openers(lens, settings_of(run).openers)
    read_activations(lens, texts, run.workspace, openers, progress, settings.positions)
    layers = tuple(range(int(FIRST_LAYER * lens.n_layers), lens.n_layers))
    length = np.log([max(1, len(lens.encode(text))) for text in table["prompt"]])
    ids, intents = table["id"].tolist(), table["intent"].to_numpy(dtype=str)
    scores: dict[str, list[float | str]] = {"id": list(ids), "behaviour": table["behaviour"].tolist()}
    rows, beyond = [], []
    for position in settings.positions:
        near = {
            kind: {
                centred: nearest(run.workspace, lens.key, ids, list(part), position, layers, settings.ks, centred)
                for centred in (False, True)
            }
            for kind, part in anchors.items()
        }
        for centred in (False, True):
            for column, k in enumerate(settings.ks):
                pair = [near[kind][centred][:, column] for kind in anchors]
                for kind, z in zip(anchors, pair, strict=True):
                    rows.append(_nearness(position, kind, k, centred, z, refused, intents, length, settings))
                    scores[f"{position}|{kind}|{k}|{'centred' if centred else 'raw'}"] = z.tolist()
                beyond.append((position, k, centred, _auc_gain(pair[0], pair[1], refused, settings)))
    return Representational(
        rows=tuple(rows),
        beyond_control=tuple(beyond),
        n_anchors=len(anchors["trigger"]),
        layers=layers,
        length_auc=bootstrap_auc(length, refused, settings.draws, settings.seed),
        scores=scores,
    )


def nearest(
    workspace: Workspace,
    key: str,
    queries: Sequence[str],
    anchors: Sequence[str],
    position: str,
    layers: Sequence[int],
    ks: Sequence[int],
    centred: bool,
) -> Floats:
    """score_k of each query [queries, ks]; an anchor that is the query itself is left out.

    Args:
        workspace: Holds the activations.
        key: Key of the model.
        queries: Prompt ids.
        anchors: Prompt ids.
        position: Read position.
        layers: Layers averaged over.
        ks: Numbers of nearest anchors.
        centred: Subtract the mean state of all queries, layer by layer, before the cosine.
    """

    def states(ids: Sequence[str]) -> NDArray[np.float32]:
        read: Any = workspace.activations.get(key, list(ids), position, list(layers)).float().numpy()
        return np.asarray(read, dtype=np.float32)

    parts = [list(queries[start : start + _CHUNK]) for start in range(0, len(queries), _CHUNK)]
    mean = sum(states(part).sum(axis=0) for part in parts) / len(queries) if centred else np.float32(0)

    def unit(x: NDArray[np.float32]) -> NDArray[np.float32]:
        moved = x - mean
        norm = np.linalg.norm(moved, axis=2, keepdims=True)
        # Concatenated unit vectors: one product of them is the sum of the layers' cosines.
        flat = np.divide(moved, norm, out=np.zeros_like(moved), where=norm > 0).reshape(len(x), -1)
        return np.asarray(flat, dtype=np.float32)

    to = unit(states(anchors))
    place = {name: row for row, name in enumerate(anchors)}
    out = []
    for part in parts:
        cosine = (unit(states(part)) @ to.T).astype(np.float64) / len(layers)
        for row, name in enumerate(part):
            if name in place:
                cosine[row, place[name]] = -np.inf
        order = -np.sort(-cosine, axis=1)
        out.append(np.stack([order[:, :k].mean(axis=1) for k in ks], axis=1))
    return np.concatenate(out)


def auc_within(z: Floats, high: NDArray[np.bool_], strata: NDArray[np.str_], weights: Floats | None = None) -> Floats:
    """Share of pairs of one stratum in which the high one scores higher, ties half; NaN without such a pair.

    Args:
        z: [n] scores.
        high: [n] class.
        strata: [n] only pairs of one of these count.
        weights: [draws, n] of resamples that keep the size of every class in every stratum; one of ones by default.

    Returns:
        [draws].
    """
    weights = np.ones((1, len(z))) if weights is None else weights
    won, pairs = np.zeros(len(weights)), 0
    for name in np.unique(strata):
        here = strata == name
        if n := int(high[here].sum() * (~high[here]).sum()):
            won, pairs = won + n * weighted_auc(z[here], high[here], weights[:, here]), pairs + n
    return won / pairs if pairs else np.full(len(weights), np.nan)


def bootstrap_within(z: Floats, high: NDArray[np.bool_], strata: NDArray[np.str_], draws: int, seed: int) -> Interval:
    """:func:`auc_within` with a percentile interval, resampled within stratum and class."""
    cells = np.char.add(strata, np.where(high, "+", "-"))
    order = np.argsort(cells, kind="stable")
    z, high, strata = z[order], high[order], strata[order]
    seen = np.concatenate([auc_within(z, high, strata, w) for w in resamples(cells[order], draws, seed)])
    counts = int(high.sum()), int((~high).sum())
    return Interval(float(auc_within(z, high, strata)[0]), *percentiles(seen), *counts)


def permutation_p(z: Floats, high: NDArray[np.bool_], strata: NDArray[np.str_], draws: int, seed: int) -> float:
    """One-sided p-value of the AUC within strata, labels shuffled within them: (1 + hits) / (1 + draws).

    NaN where no stratum holds both classes. Shuffled across intents, the test would also reject where nearness only
    tells borderline from harmless.
    """
    if not any(0 < high[strata == name].mean() < 1 for name in np.unique(strata)):
        return float("nan")
    rng, null, seen = np.random.default_rng(seed), np.zeros(draws), 0.0
    for name in np.unique(strata):
        here = np.flatnonzero(strata == name)
        ranks, n = rankdata(z[here]), int(high[here].sum())
        seen += float(ranks[high[here]].sum())
        null += np.array([ranks[rng.permutation(len(here))[:n]].sum() for _ in range(draws)])
    return float((1 + (null >= seen - 1e-9).sum()) / (1 + draws))


def _anchors(triggers: Sequence[str], controls: Sequence[str], settings: NearnessSettings) -> dict[str, dict[str, str]]:
    trigger = {prompt_id(text): text for text in triggers}
    control = {prompt_id(text): text for text in controls if prompt_id(text) not in trigger}
    # One more than k: a query that is an anchor is left out of its own.
    if min(len(trigger), len(control)) <= max(settings.ks):
        raise AnalysisError(
            f"There are {len(trigger)} triggers and {len(control)} control prompts; more than {max(settings.ks)} of "
            "each are needed: add some, or take a smaller k."
        )
    n = min(len(trigger), len(control))
    drawn = {}
    for kind, part in (("trigger", trigger), ("control", control)):
        names = sorted(part)
        keep = np.sort(np.random.default_rng(settings.seed).permutation(len(names))[:n])
        drawn[kind] = {names[row]: part[names[row]] for row in keep}
    return drawn


def _nearness(
    position: str,
    kind: str,
    k: int,
    centred: bool,
    z: Floats,
    refused: NDArray[np.bool_],
    intents: NDArray[np.str_],
    length: Floats,
    s: NearnessSettings,
) -> Nearness:
    line = np.polyfit(length, z, 1) if np.ptp(length) > 0 else np.array([0.0, float(z.mean())])
    return Nearness(
        position=position,
        anchors=kind,
        k=k,
        centred=centred,
        refused=_box(z[refused]),
        answered=_box(z[~refused]),
        auc=bootstrap_auc(z, refused, s.draws, s.seed),
        auc_within=bootstrap_within(z, refused, intents, min(s.draws, 1000), s.seed),
        p=permutation_p(z, refused, intents, s.draws, s.seed),
        auc_beyond_length=bootstrap_auc(z - np.polyval(line, length), refused, s.draws, s.seed),
    )


def _box(z: Floats) -> Box:
    return Box(len(z), *(float(q) for q in np.quantile(z, (0.05, 0.25, 0.5, 0.75, 0.95))))


def _auc_gain(ours: Floats, control: Floats, refused: NDArray[np.bool_], s: NearnessSettings) -> Difference:
    """AUC with triggers minus AUC with control anchors, resampled over the same prompts within each class."""
    rng, groups = np.random.default_rng(s.seed), [np.flatnonzero(refused), np.flatnonzero(~refused)]
    gains = []
    for _ in range(min(s.draws, 1000)):
        rows = np.concatenate([group[rng.integers(len(group), size=len(group))] for group in groups])
        gains.append(auc(ours[rows], refused[rows]) - auc(control[rows], refused[rows]))
    low, high = np.quantile(gains, (0.025, 0.975))
    return Difference(len(refused), auc(ours, refused) - auc(control, refused), float(low), float(high))


def anchors_of(run: Analysis, texts: Sequence[str]) -> list[str]:
    """Harmless training prompts of a run that are none of ``texts``: the pool of control anchors."""
    table = run.prompts
    pool = table[(table["intent"] == "harmless") & (table["split"] == "train") & ~table["prompt"].isin(list(texts))]
    return [str(text) for text in pool["prompt"]]
