"""Writing: exact round trips, the guard against formulas, and files that are whole or not there."""

from __future__ import annotations

import csv
import errno
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from rasslib.errors import PromptError
from rasslib.prompts import INTENTS, SPLITS, make_prompt_set, prompt_id, read_prompts, to_csv_bytes, write_prompts
from rasslib.prompts.guard import guard_text, unguard_text

AWKWARD = [
    "=HYPERLINK(1)",
    "'=already guarded",
    "''@twice",
    "'tis a plain apostrophe",
    "-1",
    "+ plus",
    "@home",
    "\ttab first",
    "\rreturn first",
    'quotes " and "" and \'',
    "several\nlines\r\nof\rtext",
    "comma, semicolon; tab\tpipe|",
    "日本語 😀 e\u0301 \u2028 \u00a0",
    "  spaces around  ",
    "007",
    "True",
    "nan",
    "null",
    "\\n is no line break",
    "\ufeffmark first",
]


@pytest.fixture
def awkward() -> pd.DataFrame:
    n = len(AWKWARD)
    return make_prompt_set(
        {
            "prompt": text,
            "intent": INTENTS[i % 4],
            "split": SPLITS[i % 3],
            "category": AWKWARD[n - 1 - i],
            "source": "" if i % 2 else "=src",
            "language": "pt-BR",
            "label": AWKWARD[(i + 1) % n],
            "source_id": f"0{i}",
            "z": -0.1 * i,
            "n": i - 3,
            "kept": i % 2 == 0,
            "minus": "-5",
            "=odd": "x",
        }
        for i, text in enumerate(AWKWARD)
    )


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_round_trip_is_exact(awkward: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "deep" / f"set.{suffix}"
    write_prompts(awkward, path)
    result = read_prompts(path)
    assert_frame_equal(result.prompts, awkward)
    assert result.dropped.empty and result.notes == []
    first = path.read_bytes()
    write_prompts(result.prompts, path)
    assert path.read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5), st.sampled_from(["csv", "tsv", "jsonl"]))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, texts: list[str], suffix: str) -> None:
    unique = {prompt_id(text): text.replace("\0", "") for text in texts if text.replace("\0", "").strip()}
    df = make_prompt_set({"prompt": text, "note": "n" + text} for text in unique.values())
    if df.empty:
        return
    path = tmp_path_factory.mktemp("any") / f"set.{suffix}"
    write_prompts(df, path)
    assert_frame_equal(read_prompts(path).prompts, df)


def test_every_text_cell_is_guarded_and_no_number(awkward: pd.DataFrame) -> None:
    rows = list(csv.reader(io.StringIO(to_csv_bytes(awkward).decode("utf-8-sig"), newline="")))
    header, first = rows[0], rows[1]
    assert header[-1] == "'=odd"
    assert not any(cell.startswith(("=", "+", "@", "\t", "\r")) for row in rows for cell in row)
    assert first[header.index("prompt")] == "'=HYPERLINK(1)"
    assert rows[2][header.index("prompt")] == "''=already guarded"
    assert rows[4][header.index("prompt")] == "'tis a plain apostrophe"
    assert first[header.index("n")] == "-3"
    assert first[header.index("minus")] == "'-5"


@given(st.text(alphabet="'=-a\t\r", max_size=6))
def test_guard_can_be_undone_exactly(text: str) -> None:
    assert unguard_text(guard_text(text)) == text
    assert not guard_text(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_guard_and_mark_are_options() -> None:
    df = make_prompt_set([{"prompt": "=1+1 é"}])
    assert to_csv_bytes(df).startswith(b"\xef\xbb\xbfid,prompt")
    plain = to_csv_bytes(df, guard=False, excel_bom=False)
    assert plain.startswith(b"id,prompt") and ",=1+1 \xc3\xa9,".encode("latin-1") in plain


def test_any_frame_can_be_csv() -> None:
    mixed = pd.Series([np.int64(-3), "-3"], dtype=object, index=[5, 6])
    frame = pd.DataFrame({"z": [-0.1, None], "list": [["a"], None], "text": [None, "@x"]}, index=[5, 6])
    data = to_csv_bytes(frame.assign(mixed=mixed), excel_bom=False)
    assert data.decode() == 'z,list,text,mixed\n-0.1,"[""a""]",,-3\n,,\'@x,\'-3\n'


def test_plain_lines_keep_one_line_a_prompt_and_its_id(tmp_path: Path) -> None:
    df = make_prompt_set([{"prompt": "a\n\n b\r\nc"}, {"prompt": "=d"}])
    path = tmp_path / "set.txt"
    write_prompts(df, path)
    assert path.read_text() == "a b c\n=d\n"
    assert read_prompts(path).prompts["id"].tolist() == df["id"].tolist()


def test_an_empty_set_can_be_written(tmp_path: Path) -> None:
    write_prompts(make_prompt_set([]), tmp_path / "set.csv")
    assert (tmp_path / "set.csv").read_text() == "id,prompt,intent,category,language,source,split\n"


def test_mixed_types_become_text_in_parquet(tmp_path: Path) -> None:
    df = make_prompt_set([{"prompt": "a", "x": 1}, {"prompt": "b", "x": "one"}, {"prompt": "c"}])
    write_prompts(df, tmp_path / "set.parquet")
    values = read_prompts(tmp_path / "set.parquet").prompts["x"]
    assert values[:2].tolist() == ["1", "one"] and pd.isna(values[2])


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    df = make_prompt_set([{"prompt": "Sing"}])
    path = tmp_path / "set.csv"
    path.write_text("old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(PromptError, match=r"Cannot write .*set\.csv: the disk is full; free some space"):
        write_prompts(df, path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["set.csv"]


def test_what_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    df = make_prompt_set([{"prompt": "Sing"}])
    with pytest.raises(PromptError, match=r"must end in one of \.csv, \.tsv, \.jsonl, \.parquet, \.txt"):
        write_prompts(df, tmp_path / "set.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(PromptError, match="it is a folder"):
        write_prompts(df, tmp_path / "folder.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(PromptError, match="Cannot write"):
        write_prompts(df, tmp_path / "file" / "set.csv")
    with pytest.raises(PromptError, match="intent"):
        write_prompts(df.assign(intent="?"), tmp_path / "bad.csv")
    assert not (tmp_path / "bad.csv").exists()

    def refuse(self: Path, data: bytes) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(PromptError, match="no permission"):
        write_prompts(df, tmp_path / "set.csv")
