"""What cannot be read: one sentence each, and nothing but PromptError."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasslib.errors import PromptError
from rasslib.prompts import read_prompts
from rasslib.prompts.formats import FORMATS

EXCEL = b"PK\x03\x04rest"


@pytest.mark.parametrize(
    ("data", "name", "told"),
    [
        (b"", "a.csv", r"a\.csv is empty"),
        (b" \r\n\t\n", "a.txt", r"a\.txt is empty"),
        (b"\xef\xbb\xbf", "a.txt", "no usable prompt|holds no prompts|is empty"),
        (b"prompt,intent\n", "a.csv", "holds no prompts, only column names"),
        (b",,\n,,\n", "a.csv", "is empty; it needs a line with column names"),
        (b"prompt\n \n", "a.csv", "is empty|its only row was dropped"),
        (b"prompt,x\n,1\n ,2\n", "a.csv", r"all 2 rows were dropped \(row 1: empty prompt\)"),
        (b'{"a"\n{"b"\n', "a.jsonl", r"all 2 rows were dropped \(row 1: not valid JSON"),
        (b"{}\n{}\n", "a.jsonl", "holds no prompts"),
        (b'[{"prompt": "a"},', "a.json", r"a\.json is not valid JSON \("),
        (b"[" * 100_000, "a.json", "is not valid JSON"),
        (b"PAR1 broken", "a.parquet", "damaged or no Parquet file"),
        (b"prompt\nSing\n", "a.parquet", "damaged or no Parquet file"),
        (EXCEL, "a.csv", "Excel workbook .* save the sheet as CSV"),
        (b"%PDF-1.7", "a.txt", "is a PDF"),
        (bytes(range(32)) * 40 + b"\0" * 400, "a.txt", "does not look like text"),
        ("prompt\nSing".encode("utf-16-le"), "a.csv", "does not look like text"),
        (b"wish;extra\nSing;1\n", "a.csv", "found columns wish, extra; name the prompt column"),
        (b'prompt,x\n' + b'"a,b\nc,d\n' * 200, "a.csv", "too many unpaired quotation marks"),
    ],
)  # fmt: skip
def test_unreadable_uploads(data: bytes, name: str, told: str) -> None:
    with pytest.raises(PromptError, match=told) as error:
        read_prompts(data, name=name)
    assert "\n" not in str(error.value)


def test_missing_file_folder_and_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PromptError, match=r"There is no file .*nothing\.csv"):
        read_prompts(tmp_path / "nothing.csv")
    with pytest.raises(PromptError, match="is a folder; give a file"):
        read_prompts(tmp_path)
    with pytest.raises(PromptError, match=r"cannot be read|no file"):
        read_prompts(Path("a\0b.csv"))
    path = tmp_path / "closed.csv"
    path.write_text("prompt\nSing\n")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(PromptError, match="may not be read: no permission"):
        read_prompts(path)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(257 * 2**20)  # sparse: takes no space
    with pytest.raises(PromptError, match="larger than 256 MB"):
        read_prompts(path)


def test_long_first_rows_do_not_flood_the_message() -> None:
    with pytest.raises(PromptError, match="no prompt column") as error:
        read_prompts("How do I bake bread without any yeast, and how long does it take?\nSing", name="a.csv")
    assert len(str(error.value)) < 250


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"format": "xlsx"}, "Unknown prompt format 'xlsx': use one of csv, tsv, jsonl, parquet, txt"),
        ({"default_intent": "nice"}, "Unknown default intent 'nice'"),
        ({"default_split": "dev"}, "Unknown default split 'dev'"),
        ({"default_language": "English"}, "Unknown default language 'English'"),
    ],
)
def test_wrong_options(options: dict[str, Any], told: str) -> None:
    with pytest.raises(PromptError, match=told):
        read_prompts("Sing", **options)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.binary(max_size=120), st.sampled_from(FORMATS))
def test_no_bytes_whatever_raise_anything_else(data: bytes, kind: str) -> None:
    for prefix in (b"", b"prompt,intent\n", b'{"prompt": '):
        try:
            result = read_prompts(prefix + data, format=kind)
        except PromptError:
            continue
        assert len(result.prompts) >= 1
