"""Comparisons that come along: of this format, of the adapters that come along, without the paths of a machine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from rasslib.errors import WorkspaceError
from rasslib.mitigation.along import comparisons_along
from rasslib.mitigation.compare_report import markdown
from rasslib.mitigation.comparing import FORMAT
from rasslib.models.catalogue import ADAPTER_WEIGHTS, shipped_adapters


@pytest.mark.parametrize("name", list(comparisons_along()))
def test_those_that_come_along_are_whole(name: str) -> None:
    result = comparisons_along()[name].result
    assert result["format"] == FORMAT, "compare again, and ship that"
    assert "## Rates by set" in markdown(result)
    told = json.dumps(result)
    assert "/tmp/" not in told and "/home/" not in told
    shipped = {
        key: hashlib.sha256((path / ADAPTER_WEIGHTS).read_bytes()).hexdigest()
        for key, path in shipped_adapters().items()
    }
    for one in result["models"]:
        if one["adapter"] and one["adapter"]["name"] in shipped:
            assert one["adapter"]["sha256"] == shipped[one["adapter"]["name"]], "the adapter changed since"


def test_none_and_a_damaged_one_are_told(tmp_path: Path) -> None:
    assert comparisons_along(tmp_path) == {}
    (tmp_path / "half.json").write_text('{"title": "Half"}', encoding="utf-8")
    with pytest.raises(WorkspaceError, match="install the program again"):
        comparisons_along(tmp_path)
