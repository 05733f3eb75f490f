"""The index of the activation shards in one folder: which are whole, and which row of which shard is whose."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasslib.workspace.files import explain

TENSORS = ".safetensors"
SIDECAR = ".json"

_LONGEST_HEADER = 10_000_000


@dataclass(frozen=True)
class Shard:
    """One whole shard.

    Attributes:
        path: Its safetensors file.
        ids: n prompt ids, in the order of the rows.
        shape: ``(n, L, d)`` of every tensor in it.
        positions: Read positions it holds.
    """

    path: Path
    ids: tuple[str, ...]
    shape: tuple[int, int, int]
    positions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of one shard."""

    shard: Shard
    number: int


class Index:
    """What a folder of shards holds. Not safe for threads by itself; the store's lock guards it.

    Shards never change once their sidecar is there, so each is looked at once.

    Args:
        folder: The folder of one key; it need not exist.
        key: Shards of another key are ignored (they were copied there by hand).
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key
        self._seen: dict[str, Shard | None] = {}
        self._rows: dict[str, dict[str, Row]] = {}

    def refresh(self) -> dict[str, dict[str, Row]]:
        """Rows by position and prompt id, as the folder is now.

        The result is not changed by later calls.

        Raises:
            WorkspaceError: The folder cannot be listed.
        """
        whole = self._whole_names()
        gone = self._seen.keys() - whole
        new = sorted(whole - self._seen.keys())
        if not gone and not new:
            return self._rows
        for name in gone:
            del self._seen[name]
        for name in new:
            self._seen[name] = read_sidecar(self.folder / f"{name}{SIDECAR}", self.key)
        rows: dict[str, dict[str, Row]] = {}
        for _, shard in sorted(self._seen.items()):
            if shard is None:
                continue
            for position in shard.positions:
                found = rows.setdefault(position, {})
                found.update((prompt_id, Row(shard, number)) for number, prompt_id in enumerate(shard.ids))
        self._rows = rows
        return rows

    def _whole_names(self) -> set[str]:
        """Names of the shards of which both files are there."""
        try:
            with os.scandir(self.folder) as entries:
                names = {entry.name for entry in entries}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise explain(error, self.folder, "read the folder") from error
        return {
            stem
            for name in names
            if name.endswith(TENSORS)
            and not name.startswith(".")
            and f"{(stem := name.removesuffix(TENSORS))}{SIDECAR}" in names
        }


def read_sidecar(path: Path, key: str) -> Shard | None:
    """The shard of a sidecar, or None if the sidecar or its tensor file is damaged or belongs to another key."""
    tensors = path.with_suffix(TENSORS)
    try:
        sidecar = json.loads(path.read_bytes())
        if sidecar["key"] != key or sidecar["format"] != 1:
            return None
        shard = Shard(tensors, tuple(sidecar["ids"]), _shape(sidecar["shape"]), tuple(sidecar["positions"]))
        size, header_size, header = _read_header(tensors)
        fits = (
            size == sidecar["bytes"]
            and shard.shape[0] == len(shard.ids)
            and all(isinstance(prompt_id, str) for prompt_id in shard.ids)
            and header_size + max(int(header[name]["data_offsets"][1]) for name in shard.positions) <= size
            and all(_shape(header[name]["shape"]) == shard.shape for name in shard.positions)
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError, struct.error):
        return None
    return shard if fits else None


def _read_header(path: Path) -> tuple[int, int, Mapping[str, Any]]:
    """Size of a safetensors file and of its header in bytes, and the header: dtype, shape, offsets by tensor."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(size, _LONGEST_HEADER):
            raise ValueError("header longer than the file")
        return size, 8 + length, json.loads(file.read(length))


def _shape(value: Any) -> tuple[int, int, int]:
    n, layers, width = (int(part) for part in value)
    return n, layers, width
