"""The index of the activation shards in one folder: which are whole, and which row of which shard is whose."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasslib.workspace.files import explain, remove_if_old, remove_old_temporaries

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
    """What a folder of shards holds, followed as other threads and processes add to it.

    Shards never change once their sidecar is there, so each is looked at once. Safe for threads.

    Args:
        folder: The folder of one key; it need not exist.
        key: Shards of another key are ignored (they were copied there by hand).
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key
        self._lock = threading.Lock()
        self._seen: dict[str, Shard | None] = {}
        self._rows: dict[str, dict[str, Row]] = {}

    def stored(self, ids: Iterable[str], positions: Sequence[str]) -> set[str]:
        """Those of ``ids`` that are stored at each of ``positions`` (none: at each position found in the folder)."""
        with self._lock:
            self._refresh()
            tables = [self._rows.get(position, {}) for position in positions] or list(self._rows.values())
            return {prompt_id for prompt_id in ids if tables and all(prompt_id in table for table in tables)}

    def rows(self, ids: Iterable[str], position: str) -> list[Row | None]:
        """The row of each id in turn, None where it is not stored."""
        with self._lock:
            self._refresh()
            table = self._rows.get(position, {})
            return [table.get(prompt_id) for prompt_id in ids]

    def layers_and_width(self) -> tuple[int, int] | None:
        """``(L, d)`` of what is stored, None if nothing is."""
        with self._lock:
            if not self._rows:  # the shape cannot change once it is known: no need to list the folder again
                self._refresh()
            for table in self._rows.values():
                for row in table.values():
                    return row.shard.shape[1:]
            return None

    def _refresh(self) -> None:
        names = self._whole_names()
        if not self._seen.keys() <= names:  # somebody deleted shards: start afresh
            self._seen.clear()
            self._rows.clear()
        for name in sorted(names - self._seen.keys()):
            shard = read_sidecar(self.folder / f"{name}{SIDECAR}", self.key)
            self._seen[name] = shard
            if shard is not None:
                self._add(shard)

    def _add(self, shard: Shard) -> None:
        for position in shard.positions:
            table = self._rows.setdefault(position, {})
            for number, prompt_id in enumerate(shard.ids):
                old = table.get(prompt_id)
                if old is None or old.shard.path.name <= shard.path.name:  # names begin with the time of writing
                    table[prompt_id] = Row(shard, number)

    def _whole_names(self) -> set[str]:
        """Names of the shards of which both files are there.

        Raises:
            WorkspaceError: The folder cannot be listed.
        """
        try:
            with os.scandir(self.folder) as entries:
                names = {entry.name for entry in entries}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise explain(error, self.folder, "read the folder") from error
        tensors = {name.removesuffix(TENSORS) for name in names if name.endswith(TENSORS)}
        return tensors & {name.removesuffix(SIDECAR) for name in names if name.endswith(SIDECAR)}


def remove_strays(folder: Path, seconds: float = 3600.0) -> None:
    """Remove what killed writers left in ``folder``: temporary files, and tensor files without a sidecar.

    Files written less than ``seconds`` ago stay: they may belong to a living process.
    """
    remove_old_temporaries(folder, seconds)
    with contextlib.suppress(OSError):
        for path in folder.glob(f"*{TENSORS}"):
            if not path.with_suffix(SIDECAR).exists():
                remove_if_old(path, seconds)


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
