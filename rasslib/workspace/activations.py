"""Activations on disk: read from the model once, read from here ever after.

A *key* (model, template, dtype, ...; made by the caller) owns one folder. Each finished batch is one *shard* in it: a
safetensors file with one tensor ``[n, L, d]`` per read position, and beside it a JSON *sidecar* with the n prompt ids.
Both are written to a temporary file and renamed, the sidecar last, and no shard is ever changed: a shard counts once
its sidecar is there and fits the tensor file, so a killed program loses at most the batch in hand. Any number of
threads and processes may write to the same key; of two rows for one prompt the later one counts.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rasslib.errors import WorkspaceError
from rasslib.workspace.files import (
    atomic_bytes,
    atomic_json,
    explain,
    folder_name,
    make_folder,
)
from rasslib.workspace.shards import SIDECAR, TENSORS, Index, Row, remove_strays

if TYPE_CHECKING:
    import torch


class ActivationStore:
    """Activations by key, prompt id, read position and layer (layer i is the output of block i, 0-based).

    Args:
        folder: Where the folders of the keys are; made on first use.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._indexes: dict[str, Index] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[ActivationStore], tuple[Path]]:
        return type(self), (self.folder,)

    def has(self, key: str, ids: Iterable[str], positions: Sequence[str] = ()) -> set[str]:
        """Those of ``ids`` that are stored at every one of ``positions``.

        Args:
            key: What the activations depend on besides the prompt.
            ids: Prompt ids.
            positions: Read positions; none means all that were ever stored under this key, so that whatever is
                reported as stored can be had at each of them.

        Raises:
            WorkspaceError: The folder cannot be read.
        """
        return self._index(key).stored(ids, positions)

    def put(self, key: str, ids: Sequence[str], activations: Mapping[str, torch.Tensor]) -> None:
        """Store one finished batch as a shard.

        Args:
            key: What the activations depend on besides the prompt.
            ids: n prompt ids, in the order of the rows.
            activations: Tensors ``[n, L, d]`` by read position, of any device; the dtype is kept.

        Raises:
            WorkspaceError: The disk is full or not writable (nothing of the batch is left behind then), or other
                activations under this key have other layers or another width.
            ValueError: The shapes and ids do not fit each other.
        """
        import torch
        from safetensors.torch import save

        if not ids:
            return
        for position, tensor in activations.items():
            if tensor.ndim != 3 or tensor.shape[0] != len(ids) or position == "__metadata__":
                raise ValueError(
                    f"{position}: {tuple(tensor.shape)} for {len(ids)} ids; [n, layers, d_model] is needed"
                )
        if len({tensor.shape for tensor in activations.values()}) != 1:
            raise ValueError("one tensor [n, layers, d_model] per position is needed, all of one shape")
        shape = tuple(next(iter(activations.values())).shape)
        if self._index(key).layers_and_width() not in (None, shape[1:]):
            raise self._mismatch(key)
        folder = make_folder(self.folder / folder_name(key))
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"  # the later of two rows sorts later
        # Copies: safetensors refuses tensors that share memory, which slices of one capture do.
        data = save(
            {
                position: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
                for position, tensor in activations.items()
            }
        )
        tensors = folder / f"{name}{TENSORS}"
        sidecar = {
            "format": 1,
            "key": key,
            "ids": list(ids),
            "shape": list(shape),
            "positions": sorted(activations),
            "dtype": {position: str(tensor.dtype) for position, tensor in activations.items()},
            "bytes": len(data),
        }
        try:
            atomic_bytes(tensors, data)
            atomic_json(folder / f"{name}{SIDECAR}", sidecar)
        except BaseException:
            with contextlib.suppress(OSError):
                tensors.unlink(missing_ok=True)
            raise

    def get(self, key: str, ids: Sequence[str], position: str, layers: Sequence[int] | None = None) -> torch.Tensor:
        """Rows in the order of ``ids`` (which may repeat), layers in the order of ``layers``; only these are read.

        Args:
            key: What the activations depend on besides the prompt.
            ids: n prompt ids.
            position: A read position.
            layers: 0-based block numbers; None means all.

        Returns:
            ``[n, len(layers), d]`` on the CPU, in the dtype it was stored in.

        Raises:
            WorkspaceError: An id or a layer is not stored, or a file cannot be read.
        """
        import torch

        rows: list[Row] = []
        missing: list[str] = []
        for prompt_id, found in zip(ids, self._index(key).rows(ids, position), strict=True):
            if found is None:
                missing.append(prompt_id)
            else:
                rows.append(found)
        if missing:
            raise WorkspaceError(
                f"Activations of {len(set(missing))} of {len(set(ids))} prompts at {position} are not stored (such as "
                f"{missing[0][:40]!a}); start the analysis again, which computes what is missing."
            )
        n_layers, width = rows[0].shard.shape[1:] if rows else self._index(key).layers_and_width() or (0, 0)
        chosen = list(range(n_layers)) if layers is None else [int(layer) for layer in layers]
        for layer in chosen:
            if rows and not 0 <= layer < n_layers:
                raise WorkspaceError(f"There is no layer {layer}; choose one from 0 to {n_layers - 1}.")
        by_shard: dict[Path, list[tuple[int, int]]] = {}
        for place, row in enumerate(rows):
            if row.shard.shape[1:] != (n_layers, width):
                raise self._mismatch(key)
            by_shard.setdefault(row.shard.path, []).append((place, row.number))
        out: torch.Tensor | None = None
        for path, pairs in by_shard.items():
            places, numbers = zip(*pairs, strict=True)
            part = _read_part(path, position, numbers, chosen)
            if out is None:
                out = torch.empty(len(ids), len(chosen), width, dtype=part.dtype)
            elif out.dtype != part.dtype:
                out = out.to(torch.promote_types(out.dtype, part.dtype))
            out[list(places)] = part.to(out.dtype)
        return torch.empty(0, len(chosen), width) if out is None else out

    def _mismatch(self, key: str) -> WorkspaceError:
        return WorkspaceError(
            f"The activations in {self.folder / folder_name(key)} do not all come from one model (layers or width "
            "differ); delete that folder and start the analysis again."
        )

    def _index(self, key: str) -> Index:
        with self._lock:
            if key not in self._indexes:
                folder = self.folder / folder_name(key)
                remove_strays(folder)
                self._indexes[key] = Index(folder, key)
            return self._indexes[key]


def _read_part(path: Path, position: str, numbers: Sequence[int], layers: Sequence[int]) -> torch.Tensor:
    """Rows ``numbers`` of ``layers`` of one shard, ``[len(numbers), len(layers), d]``."""
    import torch
    from safetensors import SafetensorError, safe_open

    first, last = min(numbers), max(numbers) + 1
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            stored = file.get_slice(position)
            if list(layers) == list(range(stored.get_shape()[1])):
                part = stored[first:last]
            else:
                chosen = [stored[first:last, layer : layer + 1] for layer in layers]
                part = torch.cat(chosen, dim=1) if chosen else stored[first:last, 0:0]
    except OSError as error:
        raise explain(error, path, "read the activations") from error
    except SafetensorError as error:
        raise WorkspaceError(
            f"Cannot read the activations {path}: the file is damaged; delete it and start the analysis again."
        ) from error
    return part[[number - first for number in numbers]]
