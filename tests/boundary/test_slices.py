"""Named slices survive, and a damaged file is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from rasslib.boundary import slices
from rasslib.boundary.slices import delete_slice, load_slices, save_slice
from rasslib.errors import WorkspaceError


def test_slices_are_kept_replaced_and_deleted(tmp_path: Path) -> None:
    assert load_slices(tmp_path) == {}
    assert save_slice(tmp_path, "  near \n the edge ", ["p1", "p2", "p1"]) == "near the edge"
    save_slice(tmp_path, "other", ["p3"])
    save_slice(tmp_path, "other", ["p4"])
    assert load_slices(tmp_path) == {"near the edge": ["p1", "p2"], "other": ["p4"]}
    delete_slice(tmp_path, "near the edge")
    delete_slice(tmp_path, "never was")
    assert load_slices(tmp_path) == {"other": ["p4"]}
    assert [path.name for path in tmp_path.iterdir()] == ["slices.json"]


@pytest.mark.parametrize("name", ["", "  \n", "x" * 61])
def test_names_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    with pytest.raises(WorkspaceError, match="1 to 60"):
        save_slice(tmp_path, name, ["p1"])


def test_nothing_selected_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="Nothing is selected"):
        save_slice(tmp_path, "a", [])


def test_too_many_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MOST", 1)
    save_slice(tmp_path, "a", ["p1"])
    save_slice(tmp_path, "a", ["p2"])
    with pytest.raises(WorkspaceError, match="delete one first"):
        save_slice(tmp_path, "b", ["p1"])


@pytest.mark.parametrize("damage", ["{", "[]", '{"a": 3}', '{"a": [1]}'])
def test_a_damaged_file_is_told_and_not_overwritten(tmp_path: Path, damage: str) -> None:
    (tmp_path / "slices.json").write_text(damage)
    with pytest.raises(WorkspaceError, match="damaged"):
        save_slice(tmp_path, "b", ["p1"])
    assert (tmp_path / "slices.json").read_text() == damage
