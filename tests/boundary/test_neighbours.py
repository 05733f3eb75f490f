"""Nearest prompts by centred cosine."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rasslib.boundary.neighbours import nearest
from rasslib.errors import AnalysisError


def test_nearest_first_by_angle_not_by_distance():
    x = torch.tensor([[10.0, 1.0], [0.1, 0.0], [0.0, 5.0], [-3.0, 0.0]])
    found = nearest(x, torch.tensor([1.0, 0.0]), 4, center=False)
    assert found.indices.tolist() == [1, 0, 2, 3]
    np.testing.assert_allclose(found.cosine, [1.0, 10 / np.sqrt(101), 0.0, -1.0])


def test_centring_takes_off_the_common_part():
    """A shared offset makes all cosines near 1; with the mean off, opposite rows are opposite again."""
    rng = np.random.default_rng(0)
    half = rng.normal(size=(20, 8))
    x = np.concatenate([half, -half]) + 1000
    raw, centred = nearest(x, x[0], 40, center=False), nearest(x, x[0], 40)
    assert raw.cosine.min() > 0.99
    assert centred.indices[0] == 0
    assert centred.indices[-1] == 20
    assert centred.cosine[-1] == pytest.approx(-1.0)


def test_ties_keep_the_order_of_rows_and_k_is_a_limit():
    x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [1.0, 0.0]])
    assert nearest(x, np.array([1.0, 0.0]), 2, center=False).indices.tolist() == [1, 2]
    indices, cosine = nearest(x, np.array([1.0, 0.0]), 9, center=False)
    assert len(indices) == len(cosine) == 4
    assert len(nearest(x[:0], np.ones(2), 3).indices) == 0


def test_row_at_the_mean_has_no_direction():
    found = nearest(np.array([[1.0, 1.0], [-1.0, -1.0], [0.0, 0.0]]), np.array([1.0, 1.0]), 3)
    assert found.indices.tolist() == [0, 2, 1]
    assert found.cosine[1] == 0.0


def test_bad_input_is_told():
    with pytest.raises(AnalysisError, match="at least one neighbour"):
        nearest(np.ones((2, 2)), np.ones(2), 0)
    with pytest.raises(AnalysisError, match="not finite"):
        nearest(np.ones((2, 2)), np.array([np.nan, 1.0]), 1)
