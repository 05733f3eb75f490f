"""Activations survive crashes, full disks and shared use."""

from __future__ import annotations

import errno
import json
import os
import threading
from pathlib import Path

import pytest
import torch

from rasslib.errors import WorkspaceError
from rasslib.workspace import ActivationStore


def batch(n: int, start: float = 0.0) -> torch.Tensor:
    return torch.arange(n * 3 * 4, dtype=torch.float32).reshape(n, 3, 4) + start


def test_rows_and_layers_come_in_the_order_asked_for(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    store.put("k/../é", ["a", "b"], {"x": batch(2)})
    store.put("k/../é", ["c"], {"x": batch(1, 100)})
    got = ActivationStore(tmp_path).get("k/../é", ["c", "b", "c"], "x", [2, 0])
    assert torch.equal(got, torch.stack([batch(1, 100)[0], batch(2)[1], batch(1, 100)[0]])[:, [2, 0]])
    assert [path.parent for path in tmp_path.iterdir()] == [tmp_path]
    with pytest.raises(WorkspaceError, match="not stored"):
        store.get("k/../é", ["z"], "x")
    with pytest.raises(WorkspaceError, match="layer 3"):
        store.get("k/../é", ["a"], "x", [3])


def test_slices_of_one_capture_and_the_later_row(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    one = batch(1)
    store.put("k", ["a"], {"x": one, "y": one})
    store.put("k", ["a"], {"x": one + 1})
    assert torch.equal(store.get("k", ["a"], "x"), one + 1)
    assert torch.equal(store.get("k", ["a"], "y"), one)
    with pytest.raises(WorkspaceError, match="one model"):
        store.put("k", ["b"], {"x": torch.zeros(1, 2, 4)})


@pytest.mark.parametrize("harm", ["no sidecar", "cut tensors", "wrong shape", "half a sidecar"])
def test_half_written_shards_are_ignored(tmp_path: Path, harm: str) -> None:
    store = ActivationStore(tmp_path)
    store.put("k", ["a"], {"x": batch(1)})
    (tensors,) = tmp_path.rglob("*.safetensors")
    sidecar = tensors.with_suffix(".json")
    if harm == "no sidecar":
        sidecar.unlink()
    elif harm == "cut tensors":
        tensors.write_bytes(tensors.read_bytes()[:-1])
    elif harm == "wrong shape":
        sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"shape": [1, 4, 3]}))
    else:
        sidecar.write_bytes(sidecar.read_bytes()[:20])
    assert ActivationStore(tmp_path).has("k", ["a"]) == set()


@pytest.mark.parametrize("failing", [1, 2])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    calls = 0

    def replace(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.ENOSPC, "full")
        os.rename(self, target)  # noqa: PTH104
        return target

    store = ActivationStore(tmp_path)
    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(WorkspaceError, match="disk is full"):
        store.put("k", ["a"], {"x": batch(1)})
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    store.put("k", ["a"], {"x": batch(1)})
    assert store.has("k", ["a"]) == {"a"}


def test_threads_and_other_stores_see_each_other(tmp_path: Path) -> None:
    store, other = ActivationStore(tmp_path), ActivationStore(tmp_path)
    ids = [f"p{number}" for number in range(24)]
    threads = [
        threading.Thread(target=lambda part=ids[k::4]: [store.put("k", [i], {"x": batch(1)}) for i in part])
        for k in range(4)
    ]
    assert other.has("k", ids) == set()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert other.has("k", ids) == set(ids)
    assert other.get("k", ids, "x", [1]).shape == (24, 1, 4)
