"""The first-token refusal score."""

import math

import pytest
import torch

from rasslib.errors import AnalysisError, ModelError
from rasslib.refusal import EPSILON, opener_probability, refusal_score, score


def test_equals_the_hand_computation():
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]]))
    rho = refusal_score(logits + 5, [0, 2])
    by_hand = [math.log(p + EPSILON) - math.log(1 - p + EPSILON) for p in (0.4, 0.8)]
    assert rho.dtype == torch.float64
    assert rho.shape == (2,)
    assert rho.tolist() == pytest.approx(by_hand, abs=1e-5)


def test_zero_is_one_half():
    assert refusal_score(torch.zeros(1, 4), [1, 3]).item() == pytest.approx(0, abs=1e-12)


def test_an_id_given_twice_counts_once():
    logits = torch.randn(3, 10, generator=torch.Generator().manual_seed(0))
    assert torch.equal(refusal_score(logits, [2, 2, 5]), refusal_score(logits, [5, 2]))


def test_extreme_logits_stay_finite():
    rows = torch.zeros(4, 3)
    rows[0, 0], rows[1, 0], rows[2, 1:], rows[3, 0] = 1e30, -1e30, -math.inf, -math.inf
    rho = refusal_score(rows, [0])
    limit = math.log(1 + EPSILON) - math.log(EPSILON)
    assert rho.tolist() == pytest.approx([limit, -limit, limit, -limit])
    assert refusal_score(rows[:2], [0, 1, 2]).tolist() == pytest.approx([limit, limit])


def test_half_precision_is_summed_exactly():
    logits = torch.zeros(1, 40_000, dtype=torch.float16)
    p = opener_probability(logits, range(20_000))
    assert p.item() == pytest.approx(0.5, abs=1e-12)


def test_chunks_change_nothing(monkeypatch):
    logits = torch.randn(7, 11, generator=torch.Generator().manual_seed(1))
    whole = refusal_score(logits, [0, 4])
    monkeypatch.setattr(score, "_CELLS", 22)
    assert torch.equal(refusal_score(logits, [0, 4]), whole)
    assert refusal_score(logits[:0], [0]).shape == (0,)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_broken_logits_are_an_error(bad):
    logits = torch.zeros(2, 3)
    logits[1, 2] = bad
    with pytest.raises(ModelError, match="no numbers"):
        refusal_score(logits, [0])
    with pytest.raises(ModelError):
        refusal_score(torch.full((1, 3), -math.inf), [0])


@pytest.mark.parametrize(("ids", "message"), [([], "no refusal opener"), ([3], "Refusal opener 3"), ([-1], "-1")])
def test_openers_must_be_tokens(ids, message):
    with pytest.raises(AnalysisError, match=message):
        refusal_score(torch.zeros(1, 3), ids)


def test_shape_is_checked():
    with pytest.raises(ValueError, match="batch, vocab"):
        refusal_score(torch.zeros(3), [0])
