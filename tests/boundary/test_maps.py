"""Views of a run: kept, and lying alike through the layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from rasslib.boundary.directions import fit_axis
from rasslib.boundary.maps import draw, kept_layers
from rasslib.boundary.margin import margins
from rasslib.boundary.plane import BoundaryLine
from rasslib.errors import AnalysisError


def run_of(acts: torch.Tensor, labels: np.ndarray, folder: Path, layer: int = 1) -> Any:
    """What the maps use of a run."""
    directions = tuple(fit_axis(acts, labels, axis="intent", position="last_template"))
    return SimpleNamespace(
        prompts=pd.DataFrame({"id": [f"p{i:04d}" for i in range(len(acts))]}),
        folder=folder,
        key="k",
        position="last_template",
        axis="intent",
        layer=layer,
        n_layers=acts.shape[1],
        directions={"intent": directions},
        margins=margins(acts, directions).astype(np.float32),
        activations=lambda number: acts[:, number],
    )


def rotated_layers(n: int = 60, d: int = 12) -> tuple[torch.Tensor, np.ndarray]:
    """Each layer is the one before in another basis: their pictures differ by a turn alone."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2 == 0
    x = rng.normal(size=(n, d)) * np.linspace(3, 0.2, d)
    x[:, 0] += labels * 4.0
    layers = [x]
    for _ in range(3):
        layers.append(layers[-1] @ np.linalg.qr(rng.normal(size=(d, d)))[0])
    return torch.from_numpy(np.stack(layers, axis=1)).float(), labels


@pytest.mark.parametrize("view", ["pca", "axis"])
def test_layers_that_differ_by_a_turn_look_the_same(tmp_path: Path, view: str) -> None:
    run = run_of(*rotated_layers(), tmp_path)
    first = draw(run, 1, view).xy
    assert np.ptp(first, axis=0).min() > 1
    for layer in (0, 2, 3):
        np.testing.assert_allclose(draw(run, layer, view).xy, first, atol=1e-3)


def test_the_way_to_a_layer_changes_nothing_and_is_kept(tmp_path: Path, planted: Any) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    one, other = (run_of(planted.acts, planted.labels, folder) for folder in (a, b))
    at_once = draw(one, 3, "pca").xy
    for layer in (0, 1, 2):
        draw(other, layer, "pca")
    assert np.array_equal(draw(other, 3, "pca").xy, at_once)
    assert kept_layers(one, "pca") == [1, 2, 3]
    one.activations = None  # nothing is read again
    assert np.array_equal(draw(one, 2, "pca").xy, draw(other, 2, "pca").xy)


def test_the_line_of_a_turned_plane_still_parts_the_margins(tmp_path: Path) -> None:
    run = run_of(*rotated_layers(), tmp_path)
    for layer in range(4):
        view = draw(run, layer, "pca")
        assert isinstance(view.line, BoundaryLine) and view.line.share > 0.9
        assert view.line.agreement(view.xy, run.margins[:, layer].astype(float)) > 0.85


def test_x_of_the_axis_view_is_the_margin(tmp_path: Path, planted: Any) -> None:
    run = run_of(planted.acts, planted.labels, tmp_path)
    np.testing.assert_array_equal(draw(run, 2, "axis").xy[:, 0], run.margins[:, 2].astype(float))


def test_a_damaged_or_outdated_view_is_made_again(tmp_path: Path, planted: Any) -> None:
    run = run_of(planted.acts, planted.labels, tmp_path)
    first = draw(run, 1, "pca").xy
    path = tmp_path / "view-pca-1.safetensors"
    path.write_bytes(b"nothing")
    assert np.array_equal(draw(run, 1, "pca").xy, first)
    run.directions = {"intent": tuple(replace(d, vector=-d.vector) for d in run.directions["intent"])}
    assert not np.array_equal(draw(run, 1, "pca").xy, first)


@pytest.mark.parametrize("n", [2, 3, 9])
def test_few_prompts_get_pca_and_are_told(tmp_path: Path, n: int) -> None:
    labels = np.arange(n) % 2 == 0
    acts = torch.randn(n, 2, 8, generator=torch.Generator().manual_seed(n))
    view = draw(run_of(acts, labels, tmp_path, 0), 1, "umap")
    assert view.method == "pca" and view.xy.shape == (n, 2)
    assert f"needs 10 prompts or more (here {n})" in view.note


def test_wrong_layers_and_views_are_told(tmp_path: Path, planted: Any) -> None:
    run = run_of(planted.acts, planted.labels, tmp_path)
    with pytest.raises(AnalysisError, match="layers 0 to 3"):
        draw(run, 4, "pca")
    with pytest.raises(AnalysisError, match="no view"):
        draw(run, 1, "tsne")
