"""How fast the lens reads activations, against a plain transformers forward of the same prompts."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from rasslib.errors import ModelError
from rasslib.models.catalogue import ModelSpec
from rasslib.models.lens import POSITIONS, Lens
from rasslib.models.loading import load, load_pretrained
from rasslib.models.templates import ChatFormat

PLAIN_BATCH = 32


@dataclass(frozen=True)
class CaptureBench:
    """Seconds of two ways to read every layer's residual stream of the same prompts, taken in turn.

    Attributes:
        n_prompts: Prompts read per run.
        plain_seconds: Wall-clock seconds of each plain run, tokenisation included.
        lens_seconds: Wall-clock seconds of each ``Lens.capture``, tokenisation included.
        plain_cpu_seconds: Processor seconds of this process (all threads) in each plain run.
        lens_cpu_seconds: The same for each ``Lens.capture``.
        max_difference: Largest absolute difference of the captured layers from the plain hidden states.
        max_value: Largest absolute value among the plain hidden states compared.
        dtype: Weights' dtype.
        device: Where both ran.
        threads: Threads torch used on the CPU.
    """

    n_prompts: int
    plain_seconds: tuple[float, ...]
    lens_seconds: tuple[float, ...]
    plain_cpu_seconds: tuple[float, ...]
    lens_cpu_seconds: tuple[float, ...]
    max_difference: float
    max_value: float
    dtype: str
    device: str
    threads: int

    @property
    def ratio(self) -> float:
        """Median plain seconds over median lens seconds: how many times faster the lens is."""
        return median(self.plain_seconds) / median(self.lens_seconds)

    @property
    def cpu_ratio(self) -> float:
        """The same in processor seconds, which other programs on the machine disturb less."""
        return median(self.plain_cpu_seconds) / max(median(self.lens_cpu_seconds), 1e-9)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: minima, medians, ratios and what they were measured on."""
        return {
            "n_prompts": self.n_prompts,
            "repeats": len(self.plain_seconds),
            "plain_min": min(self.plain_seconds),
            "plain_median": median(self.plain_seconds),
            "lens_min": min(self.lens_seconds),
            "lens_median": median(self.lens_seconds),
            "ratio": self.ratio,
            "cpu_ratio": self.cpu_ratio,
            "max_difference": self.max_difference,
            "max_value": self.max_value,
            "dtype": self.dtype,
            "device": self.device,
            "threads": self.threads,
        }


def bench_capture(
    spec: ModelSpec | str,
    prompts: Sequence[str],
    repeats: int = 3,
    *,
    device: str | None = None,
    dtype: str | None = None,
) -> CaptureBench:
    """Measure ``Lens.capture`` of all layers at both positions against a plain forward, in turn, in one process.

    The plain side is what one writes without this package: a copy of the model that no bridge has touched, the chat
    template, the tokenizer's padding with its mask, batches of 32 in the given order, ``output_hidden_states=True``.
    Each side runs once unmeasured first.

    Args:
        spec: Model.
        prompts: User prompts; the more, the better for both.
        repeats: Measured runs of each side.
        device: See :func:`rasslib.models.load`.
        dtype: See :func:`rasslib.models.load`.

    Raises:
        ModelError: The model cannot be loaded, or there is nothing to measure.
    """
    if not prompts or repeats < 1:
        raise ModelError("Nothing to measure: give at least one prompt and one repeat.")
    plain = load_pretrained(spec, device=device, dtype=dtype)
    lens = load(spec, device=device, dtype=dtype)
    chat = ChatFormat(plain.tokenizer, plain.spec.template)

    def run_plain() -> dict[str, Tensor]:
        return plain_hidden_states(plain.model, chat, prompts)

    def run_lens() -> dict[str, Tensor]:
        return lens.capture(prompts).activations

    expected, found = run_plain(), run_lens()
    # transformers applies the final norm to the last block's entry, so that one cannot be compared.
    pairs = [(expected[p][:, :-1].float(), found[p][:, :-1].float()) for p in POSITIONS]
    timings = [(_timed(run_plain, lens), _timed(run_lens, lens)) for _ in range(repeats)]
    return CaptureBench(
        n_prompts=len(prompts),
        plain_seconds=tuple(p[0] for p, _ in timings),
        lens_seconds=tuple(f[0] for _, f in timings),
        plain_cpu_seconds=tuple(p[1] for p, _ in timings),
        lens_cpu_seconds=tuple(f[1] for _, f in timings),
        max_difference=max(_largest(a - b) for a, b in pairs),
        max_value=max(_largest(a) for a, _ in pairs),
        dtype=str(lens.dtype).removeprefix("torch."),
        device=str(lens.device),
        threads=torch.get_num_threads(),
    )


def plain_hidden_states(model: Any, chat: ChatFormat, prompts: Sequence[str]) -> dict[str, Tensor]:
    """``hidden_states[1:]`` at the read positions, as transformers alone gives them.

    Returns:
        Per read position [n, layers, d_model] on the CPU. The last layer's entry carries the final norm.
    """
    tokenizer = chat.tokenizer
    back = {"last_template": 1, "last_instruction": chat.suffix_length + 1}
    parts: dict[str, list[Tensor]] = {p: [] for p in POSITIONS}
    for start in range(0, len(prompts), PLAIN_BATCH):
        texts = [_rendered(chat, prompt) for prompt in prompts[start : start + PLAIN_BATCH]]
        batch = tokenizer(texts, add_special_tokens=False, padding=True, return_tensors="pt").to(model.device)
        with torch.inference_mode():
            states = model(**batch, output_hidden_states=True).hidden_states[1:]
        mask = batch["attention_mask"]
        rows = torch.arange(len(texts), device=mask.device)
        last = (mask * torch.arange(mask.shape[1], device=mask.device)).argmax(1)  # last real token, either padding
        for p in POSITIONS:
            parts[p].append(torch.stack([x[rows, last - back[p] + 1] for x in states], 1).cpu())
    return {p: torch.cat(x) for p, x in parts.items()}


def _rendered(chat: ChatFormat, prompt: str) -> str:
    before, after = chat.frame
    return before + prompt.strip() + after


def _timed(run: Callable[[], object], lens: Lens) -> tuple[float, float]:
    """Wall-clock and processor seconds of one run."""
    _wait(lens)
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    _wait(lens)
    return time.perf_counter() - wall, time.process_time() - cpu


def _wait(lens: Lens) -> None:
    if lens.device.type == "cuda":
        torch.cuda.synchronize(lens.device)


def _largest(x: Tensor) -> float:
    return float(x.abs().max()) if x.numel() else 0.0
