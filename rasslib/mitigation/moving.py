"""How the boundary moved: the same prompts in the same projection, before and after a training.

Margins are read on the axis that was fitted before the training, and on one fitted anew at the same layer with the same
train prompts. On the first, a prompt moves because its activation moved; on the second, because the axis did too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from rasslib.boundary.directions import fit_axis
from rasslib.boundary.margin import margins
from rasslib.boundary.plane import boundary_line, principal_plane
from rasslib.boundary.resampling import percentiles
from rasslib.boundary.run import Analysis
from rasslib.errors import AnalysisError
from rasslib.mitigation.measure import texts
from rasslib.models.lens import Lens
from rasslib.progress import Progress
from rasslib.workspace.files import plain

DRAWS = 2000
RANDOM = 200
"""Random directions, each of length one as the axis is, along which the change is measured too."""


@dataclass(frozen=True, eq=False)
class Moved:
    """Prompts before and after.

    Attributes:
        table: One row a test prompt: ``id``, ``prompt``, ``intent``, ``before``, ``after`` (margins on the axis
            before), ``refitted`` (margin on the axis fitted anew; NaN where there is none), and places ``x``, ``y``,
            ``x_after``, ``y_after`` on the plane of the prompts before.
        layer, position: Where it was read.
        explained: Shares of the variance before on the two axes of the plane.
        line: Two ends of the boundary's cut through the plane, where it cuts what is shown.
        cosine: Of the axis before and the one fitted anew; NaN where there is none.
        random: By intent, mean change along :data:`RANDOM` random directions in the units of the margin, [RANDOM].
    """

    table: pd.DataFrame
    layer: int
    position: str
    explained: tuple[float, float]
    line: tuple[tuple[float, float], tuple[float, float]] | None
    cosine: float
    random: Mapping[str, tuple[float, ...]]

    def by_intent(self, draws: int = DRAWS, seed: int = 0) -> dict[str, dict[str, Any]]:
        """Mean margin before and after and its change, by intent, with a bootstrap interval over prompts."""
        rng = np.random.default_rng(seed)
        found = {}
        for intent, rows in self.table.groupby("intent", sort=True):
            change = (rows["after"] - rows["before"]).to_numpy(np.float64)
            means = change[rng.integers(0, len(change), (draws, len(change)))].mean(axis=1)
            low, high = percentiles(means)
            found[str(intent)] = {
                "n": len(rows),
                "before": float(rows["before"].mean()),
                "after": float(rows["after"].mean()),
                "change": float(change.mean()),
                "low": low,
                "high": high,
                "random": list(percentiles(np.array(self.random[str(intent)]))),
                "refitted": _number(float(rows["refitted"].mean())),
                "crossed_to_harmless": int(((rows["before"] > 0) & (rows["after"] <= 0)).sum()),
                "crossed_to_harmful": int(((rows["before"] <= 0) & (rows["after"] > 0)).sum()),
            }
        return found

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the summary by intent, without the prompts."""
        return {
            "layer": self.layer,
            "position": self.position,
            "axis": "intent, fitted before the training on the train split",
            "split": "test",
            "cosine_of_refitted_axis": _number(self.cosine),
            "by_intent": self.by_intent(),
        }


def how_moved(run: Analysis, after: Lens, progress: Progress | None = None) -> Moved:
    """Read the run's prompts in a trained model, at the run's layer and position; what was read is kept.

    Args:
        run: A run of the model before the training; its intent axis counts.
        after: The trained model, under the same chat template.
        progress: Told after each stored batch; may raise ``Stopped``.

    Raises:
        AnalysisError: The trained model has another shape or template.
    """
    axis = run.directions.get("intent", run.directions[run.axis])[run.layer]
    x = run.activations(run.layer)
    template = str(run.summary["model"]["template_hash"])
    if after.template_hash != template or after.d_model != x.shape[1] or after.n_layers != run.n_layers:
        raise AnalysisError(
            f"{after.name} has another shape or chat template than the model before the training; compare models "
            "made from one base, under one template."
        )
    used = (run.prompts["split"] == "test") | _fitted(run.prompts)
    prompts = run.prompts[used].reset_index(drop=True)
    asked, store = texts(prompts), run.workspace.activations
    # One layer alone: whole runs of every arm would fill the disk.
    key, at = f"{after.key}-layer-{run.layer}", (run.position,)
    known = store.has(key, asked, at)
    unread = [i for i in asked if i not in known]
    if unread:
        after.capture(
            [asked[i] for i in unread],
            [run.layer],
            at,
            progress=progress,
            on_batch=lambda rows, part: store.put(key, [unread[row] for row in rows], part.activations),
        )
    y = store.get(key, list(asked), run.position)[:, 0].float()
    return moved(prompts, x[used.to_numpy(copy=True)], y, axis, run.layer, run.position)


def moved(prompts: pd.DataFrame, x: torch.Tensor, y: torch.Tensor, axis: Any, layer: int, position: str) -> Moved:
    """The same from activations.

    Args:
        prompts: n prompts with ``id``, ``prompt``, ``intent`` and ``split``.
        x: [n, d] before.
        y: [n, d] after.
        axis: The direction that was fitted before.
        layer: Where they were read.
        position: Where they were read.
    """
    shown = (prompts["split"] == "test").to_numpy(copy=True)
    if not shown.any():
        raise AnalysisError("No prompt belongs to the test split, on which what moved is shown: add some.")
    anew = _refitted(prompts, y, layer, position)
    plane = principal_plane(x[shown].double().numpy(), axis)
    places = {name: (part[shown].double().numpy() - plane.mean) @ plane.axes.T for name, part in (("x", x), ("y", y))}
    both = np.concatenate(list(places.values()))
    line = boundary_line(plane, axis)
    low, high = both.min(axis=0), both.max(axis=0)
    cut = None if line is None else line.segment((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))
    table = prompts.loc[shown, ["id", "prompt", "intent"]].reset_index(drop=True)
    table = table.assign(
        before=_margin(x[shown], axis),
        after=_margin(y[shown], axis),
        refitted=_margin(y[shown], anew) if anew is not None else math.nan,
        x=places["x"][:, 0],
        y=places["x"][:, 1],
        x_after=places["y"][:, 0],
        y_after=places["y"][:, 1],
    )
    cosine = float(axis.unit @ anew.unit) if anew is not None and anew.gap > 0 and axis.gap > 0 else math.nan
    ends = None if cut is None else (cut.start, cut.end)
    along = _along_random(y[shown] - x[shown], axis.gap)
    random = {str(i): tuple(along[rows].mean(axis=0).tolist()) for i, rows in table.groupby("intent").indices.items()}
    return Moved(table, layer, position, plane.explained, ends, cosine, random)


def moves(found: Mapping[str, Moved], missing: Mapping[str, str]) -> dict[str, Any]:
    """What moved in every arm, and why it is not told of others, as it is added to a comparison: plain JSON."""
    told: dict[str, Any] = {"moved": {arm: one.as_dict() for arm, one in found.items()}}
    return dict(plain(told | ({"not_moved": dict(missing)} if missing else {})))


def _refitted(prompts: pd.DataFrame, y: torch.Tensor, layer: int, position: str) -> Any:
    """The intent axis of the trained model at the same layer; None where train prompts of a class are missing."""
    rows = _fitted(prompts).to_numpy(copy=True)
    high = (prompts["intent"] == "harmful").to_numpy()[rows]
    if not rows.any() or high.all() or not high.any():
        return None
    return fit_axis(y[rows][:, None], high, layers=[layer], position=position)[0]


def _fitted(prompts: pd.DataFrame) -> pd.Series[bool]:
    """The prompts an intent axis is fitted on."""
    return (prompts["split"] == "train") & prompts["intent"].isin(("harmful", "harmless"))


def _along_random(change: torch.Tensor, gap: float) -> NDArray[np.float64]:
    """Change of a margin, were its axis a random direction of the same scale: [n, RANDOM]."""
    drawn = torch.randn(RANDOM, change.shape[1], dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    units = drawn / drawn.norm(dim=1, keepdim=True)
    found: NDArray[np.float64] = (change.double() @ units.T * (2 / gap if gap > 0 else math.nan)).numpy()
    return found


def _margin(x: torch.Tensor, axis: Any) -> NDArray[np.float64]:
    return margins(x[:, None], [axis])[:, 0]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
