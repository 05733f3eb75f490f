"""Files that are whole or absent, and the workspace folder."""

from __future__ import annotations

import errno
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rasslib import settings
from rasslib.errors import WorkspaceError
from rasslib.workspace import Workspace
from rasslib.workspace.files import (
    atomic_json,
    atomic_write,
    check_name,
    clean_text,
    folder_name,
    make_folder,
    read_json,
)


@pytest.mark.parametrize("error", [RuntimeError("broke"), KeyboardInterrupt()])
def test_an_error_in_the_block_leaves_the_old_file(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "f.txt"
    path.write_text("old")
    with pytest.raises(type(error)), atomic_write(path) as temporary:
        temporary.write_text("half of the new")
        raise error
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("f.txt", "old")]


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EDQUOT, "disk is full"), (errno.EACCES, "permission")]
)
def test_a_flush_that_fails_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(handle: int) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(WorkspaceError, match=words) as caught:
        atomic_json(tmp_path / "f.json", [1])
    assert str(tmp_path / "f.json") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["file/f.json", "file/sub/f.json"])
def test_a_path_under_a_regular_file_is_told(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WorkspaceError, match="in its place"):
        atomic_json(tmp_path / below, 1)
    with pytest.raises(WorkspaceError, match="in its place"):
        make_folder((tmp_path / below).parent)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "f.json").mkdir()
    with pytest.raises(WorkspaceError, match="in its place"):
        atomic_json(tmp_path / "f.json", 1)
    assert [path.name for path in tmp_path.iterdir()] == ["f.json"]


def test_json_keeps_any_text_and_plain_counterparts(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Part:
        where: Path
        values: np.ndarray

    atomic_json(tmp_path / "f.json", {"é\0\ud800": Part(Path("a"), np.array([1.5, np.inf])), 3: {"b", "a"}})
    assert read_json(tmp_path / "f.json") == {
        "é\0\ud800": {"where": "a", "values": [1.5, None]},
        "3": ["a", "b"],
    }
    with pytest.raises(TypeError, match="object cannot be stored"):
        atomic_json(tmp_path / "g.json", object())
    assert not (tmp_path / "g.json").exists()


@pytest.mark.parametrize(("content", "words"), [(None, "does not exist"), (b"{", "damaged"), (b"\xff", "damaged")])
def test_json_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "f.json").write_bytes(content)
    with pytest.raises(WorkspaceError, match=words):
        read_json(tmp_path / "f.json")


def test_only_lone_surrogates_are_replaced() -> None:
    assert clean_text("\ufeffa\ud800b\udc00 \U0001f600 \0\n") == "\ufeffa\ufffdb\ufffd \U0001f600 \0\n"


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "-x", ".x", "x.", "é", "a\n", "a" * 101, "a\0"])
def test_unsafe_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WorkspaceError, match="name of a run"):
        Workspace(tmp_path).run_dir(name)
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize("name", ["20260101-120000-abcdef", "a" * 100, "A.b_c-1"])
def test_safe_names_are_kept(name: str) -> None:
    assert check_name(name, "run") == name


def test_folder_names_of_keys_differ_and_are_safe() -> None:
    keys = ["", "a/b", "a-b", "A-B", "../..", "\ud800", "é", "x" * 500]
    names = [folder_name(key) for key in keys]
    assert len({name.lower() for name in names}) == len(keys)
    assert [check_name(name, "folder") for name in names] == names


def test_the_default_root_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASS_WORKSPACE", str(tmp_path / "mine"))
    settings.settings.cache_clear()
    try:
        assert Workspace().root == tmp_path / "mine"
    finally:
        monkeypatch.undo()
        settings.settings.cache_clear()
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["activations", "cache", "runs"]


@pytest.mark.parametrize(("number", "words"), [(errno.EACCES, "permission"), (errno.EROFS, "permission")])
def test_a_root_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WorkspaceError, match=words) as caught:
        Workspace(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("root", ["~no-such-user-here/x", "a\0b"])
def test_a_root_that_is_no_path_is_told(monkeypatch: pytest.MonkeyPatch, root: str) -> None:
    with pytest.raises(WorkspaceError, match="give the whole path"):
        Workspace(root)


def test_a_home_that_cannot_be_found_in_the_settings_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RASS_WORKSPACE", "~no-such-user-here/x")
    settings.settings.cache_clear()
    try:
        with pytest.raises(WorkspaceError, match="give the whole path"):
            Workspace()
    finally:
        monkeypatch.undo()
        settings.settings.cache_clear()


def test_run_folders_are_made_only_when_asked_for(tmp_path: Path) -> None:
    workspace = pickle.loads(pickle.dumps(Workspace(tmp_path)))
    assert workspace.run_dir("r", create=False) == tmp_path / "runs" / "r"
    assert not (tmp_path / "runs" / "r").exists()
    assert workspace.run_dir("r").is_dir()
