"""Maps: the same for the same prompts, in any order, and something for any number of points."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from rasslib.boundary.projection import project_2d
from rasslib.errors import AnalysisError


def points(n: int, d: int = 16) -> np.ndarray:
    return np.random.default_rng(n).normal(size=(n, d)) * np.linspace(4, 1, d) + 100


def ids_for(n: int) -> list[str]:
    return [f"p{i:03d}" for i in range(n)]


@pytest.mark.parametrize("shape", [(40, 16), (12, 16), (50, 60), (80, 40)])
def test_pca_equals_sklearn_up_to_sign(shape):
    x = points(*shape)
    made, reference = project_2d(x, "pca"), PCA(2, svd_solver="full").fit(x)
    np.testing.assert_allclose(np.abs(made.xy), np.abs(reference.transform(x)), atol=1e-8)
    np.testing.assert_allclose(made.explained, reference.explained_variance_ratio_, rtol=1e-9)
    assert f"{sum(made.explained):.0%} of the variance" in made.note


@pytest.mark.parametrize("n", [20, 50])
def test_sign_of_pca_axes_is_fixed(n):
    """The feature that weighs most on an axis grows along it, whichever way the eigenvector came out."""
    x = points(n, 60)
    for data in (x, -x):
        xy = project_2d(data, "pca").xy
        for weights in ((data - data.mean(axis=0)).T @ xy).T:
            assert weights[np.abs(weights).argmax()] > 0


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9])
def test_few_points_are_shown_by_pca_and_the_note_says_so(n):
    made = project_2d(torch.from_numpy(points(n)), "umap", ids_for(n))
    assert made.xy.shape == (n, 2)
    assert np.isfinite(made.xy).all()
    assert made.method == "pca"
    assert f"PCA instead of UMAP, which needs 10 prompts or more (here {n})" in made.note
    if n > 1:
        assert np.ptp(made.xy[:, 0]) > 1


def test_distances_of_three_points_are_kept():
    """Three points lie in a plane, so PCA must show it exactly."""
    x = points(3)
    xy = project_2d(x, "pca").xy
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        assert np.linalg.norm(xy[i] - xy[j]) == pytest.approx(np.linalg.norm(x[i] - x[j]))


@pytest.mark.parametrize("n", [12, 60])
def test_pca_does_not_depend_on_the_order_of_rows(n):
    x, ids = points(n, 40), ids_for(n)
    order = np.random.default_rng(0).permutation(n)
    one = project_2d(x, "pca", ids)
    other = project_2d(x[order], "pca", [ids[i] for i in order])
    assert np.array_equal(one.xy[order], other.xy)


@pytest.mark.parametrize("n", [3, 7, 40])
def test_equal_prompts_lie_on_one_point(n):
    made = project_2d(np.full((n, 40), 0.1) + np.linspace(0, 300, 40), "pca")
    assert not made.xy.any()
    assert made.explained == (0.0, 0.0)


@pytest.mark.parametrize("n", [5, 60])
def test_points_on_a_line_have_no_second_axis(n):
    made = project_2d(np.outer(np.arange(n), np.ones(40)), "pca")
    assert not made.xy[:, 1].any()
    assert made.explained == (pytest.approx(1.0), 0.0)


def test_bad_input_is_told():
    with pytest.raises(AnalysisError, match="no prompts to draw"):
        project_2d(np.empty((0, 4)))
    with pytest.raises(AnalysisError, match="'tsne': choose one of umap, pca"):
        project_2d(points(5), "tsne")
    x = points(12)
    x[7, 0] = np.nan
    with pytest.raises(AnalysisError, match=r"\(p007\)"):
        project_2d(x, "umap", ids_for(12))


@pytest.mark.slow
def test_umap_repeats_in_any_order_and_keeps_groups_apart():
    n = 40
    x, ids = points(n), ids_for(n)
    x[::2, 0] += 80
    order = np.random.default_rng(0).permutation(n)
    one = project_2d(x, "umap", ids, n_neighbors=5)
    other = project_2d(x[order], "umap", [ids[i] for i in order], n_neighbors=5)
    assert one.method == "umap"
    assert one.explained is None
    assert one.settings == {"seed": 0, "n_neighbors": 5, "min_dist": 0.1}
    assert np.array_equal(one.xy[order], other.xy)
    groups = one.xy[::2], one.xy[1::2]
    between = np.linalg.norm(groups[0].mean(axis=0) - groups[1].mean(axis=0))
    assert between > max(np.linalg.norm(group - group.mean(axis=0), axis=1).max() for group in groups)
    few = project_2d(points(12), "umap")
    assert few.method == "umap"
    assert few.settings["n_neighbors"] == 11
    twins = project_2d(np.ones((12, 4)), "umap")
    assert np.isfinite(twins.xy).all()
