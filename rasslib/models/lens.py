"""The lens: everything the rest of the code sees of a model.

One class owns the TransformerBridge, the tokenizer, the chat template and the one lock. Layer i is the output of block
i (0-based), which equals ``hidden_states[i + 1]`` of transformers for every block but the last (there transformers
applies the final norm first).

How a batch runs: the tokens that all prompts share at their start (the template's head) run once and their key-value
cache is copied for every batch; the rest of each prompt is left-padded behind it, with mask and position ids, so that
the read positions are the same columns in every row.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from rasslib.errors import ModelError
from rasslib.models.catalogue import ModelSpec
from rasslib.models.decode import Reply, Sampler, Sampling, stop_ids
from rasslib.models.interventions import Intervention, PerRow
from rasslib.models.loading import fingerprint
from rasslib.models.templates import ChatFormat, Tokens, shared_prefix
from rasslib.progress import Progress, Silent

Position = Literal["last_template", "last_instruction"]
POSITIONS: tuple[Position, ...] = ("last_template", "last_instruction")

# Tokens per pass when activations are read on a processor.
CPU_TOKENS = 640

# Hooks belong to the model, not to the thread that set them: one lock for the process, around forward and hooks.
LOCK = threading.RLock()


@dataclass(frozen=True)
class Capture:
    """What one pass over prompts read.

    Attributes:
        activations: Per read position, [n, layers, d_model] on the CPU, in the model's dtype.
        layers: The layers, in order.
        logits: Next-token logits [n, vocab] float32 on the CPU, where asked for.
    """

    activations: dict[str, Tensor]
    layers: tuple[int, ...]
    logits: Tensor | None = None


@dataclass
class _Batch:
    """A running batch: rest of the prompts, mask over cache and rest, and the cache."""

    ids: Tensor
    mask: Tensor
    cache: Any


class Lens:
    """A model under the lens.

    Args:
        model: A transformers causal language model; it is changed in place by the bridge.
        chat: The chat format with our own tokenizer.
        name: Name for people.
        batch_size: Prompts per forward pass (halved by itself when memory runs out).

    Raises:
        ModelError: TransformerLens cannot wrap this architecture.
    """

    def __init__(self, model: Any, chat: ChatFormat, *, name: str, batch_size: int = 64) -> None:
        from transformer_lens.model_bridge import TransformerBridge

        self.name = name
        self.chat = chat
        self.batch_size = batch_size
        self.spec: ModelSpec | None = None
        """What was asked for (set by :func:`rasslib.models.load`), so that a run can load its model again."""
        self.fingerprint = fingerprint(model)
        self.device = next(model.parameters()).device
        self.dtype: torch.dtype = next(model.parameters()).dtype
        self._stop = stop_ids(model, chat.tokenizer)
        attention = getattr(model.config, "_attn_implementation", None)
        try:
            self._bridge = TransformerBridge.boot_transformers(
                name,
                hf_model=model,
                tokenizer=copy.deepcopy(chat.tokenizer),
                device=str(self.device),
                dtype=self.dtype,
            )
        except Exception as error:
            kind = type(model).__name__
            raise ModelError(
                f"TransformerLens cannot read this kind of model ({kind}: {str(error)[:120]}); choose a decoder-only "
                "chat model it supports (Llama, Mistral, Qwen, Gemma, Phi, GPT-2 and others)."
            ) from error
        if attention == "sdpa":
            self._bridge.set_attn_implementation("sdpa")
        self._model: Any = self._bridge.original_model
        self.n_layers = int(self._bridge.cfg.n_layers)
        self.d_model = int(self._bridge.cfg.d_model)
        self._prefixes: dict[tuple[int, ...], Any] = {}

    @property
    def template_hash(self) -> str:
        """Hash of the rendered chat template (see :class:`ChatFormat`)."""
        return self.chat.hash

    @property
    def key(self) -> str:
        """Names what activations and replies depend on besides the prompt: weights, template, dtype."""
        return f"{self.fingerprint}-{self.template_hash}-{str(self.dtype).removeprefix('torch.')}"

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text, without special tokens."""
        return self.chat.encode_text(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids, special tokens left out."""
        return str(self.chat.tokenizer.decode(list(ids), skip_special_tokens=True))

    def render(self, prompt: str) -> Tokens:
        """Token ids of one prompt in the chat template."""
        return self.chat.render(prompt)

    @contextmanager
    def interventions(self, changes: Sequence[Intervention] = ()) -> Iterator[None]:
        """Hold the lock and change the residual stream while the block runs; clean on exit and on error."""
        hooks = []
        for intervention in changes:
            for point, change in intervention.changes(self.n_layers):
                hooks.append((point, _as_hook(change)))
        with LOCK, torch.inference_mode():
            if not hooks:
                yield
                return
            with self._bridge.hooks(fwd_hooks=hooks):
                yield

    # --- reading -----------------------------------------------------------------------------------------------

    def capture(
        self,
        prompts: Sequence[str],
        layers: Sequence[int] | None = None,
        positions: Sequence[Position] = POSITIONS,
        *,
        interventions: Sequence[Intervention] = (),
        with_logits: bool = False,
        progress: Progress | None = None,
        on_batch: Callable[[list[int], Capture], None] | None = None,
        reuse_prefix: bool = True,
    ) -> Capture:
        """Read the residual stream at the read positions, and next-token logits if asked for, in one pass.

        Args:
            prompts: User prompts.
            layers: Layers to read; all by default.
            positions: ``last_template`` (last token of the rendered prompt), ``last_instruction`` (last token of the
                user's text).
            interventions: Changes of the residual stream during the pass.
            with_logits: Also return next-token logits at the last position.
            progress: Told after each batch.
            on_batch: Called with the indices and the capture of each finished batch, before progress (store it here).
            reuse_prefix: Run the shared head of the template once (False: for tests).

        Raises:
            ModelError: Activations that are not finite.
        """
        wanted = tuple(range(self.n_layers)) if layers is None else tuple(layers)
        back = {"last_template": 1, "last_instruction": self.chat.suffix_length + 1}
        acts: dict[str, Tensor] = {
            p: torch.empty(len(prompts), len(wanted), self.d_model, dtype=self.dtype) for p in positions
        }
        logits: list[Tensor | None] = [None] * len(prompts)

        columns = [-back[p] for p in positions]

        def one(indices: list[int], batch: _Batch) -> None:
            seen: dict[int, Tensor] = {}

            def reader(layer: int) -> Callable[[Tensor, Any], None]:
                def read(x: Tensor, hook: Any) -> None:  # noqa: ARG001
                    seen[layer] = x[:, columns]  # a copy: the block's whole output can be freed

                return read

            hooks = [(f"blocks.{i}.hook_out", reader(i)) for i in set(wanted)]
            with self._bridge.hooks(fwd_hooks=hooks):
                last = self._forward(batch, head=with_logits)
            missing = set(wanted) - set(seen)
            if missing:
                raise ModelError(f"The layers {sorted(missing)} of {self.name} gave no activations.")
            # [positions, batch, layers, d_model]; one transfer from the device
            stacked = torch.stack([seen[i].transpose(0, 1) for i in wanted], 2).cpu()
            if not torch.isfinite(stacked).all():
                raise ModelError(
                    f"{self.name} gave activations that are not finite in {self.dtype}; load it with --dtype float32."
                )
            for row, p in enumerate(positions):
                acts[p][indices] = stacked[row]
            if with_logits and last is not None:
                for row, index in enumerate(indices):
                    logits[index] = last[row].float().cpu()
            if on_batch is not None:
                part: dict[str, Tensor] = {p: stacked[row] for row, p in enumerate(positions)}
                on_batch(indices, Capture(part, wanted, last.float().cpu() if last is not None else None))

        # More tokens per pass gain nothing on a processor (320 to 1000 measured: equal within 5 %), and short batches
        # of sorted prompts hold less padding and memory. A GPU wants large batches.
        budget = CPU_TOKENS if self.device.type == "cpu" else None
        self._run(prompts, interventions, one, "Reading activations", progress, reuse_prefix, budget)
        found = torch.stack([x for x in logits if x is not None]) if with_logits and prompts else None
        return Capture(acts, wanted, found)

    def next_token_logits(
        self,
        prompts: Sequence[str],
        interventions: Sequence[Intervention] = (),
        progress: Progress | None = None,
    ) -> Tensor:
        """Next-token logits [n, vocab] float32 at the last position of every prompt."""
        out: list[Tensor] = [torch.empty(0)] * len(prompts)

        def one(indices: list[int], batch: _Batch) -> None:
            last = self._forward(batch, head=True)
            assert last is not None
            for row, index in enumerate(indices):
                out[index] = last[row].float().cpu()

        self._run(prompts, interventions, one, "Reading next-token scores", progress)
        return torch.stack(out) if out else torch.empty(0, 0)

    # --- writing -----------------------------------------------------------------------------------------------

    def generate(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int = 64,
        sampling: Sampling | None = None,
        interventions: Sequence[Intervention] = (),
        progress: Progress | None = None,
        on_batch: Callable[[list[int], list[Reply]], None] | None = None,
    ) -> list[Reply]:
        """Replies to prompts, batched; rows that have ended leave the batch.

        Args:
            prompts: User prompts.
            max_new_tokens: Limit per reply.
            sampling: Greedy by default.
            interventions: Changes of the residual stream, at prompt and generated positions alike.
            progress: Told after each batch.
            on_batch: Called with the indices and replies of each finished batch, before progress (store them here).
        """
        out: list[Reply | None] = [None] * len(prompts)
        sampler = Sampler(sampling or Sampling())

        def one(indices: list[int], batch: _Batch) -> None:
            tokens: list[list[int]] = [[] for _ in indices]
            alive = torch.arange(len(indices))
            for step in range(max_new_tokens):
                logits = self._forward(batch, head=True)
                drawn = sampler.draw(_finite(logits, self.name))
                for row, token in zip(alive.tolist(), drawn.tolist(), strict=True):
                    tokens[row].append(token)
                going = torch.tensor([t not in self._stop for t in drawn.tolist()])
                if not going.any() or step + 1 == max_new_tokens:
                    break
                batch = self._extend(batch, drawn, going)
                alive = alive[going]
            replies = [self._reply(ids) for ids in tokens]
            for index, reply in zip(indices, replies, strict=True):
                out[index] = reply
            if on_batch is not None:
                on_batch(indices, replies)

        self._run(prompts, interventions, one, "Generating replies", progress)
        return [r for r in out if r is not None]

    def stream(
        self,
        prompt: str,
        variants: Sequence[Sequence[Intervention]] = ((),),
        *,
        max_new_tokens: int = 64,
        sampling: Sampling | None = None,
    ) -> Iterator[list[Reply]]:
        """One prompt under several lists of interventions, side by side in one batch, token by token.

        Yields after each token the replies so far, one per variant. Lock and hooks are held while a token is made, not
        between tokens: a stream that is left open blocks nobody.
        """
        sampler = Sampler(sampling or Sampling())
        tokens: list[list[int]] = [[] for _ in variants]
        batch = self._prepare([self.render(prompt).ids] * len(variants), None, ())
        for step in range(max_new_tokens):
            with self.interventions([PerRow(variants)]):
                drawn = sampler.draw(_finite(self._forward(batch, head=True), self.name))
                batch = self._extend(batch, drawn, torch.ones(len(variants), dtype=torch.bool))
            for row, token in enumerate(drawn.tolist()):
                if not tokens[row] or tokens[row][-1] not in self._stop:
                    tokens[row].append(token)
            yield [self._reply(ids) for ids in tokens]
            if all(ids[-1] in self._stop for ids in tokens) or step + 1 == max_new_tokens:
                return

    def _reply(self, ids: list[int]) -> Reply:
        finished = bool(ids) and ids[-1] in self._stop
        return Reply(self.decode(ids[:-1] if finished else ids).strip(), len(ids), finished)

    # --- how a batch runs --------------------------------------------------------------------------------------

    def _run(
        self,
        prompts: Sequence[str],
        interventions: Sequence[Intervention],
        one: Callable[[list[int], _Batch], None],
        stage: str,
        progress: Progress | None,
        reuse_prefix: bool = True,
        budget: int | None = None,
    ) -> None:
        """Run ``one`` over batches of prompts of similar length; halve the batch when memory runs out.

        The lock is released between batches, so another session waits for one batch at most. ``budget`` bounds the
        tokens of a batch, padding included and the shared head left out.
        """
        if any(isinstance(i, PerRow) for i in interventions):
            raise TypeError("PerRow belongs to Lens.stream: batches are sorted and cut, rows are not prompts")
        progress = progress or Silent()
        rendered = [self.render(p) for p in prompts]
        order = sorted(range(len(prompts)), key=lambda i: len(rendered[i].ids))
        head = rendered[0].ids[: shared_prefix([r.ids for r in rendered])] if rendered and reuse_prefix else ()
        # The instruction's last token must stay readable: it may not lie inside the shared head.
        head = head[: min((r.last_instruction for r in rendered), default=0)]
        done, size = 0, self.batch_size
        progress.update(stage, 0, len(prompts))
        while done < len(order):
            indices = order[done : done + size]
            if budget is not None:
                indices = _within(budget, indices, [len(rendered[i].ids) - len(head) for i in indices])
            try:
                with self.interventions(interventions):
                    cache = self._prefix(head) if not interventions else self._run_prefix(head)
                    one(indices, self._prepare([rendered[i].ids for i in indices], cache, head))
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                if len(indices) == 1:
                    raise ModelError(
                        f"Memory ran out with one prompt of {len(rendered[indices[0]].ids)} tokens at a time; use a "
                        "smaller model, a smaller dtype, or leave out the longest prompts."
                    ) from error
                size = max(1, len(indices) // 2)
            else:
                done += len(indices)
                progress.update(stage, done, len(order))
                continue
            _free()  # out of the except block: the error's traceback held the tensors

    def _prefix(self, head: tuple[int, ...]) -> Any:
        """The cache of a shared head without interventions, kept for the next call."""
        if head and head not in self._prefixes:
            self._prefixes.clear()
            self._prefixes[head] = self._run_prefix(head)
        return self._prefixes.get(head)

    def _run_prefix(self, head: tuple[int, ...]) -> Any:
        if not head:
            return None
        ids = torch.tensor([head], device=self.device)
        return self._model(input_ids=ids, use_cache=True, logits_to_keep=1).past_key_values

    def _prepare(self, rows: Sequence[Sequence[int]], cache: Any, head: tuple[int, ...]) -> _Batch:
        rests = [row[len(head) :] for row in rows]
        width = max(len(r) for r in rests)
        pad = self.chat.tokenizer.pad_token_id or 0
        ids = torch.full((len(rows), width), pad, dtype=torch.long)
        mask = torch.zeros(len(rows), len(head) + width, dtype=torch.long)
        mask[:, : len(head)] = 1
        for i, rest in enumerate(rests):
            ids[i, width - len(rest) :] = torch.tensor(rest)
            mask[i, len(head) + width - len(rest) :] = 1
        if cache is not None:
            cache = copy.deepcopy(cache)
            cache.batch_repeat_interleave(len(rows))
        return _Batch(ids.to(self.device), mask.to(self.device), cache)

    def _forward(self, batch: _Batch, *, head: bool) -> Tensor | None:
        """One forward pass over the new tokens; returns logits [batch, vocab] of the last one if asked for."""
        positions = (batch.mask.cumsum(-1) - 1).clamp(min=0)[:, -batch.ids.shape[1] :]
        arguments: dict[str, Any] = {
            "input_ids": batch.ids,
            "attention_mask": batch.mask,
            "position_ids": positions,
            "past_key_values": batch.cache,
            "use_cache": True,
        }
        if not head:
            self._model.base_model(**arguments)
            return None
        result = self._model(**arguments, logits_to_keep=1)
        batch.cache = result.past_key_values
        if result.logits.shape[1] != 1:
            raise ModelError(f"{self.name} does not support logits at the last position only; use another model class.")
        return result.logits[:, -1]

    def _extend(self, batch: _Batch, drawn: Tensor, going: Tensor) -> _Batch:
        """The batch for the next token; rows that are not going on leave it."""
        keep = going.to(self.device)
        if not bool(going.all()):
            batch.cache.batch_select_indices(keep.nonzero()[:, 0])
        mask = batch.mask[keep]
        return _Batch(
            drawn.to(self.device)[keep][:, None],
            torch.cat([mask, mask.new_ones(len(mask), 1)], 1),
            batch.cache,
        )


def _as_hook(change: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Any], Tensor]:
    def hook_function(x: Tensor, hook: Any) -> Tensor:  # noqa: ARG001
        return change(x)

    return hook_function


def _finite(logits: Tensor | None, name: str) -> Tensor:
    if logits is None or torch.isnan(logits).any():
        raise ModelError(f"{name} gave scores that are not numbers; use a smaller strength or --dtype float32.")
    return logits


def _within(budget: int, indices: list[int], lengths: list[int]) -> list[int]:
    """The first of ``indices`` (lengths rising) that fit into ``budget`` tokens as a padded batch; at least one."""
    fitting = sum((n + 1) * length <= budget for n, length in enumerate(lengths))
    return indices[: max(1, fitting)]


def _out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch (any device) or Python means that memory ran out."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def _free() -> None:
    import gc

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
