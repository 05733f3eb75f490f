"""The bench measures what it says and compares with plain transformers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rasslib.errors import ModelError
from rasslib.models.bench import CaptureBench, bench_capture, plain_hidden_states
from rasslib.models.lens import Lens
from tests.models.test_lens import CLOSE
from tests.tiny import PROMPTS, tiny_folder, tiny_lens, tiny_plain


def bench(plain: tuple[float, ...], lens: tuple[float, ...]) -> CaptureBench:
    """A result with these seconds."""
    return CaptureBench(4, plain, lens, plain, lens, 0.0, 1.0, "float32", "cpu", 1)


@pytest.mark.parametrize("side", ["left", "right"])
def test_plain_side_reads_the_same_positions(side: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lens = tiny_lens("qwen2")
    monkeypatch.setattr(lens.chat.tokenizer, "padding_side", side)
    found = lens.capture(PROMPTS).activations
    expected = plain_hidden_states(tiny_plain("qwen2"), lens.chat, PROMPTS)
    for position, states in expected.items():
        torch.testing.assert_close(found[position][:, :-1], states[:, :-1], **CLOSE)
        assert not torch.allclose(found[position][:, -1], states[:, -1], atol=0.1)  # final norm


def test_bench_runs_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = Lens.capture

    def count(self: Lens, prompts: tuple[str, ...]) -> object:
        calls.append(len(prompts))
        return real(self, prompts)

    monkeypatch.setattr(Lens, "capture", count)
    result = bench_capture(str(tiny_folder(tmp_path)), PROMPTS, repeats=2, device="cpu", dtype="float32")
    assert calls == [len(PROMPTS)] * 3  # one unmeasured
    assert result.n_prompts == len(PROMPTS) and len(result.plain_seconds) == len(result.lens_seconds) == 2
    assert min(*result.plain_seconds, *result.lens_seconds) > 0
    assert 0 <= result.max_difference < 2e-4 < 0.1 < result.max_value
    assert (result.dtype, result.device) == ("float32", "cpu") and result.threads >= 1


def test_ratio_is_of_medians() -> None:
    result = bench((3.0, 9.0, 6.0), (2.0, 1.0, 30.0))
    assert result.ratio == result.cpu_ratio == 3.0
    held = result.as_dict()
    assert (held["plain_min"], held["plain_median"], held["lens_min"], held["lens_median"]) == (3.0, 6.0, 1.0, 2.0)
    assert held["repeats"] == 3 and held["ratio"] == 3.0


def test_nothing_to_measure() -> None:
    with pytest.raises(ModelError, match="Nothing to measure"):
        bench_capture("embedded", [])
    with pytest.raises(ModelError, match="Nothing to measure"):
        bench_capture("embedded", PROMPTS, repeats=0)
