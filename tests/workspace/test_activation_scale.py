"""Activations: exact dtypes, many shards, damage after the start, folders deleted while in use."""

from __future__ import annotations

import os
import pickle
import shutil
import time
from pathlib import Path

import pytest
import torch

from rasslib.errors import WorkspaceError
from rasslib.workspace import ActivationStore
from rasslib.workspace.files import folder_name


def rows(n: int, layers: int = 2, width: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, layers, width, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_values_come_back_bit_for_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    stored = rows(3).to(dtype)
    stored[0, 0] = torch.tensor([float("inf"), -0.0, float("nan"), torch.finfo(dtype).tiny], dtype=dtype)
    ActivationStore(tmp_path).put("k", ["a", "b", "c"], {"x": stored})
    got = ActivationStore(tmp_path).get("k", ["a", "b", "c"], "x")
    assert got.dtype == dtype
    bits = torch.int32 if dtype == torch.float32 else torch.int16
    assert torch.equal(got.view(bits), stored.view(bits))


def test_mixed_dtypes_are_widened_not_rounded(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    store.put("k", ["a"], {"x": rows(1).bfloat16()})
    store.put("k", ["b"], {"x": rows(1, seed=1)})
    got = store.get("k", ["a", "b"], "x")
    assert torch.equal(got, torch.cat([rows(1).bfloat16().float(), rows(1, seed=1)]))


def test_ten_thousand_prompts_in_small_shards_are_quick(tmp_path: Path) -> None:
    ids = [f"p{number:05d}" for number in range(10_000)]
    everything = rows(len(ids))
    store = ActivationStore(tmp_path)
    start = time.perf_counter()
    for first in range(0, len(ids), 63):
        part = slice(first, first + 63)
        store.put("k", ids[part], {"x": everything[part]})
    written = time.perf_counter() - start
    fresh = ActivationStore(tmp_path)
    start = time.perf_counter()
    assert fresh.has("k", ids) == set(ids)
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(0)).tolist()
    got = fresh.get("k", [ids[place] for place in order], "x", [1])
    read = time.perf_counter() - start
    assert len(list(tmp_path.rglob("*.safetensors"))) == 159
    assert torch.equal(got, everything[order][:, [1]])
    assert written < 20  # every shard is flushed to the disk, which a slow disk takes its time for
    assert read < 5


def test_a_prompt_counts_only_where_all_positions_are_stored(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    store.put("k", ["a", "b"], {"x": rows(2)})
    store.put("k", ["b"], {"y": rows(1)})
    assert store.has("k", ["a", "b", "c"]) == {"b"}
    assert store.has("k", ["a", "b", "c"], ["x"]) == {"a", "b"}
    assert store.has("k", ["a", "b"], ["x", "z"]) == set()
    assert store.has("other", ["a", "b"]) == set()


def test_no_ids_and_no_layers_give_empty_tensors(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    store.put("k", [], {"x": rows(1)})
    assert list(tmp_path.iterdir()) == []
    store.put("k", ["a"], {"x": rows(1)})
    assert store.get("k", [], "x").shape == (0, 2, 4)
    assert store.get("k", ["a"], "x", []).shape == (1, 0, 4)


def test_a_batch_that_was_lost_is_written_again(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    store.put("k", ["a", "b"], {"x": rows(2)})
    (sidecar,) = tmp_path.rglob("*.json")
    sidecar.write_bytes(b"\xff{")
    again = ActivationStore(tmp_path)
    assert again.has("k", ["a", "b"]) == set()
    again.put("k", ["a", "b"], {"x": rows(2, seed=1)})
    assert torch.equal(ActivationStore(tmp_path).get("k", ["b", "a"], "x"), rows(2, seed=1)[[1, 0]])


@pytest.mark.parametrize("left", [0, 4, 60])
def test_a_tensor_file_cut_while_in_use_is_one_sentence(tmp_path: Path, left: int) -> None:
    store = ActivationStore(tmp_path)
    store.put("k", ["a"], {"x": rows(1)})
    assert store.has("k", ["a"]) == {"a"}
    (tensors,) = tmp_path.rglob("*.safetensors")
    tensors.write_bytes(tensors.read_bytes()[:left])
    with pytest.raises(WorkspaceError, match="damaged") as caught:
        store.get("k", ["a"], "x")
    assert "\n" not in str(caught.value)


def test_shards_copied_from_another_key_are_ignored(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    store.put("one", ["a"], {"x": rows(1)})
    shutil.copytree(tmp_path / folder_name("one"), tmp_path / folder_name("two"))
    assert store.has("two", ["a"]) == set()
    assert store.has("one", ["a"]) == {"a"}


def test_after_the_folder_is_deleted_another_shape_is_welcome(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    store.put("k", ["a"], {"x": rows(1)})
    with pytest.raises(WorkspaceError, match="delete that folder"):
        store.put("k", ["b"], {"x": rows(1, width=5)})
    shutil.rmtree(tmp_path / folder_name("k"))
    again = ActivationStore(tmp_path)
    again.put("k", ["b"], {"x": rows(1, width=5)})
    assert again.has("k", ["a", "b"]) == {"b"}


def test_shapes_of_two_models_under_one_key_are_told(tmp_path: Path) -> None:
    first, second = ActivationStore(tmp_path / "1"), ActivationStore(tmp_path / "2")
    first.put("k", ["a"], {"x": rows(1)})
    second.put("k", ["b"], {"x": rows(1, layers=3)})
    for path in (tmp_path / "2" / folder_name("k")).iterdir():
        shutil.copy(path, tmp_path / "1" / folder_name("k"))
    with pytest.raises(WorkspaceError, match="one model"):
        first.get("k", ["a", "b"], "x")


@pytest.mark.parametrize(
    "wrong",
    [{}, {"x": torch.zeros(1, 2, 4)}, {"x": torch.zeros(2, 4)}, {"x": torch.zeros(2, 2, 4), "y": torch.zeros(2, 3, 4)}],
)
def test_tensors_that_do_not_fit_are_refused(tmp_path: Path, wrong: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="needed"):
        ActivationStore(tmp_path).put("k", ["a", "b"], wrong)
    assert list(tmp_path.iterdir()) == []


def test_only_old_leftovers_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / folder_name("k")
    folder.mkdir()
    for age in ("old", "new"):
        for name in (f".rass-{age}.tmp", f"{age}.safetensors"):
            (folder / name).write_bytes(b"half")
            if age == "old":
                os.utime(folder / name, (0, 0))
    assert ActivationStore(tmp_path).has("k", ["a"]) == set()
    assert sorted(path.name for path in folder.iterdir()) == [".rass-new.tmp", "new.safetensors"]


def test_a_store_can_be_sent_to_a_worker(tmp_path: Path) -> None:
    store = ActivationStore(tmp_path)
    store.put("k", ["a"], {"x": rows(1)})
    assert torch.equal(pickle.loads(pickle.dumps(store)).get("k", ["a"], "x"), rows(1))
