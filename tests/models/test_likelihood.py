"""Openers scored on the reused cache equal openers scored in the whole text."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rasslib.errors import ModelError, Stopped
from rasslib.models import likelihood
from rasslib.models.batches import Batches
from rasslib.models.interventions import Ablate, Add
from rasslib.models.likelihood import OpenerLikelihood, encode_openers, opener_log_likelihood, read_openers
from tests.tiny import ARCHITECTURES, D_MODEL, PROMPTS, tiny_lens, tiny_plain

OPENERS = ("I'm sorry, but I can't", "Sure, here is a list", "I", "I'm sorry")
CLOSE = {"atol": 1e-4, "rtol": 0.0}


def whole(lens: Any, model: Any) -> Tensor:
    """The same numbers from the full concatenated text of each pair, without cache, batch or padding."""
    out = torch.empty(len(PROMPTS), len(OPENERS), dtype=torch.float64)
    for i, prompt in enumerate(PROMPTS):
        head = list(lens.render(prompt).ids)
        for j, opener in enumerate(OPENERS):
            ids = lens.encode(opener)
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([head + ids]), use_cache=False).logits[0].double()
            steps = logits.log_softmax(-1)[len(head) - 1 : -1]
            out[i, j] = sum(float(steps[t, token]) for t, token in enumerate(ids))
    return out


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_equals_the_whole_text_without_cache(arch: str) -> None:
    lens = tiny_lens(arch)
    lengths = {len(lens.encode(o)) for o in OPENERS}
    assert len(lengths) >= 3 and 1 in lengths  # padded openers, and one that is read from the prompt alone
    found = opener_log_likelihood(lens, PROMPTS, OPENERS)
    assert found.shape == (len(PROMPTS), len(OPENERS)) and found.dtype == torch.float64
    torch.testing.assert_close(found, whole(lens, tiny_plain(arch)), **CLOSE)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_interventions_reach_prompt_and_opener_and_batch_equals_single(arch: str) -> None:
    lens = tiny_lens(arch)
    torch.manual_seed(3)
    changes = [Add(1, torch.randn(D_MODEL)), Ablate(torch.randn(D_MODEL))]
    found = opener_log_likelihood(lens, PROMPTS, OPENERS, interventions=changes)
    with lens.interventions(changes):
        torch.testing.assert_close(found, whole(lens, lens._model), **CLOSE)
    assert not torch.allclose(found, opener_log_likelihood(lens, PROMPTS, OPENERS), atol=0.1)
    singles = [opener_log_likelihood(lens, [p], [o], interventions=changes) for p in PROMPTS for o in OPENERS]
    torch.testing.assert_close(torch.cat(singles).view(found.shape), found, **CLOSE)


def test_logits_come_from_the_same_pass_and_the_first_token_agrees() -> None:
    lens = tiny_lens()
    found = read_openers(lens, PROMPTS, OPENERS, with_logits=True)
    again = opener_log_likelihood(lens, PROMPTS, OPENERS, with_logits=True)
    assert torch.equal(again.log_likelihood, found.log_likelihood) and again.logits is not None
    assert found.logits is not None and found.lengths == tuple(len(lens.encode(o)) for o in OPENERS)
    torch.testing.assert_close(found.logits, lens.next_token_logits(PROMPTS), atol=2e-4, rtol=1e-4)
    alone = found.logits.double().log_softmax(-1)[:, lens.encode("I")[0]]
    torch.testing.assert_close(found.log_likelihood[:, OPENERS.index("I")], alone, **CLOSE)
    assert read_openers(lens, PROMPTS[:1], OPENERS).logits is None


def test_small_parts_of_a_batch_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    lens = tiny_lens()
    expected = opener_log_likelihood(lens, PROMPTS, OPENERS)
    sizes: list[int] = []
    real = likelihood._forced

    def watch(batches: Batches, batch: Any, some: Tensor, *rest: Tensor) -> Tensor:
        sizes.append(len(some))
        return real(batches, batch, some, *rest)

    monkeypatch.setattr(likelihood, "_forced", watch)
    monkeypatch.setattr(likelihood, "_CELLS_CPU", 1)
    torch.testing.assert_close(opener_log_likelihood(lens, PROMPTS, OPENERS), expected, **CLOSE)
    assert sizes == [1] * len(PROMPTS)
    monkeypatch.setattr(likelihood, "_CELLS_CPU", 10**9)
    monkeypatch.setattr(likelihood, "CPU_TOKENS_WRITING", 600)
    torch.testing.assert_close(opener_log_likelihood(lens, PROMPTS, OPENERS), expected, **CLOSE)
    assert 1 < len(sizes) - len(PROMPTS) < len(PROMPTS)


def test_finished_batches_are_stored_before_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    lens = tiny_lens()
    monkeypatch.setattr(lens, "batch_size", 2)
    parts: list[tuple[list[int], OpenerLikelihood]] = []

    class Stop:
        def update(self, stage: str, done: int, total: int) -> None:
            if done:
                raise Stopped()

    with pytest.raises(Stopped):
        read_openers(lens, PROMPTS, OPENERS, progress=Stop(), on_batch=lambda i, part: parts.append((i, part)))
    (indices, part), expected = parts[0], opener_log_likelihood(lens, PROMPTS, OPENERS)
    assert len(parts) == 1 and len(indices) == 2
    torch.testing.assert_close(part.log_likelihood, expected[indices], **CLOSE)


def test_bad_input_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lens = tiny_lens()
    with pytest.raises(ModelError, match="no opener"):
        encode_openers(lens, [])
    with pytest.raises(ModelError, match="no token for the opener"):
        opener_log_likelihood(lens, PROMPTS, ["I", "<|im_end|>"[:0]])
    with pytest.raises(ModelError, match="not numbers"):
        opener_log_likelihood(lens, PROMPTS, OPENERS, interventions=[Add(1, torch.full((D_MODEL,), float("nan")))])
    monkeypatch.setattr(lens, "context", len(lens.render(PROMPTS[0]).ids) + 1)
    with pytest.raises(ModelError, match="and an opener have"):
        opener_log_likelihood(lens, PROMPTS[:1], OPENERS)
    monkeypatch.undo()
    assert opener_log_likelihood(lens, [], OPENERS).shape == (0, len(OPENERS))
