"""The three views of the map at one layer, computed once and kept with the run.

Orientation is kept between layers: starting from the run's chosen layer, each layer's plane is turned to lie like the
one before (:mod:`rasslib.boundary.alignment`). UMAP starts from the turned PCA of its own layer and is turned onto it,
so that it follows the same orientation and yet knows nothing of other layers. What a view looks like therefore does
not depend on the way by which one came to it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from rasslib.boundary.alignment import sign_onto, turn_onto
from rasslib.boundary.checks import Floats, as_matrix
from rasslib.boundary.map_words import view_note
from rasslib.boundary.plane import BoundaryLine, Plane, boundary_line, principal_plane, remaining_component
from rasslib.boundary.projection import FEWEST_FOR_UMAP, project_2d
from rasslib.boundary.run import Analysis
from rasslib.errors import AnalysisError
from rasslib.progress import Progress, Silent
from rasslib.workspace.files import atomic_bytes

VIEWS = ("umap", "pca", "axis")


@dataclass(frozen=True, eq=False)
class MapView:
    """What is drawn.

    Attributes:
        view: The view asked for.
        method: What was drawn: ``pca`` instead of ``umap`` where there are too few points.
        xy: [n, 2] float64, rows as the run's prompts.
        explained: Shares of variance: of both axes (PCA), of y among what is left (axis view, x unused); UMAP none.
        line: The boundary on the plane (PCA only).
        titles: Of the two axes.
        note: What a reader has to know.
    """

    view: str
    method: str
    xy: Floats
    explained: tuple[float, float] | None
    line: BoundaryLine | None
    titles: tuple[str, str]
    note: str


@dataclass(frozen=True, eq=False)
class _Kept:
    """What is on disk: xy [n, 2], the plane's mean [d] and axes [2, d] (zero for UMAP), shares, method."""

    xy: Floats
    mean: Floats
    axes: Floats
    explained: tuple[float, float] | None
    method: str


def draw(run: Analysis, layer: int, view: str, progress: Progress | None = None) -> MapView:
    """A view of a run at one layer.

    Args:
        run: The run.
        layer: Layer, 0-based.
        view: ``umap``, ``pca`` or ``axis``.
        progress: Told after each kept layer; may raise Stopped.

    Raises:
        AnalysisError: There is no such view or layer, an activation is not finite, or (axis view) the layer has no
            direction.
    """
    if view not in VIEWS:
        raise AnalysisError(f"There is no view {view!r}: choose one of {', '.join(VIEWS)}.")
    if not 0 <= layer < run.n_layers:
        raise AnalysisError(f"There is no layer {layer}: this model has layers 0 to {run.n_layers - 1}.")
    told = progress or Silent()
    kept = _umap(run, layer, told) if view == "umap" else _chain(run, layer, view, told)
    direction = run.directions[run.axis][layer]
    line = None
    if kept.method == "pca":
        line = boundary_line(Plane(kept.mean, kept.axes, kept.explained or (0.0, 0.0)), direction)
    margin = run.margins[:, layer].astype(np.float64)
    xy = kept.xy
    if view == "axis":
        xy = np.column_stack([margin, kept.xy[:, 1]])
    titles, note = view_note(view, kept.method, kept.explained, line, xy, margin, len(xy), FEWEST_FOR_UMAP)
    return MapView(view, kept.method, xy, kept.explained, line, titles, note)


def kept_layers(run: Analysis, view: str) -> list[int]:
    """Layers whose view is on disk already: moving through them computes nothing."""
    return [layer for layer in range(run.n_layers) if _path(run, layer, view).is_file()]


def _chain(run: Analysis, layer: int, view: str, progress: Progress) -> _Kept:
    """PCA or axis view of a layer, each layer on the way from the chosen one turned onto the one before."""
    step = 1 if layer >= run.layer else -1
    way = list(range(run.layer, layer + step, step))
    found = _read(run, layer, view)
    if found is not None:
        return found
    before: _Kept | None = None
    for done, number in enumerate(way):
        kept = _read(run, number, view)
        if kept is None:
            kept = _plane(run, number, view, before)
            _write(run, number, view, kept)
        if kept.xy.any():  # a layer that reads all prompts alike has no orientation to hand on
            before = kept
        found = kept
        progress.update("Turning each layer onto the one before", done + 1, len(way))
    assert found is not None  # the way holds at least the layer itself
    return found


def _plane(run: Analysis, layer: int, view: str, before: _Kept | None) -> _Kept:
    x, back = _sorted_rows(run, layer)
    direction = run.directions[run.axis][layer]
    if view == "axis":
        if direction.gap <= 0:
            # A layer between two others may have no direction; it must not stop those behind it.
            xy, axes, explained = np.zeros((len(x), 2)), np.zeros((2, x.shape[1])), (0.0, 0.0)
            return _Kept(xy, x.mean(axis=0), axes, explained, "none")
        component, share = remaining_component(x, direction)
        mean = x.mean(axis=0)
        y = ((x - mean) @ component)[back]
        sign = 1.0 if before is None else sign_onto(y, before.xy[:, 1])
        axes = np.stack([direction.unit.numpy(), sign * component])
        return _Kept(np.column_stack([np.zeros(len(y)), sign * y]), mean, axes, (0.0, share), "axis")
    plane = principal_plane(x, direction)
    xy = ((x - plane.mean) @ plane.axes.T)[back]
    turn = np.eye(2) if before is None else turn_onto(xy, before.xy)
    total = sum(plane.explained)
    xy = xy @ turn
    variances = (xy**2).sum(axis=0)
    shares = variances / variances.sum() * total if variances.sum() > 0 else np.zeros(2)
    return _Kept(xy, plane.mean, turn.T @ plane.axes, (float(shares[0]), float(shares[1])), "pca")


def _umap(run: Analysis, layer: int, progress: Progress) -> _Kept:
    pca = _chain(run, layer, "pca", progress)
    if len(run.prompts) < FEWEST_FOR_UMAP:
        return pca
    kept = _read(run, layer, "umap")
    if kept is not None:
        return kept
    made = project_2d(run.activations(layer), "umap", run.prompts["id"].tolist(), start=pca.xy)
    if made.method != "umap":
        return pca
    around = made.xy - made.xy.mean(axis=0)
    kept = _Kept(around @ turn_onto(around, pca.xy), np.zeros(1), np.zeros((2, 1)), None, "umap")
    _write(run, layer, "umap", kept)
    return kept


def _sorted_rows(run: Analysis, layer: int) -> tuple[Floats, np.ndarray]:
    """Activations [n, d] sorted by id, so that the order of prompts changes nothing, and the way back [n]."""
    ids = run.prompts["id"].tolist()
    order = np.argsort(np.asarray(ids, dtype=str), kind="stable")
    return as_matrix(run.activations(layer), ids)[order], np.argsort(order, kind="stable")


def _path(run: Analysis, layer: int, view: str) -> Path:
    return run.folder / f"view-{view}-{layer}.safetensors"


def _stamp(run: Analysis, layer: int) -> str:
    """What a kept view depends on besides the activations: prompts in order, the chosen layer, the direction."""
    direction = run.directions[run.axis][layer]
    digest = hashlib.sha256("\n".join(run.prompts["id"]).encode("utf-8", "surrogatepass"))
    digest.update(f"{run.key} {run.position} {run.axis} {run.layer} {direction.gap}".encode())
    digest.update(direction.vector.numpy().tobytes())
    return digest.hexdigest()[:32]


def _write(run: Analysis, layer: int, view: str, kept: _Kept) -> None:
    arrays = {"xy": kept.xy, "mean": kept.mean, "axes": kept.axes}
    meta = {"stamp": _stamp(run, layer), "method": kept.method, "explained": json.dumps(kept.explained)}
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, meta)
    atomic_bytes(_path(run, layer, view), data)


def _read(run: Analysis, layer: int, view: str) -> _Kept | None:
    """A kept view; None where there is none, it is damaged, or it was made of something else."""
    path = _path(run, layer, view)
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            meta = file.metadata() or {}
            if meta.get("stamp") != _stamp(run, layer):
                return None
            explained = json.loads(meta["explained"])
            xy, mean, axes = (file.get_tensor(name) for name in ("xy", "mean", "axes"))
    except (SafetensorError, OSError, ValueError, KeyError):
        return None
    return _Kept(xy, mean, axes, None if explained is None else (explained[0], explained[1]), meta["method"])
