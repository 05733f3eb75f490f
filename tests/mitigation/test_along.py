"""Comparisons that come along: of this format, of the adapters that come along, without the paths of a machine."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rasslib.errors import WorkspaceError
from rasslib.mitigation.along import comparisons_along
from rasslib.mitigation.compare_report import markdown
from rasslib.mitigation.comparing import FORMAT
from rasslib.mitigation.moving_files import read_moved, save_moved
from rasslib.models.catalogue import ADAPTER_WEIGHTS, shipped_adapters
from rasslib.settings import assets_dir

NAMES = [path.stem for path in (assets_dir() / "comparisons").glob("*.json")]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (one for part in (*value.keys(), *value.values()) for one in _strings(part))
    elif isinstance(value, list):
        yield from (one for part in value for one in _strings(part))
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("name", NAMES)
def test_those_that_come_along_are_whole(name: str) -> None:
    along = comparisons_along()[name]
    result = along.result
    assert result["format"] == FORMAT, "compare again, and ship that"
    assert not {"report", "moved"} & set(result)
    assert "## Rates by set" in markdown(result)
    assert [one for one in _strings(result) if re.match(r"[/~]|[A-Za-z]:\\", one)] == []
    shipped = {
        key: hashlib.sha256((path / ADAPTER_WEIGHTS).read_bytes()).hexdigest()
        for key, path in shipped_adapters().items()
    }
    assert set(read_moved(along.moved) if along.moved else {}) <= set(result["arms"])
    for one in result["models"]:
        if one["adapter"] and one["adapter"]["name"] in shipped:
            assert one["adapter"]["sha256"] == shipped[one["adapter"]["name"]], "the adapter changed since"


def test_titles_tell_them_apart() -> None:
    titles = [one.title for one in comparisons_along().values()]
    assert all(titles) and len(set(titles)) == len(titles)


def test_what_moved_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"title": "X", "result": {"arms": {}}}', encoding="utf-8")
    assert comparisons_along(tmp_path)["x"].moved is None
    save_moved(tmp_path / "x", {})
    assert comparisons_along(tmp_path)["x"].moved == tmp_path / "x"


def test_none_and_a_damaged_one_are_told(tmp_path: Path) -> None:
    assert comparisons_along(tmp_path) == {}
    (tmp_path / "half.json").write_text('{"title": "Half"}', encoding="utf-8")
    with pytest.raises(WorkspaceError, match="install the program again"):
        comparisons_along(tmp_path)
