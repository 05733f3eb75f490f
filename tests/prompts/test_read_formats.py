"""Every format and encoding people bring, and what happens to rows that are broken."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from rasslib.prompts import ReadResult, prompt_id, read_lines, read_prompts


def drops(result: ReadResult) -> list[tuple[int, str]]:
    return list(zip(result.dropped["row"].tolist(), result.dropped["reason"].tolist(), strict=True))


def texts(result: ReadResult) -> list[str]:
    return result.prompts["prompt"].tolist()


def test_csv_file_with_line_breaks_quotes_and_commas_in_cells(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes(b'prompt,intent\r\n"first line\r\n\r\nthird, ""quoted"" line",harmful\r\nplain,harmless\r\n')
    result = read_prompts(path)
    assert texts(result) == ['first line\r\n\r\nthird, "quoted" line', "plain"]
    assert result.prompts["intent"].tolist() == ["harmful", "harmless"]
    assert result.prompts["source"].tolist() == ["set.csv"] * 2
    assert result.columns == {"prompt": "prompt", "intent": "intent"}
    assert result.dropped.empty and list(result.dropped.columns) == ["row", "reason", "text"]
    assert result.notes == []


def test_uploaded_bytes_take_their_format_from_the_name_which_is_never_a_path() -> None:
    result = read_prompts(b"text\tlang\nSing\ten\nSingt\tde\n", name="C:\\data\\../up.TSV")
    assert texts(result) == ["Sing", "Singt"]
    assert result.prompts["language"].tolist() == ["en", "de"]
    assert set(result.prompts["source"]) == {"up.TSV"}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_csv_with_another_delimiter(delimiter: str) -> None:
    result = read_prompts(delimiter.join(["id", "prompt"]) + "\n" + delimiter.join(["7", "Sing, dance"]), name="a.csv")
    assert texts(result) == ["Sing, dance"]
    assert result.prompts["source_id"].tolist() == [7]


def test_the_line_that_excel_puts_first_names_the_delimiter() -> None:
    assert texts(read_prompts("sep=;\r\nprompt;label\r\nSing, dance;benign\r\n", name="a.csv")) == ["Sing, dance"]


def test_single_column_keeps_unquoted_commas() -> None:
    assert texts(read_prompts(b"prompt\nRed, green, blue\n", name="a.csv")) == ["Red, green, blue"]


def test_rows_are_numbered_as_in_the_file_and_told_one_by_one() -> None:
    long = "x" * 20_001
    rows = ["prompt,category", "Sing,a", ",b", "", " sing,c", "Sing ,d", f"{long},e", "a,b,c", "Hum"]
    result = read_prompts("\n".join(rows).encode(), name="a.csv")
    assert texts(result) == ["Sing", " sing", "Hum"]
    assert drops(result) == [
        (2, "empty prompt"),
        (5, "duplicate of row 1"),
        (6, "over 20,000 characters (20,001)"),
        (7, "3 cells where the header has 2: put text that holds a ',' in quotes"),
    ]
    assert len(result.dropped["text"][2]) == 201
    assert result.dropped["text"][3] == "a,b,c"


def test_an_unclosed_quotation_mark_costs_one_row_not_the_rest_of_the_file() -> None:
    text = 'prompt,intent\nSing,harmless\n"Hum,harmless\nDance,harmful\n"Say ""hi"", twice",harmless\n'
    result = read_prompts(text.encode(), name="a.csv")
    assert texts(result) == ["Sing", "Dance", 'Say "hi", twice']
    assert drops(result) == [(2, "a quotation mark is opened and never closed")]


def test_stray_quotation_marks_inside_a_row_are_tolerated() -> None:
    result = read_prompts(b'prompt,intent\n"Say" hi,harmless\n"Hum",harmful\n', name="a.csv")
    assert texts(result) == ["Say hi", "Hum"]


def test_tsv_without_quoting_is_read_literally_and_with_quoting_properly() -> None:
    bare = read_prompts(b'prompt\tintent\n"Hum" she said\tharmless\n"Half open\tharmful\n', name="a.tsv")
    assert texts(bare) == ['"Hum" she said', '"Half open']
    assert "quotation marks" in bare.notes[0]
    assert texts(read_prompts(b'prompt\tintent\n"Hum\n\tagain"\tharmless\n', name="a.tsv")) == ["Hum\n\tagain"]


def test_header_names_are_made_unique_and_blank_ones_filled() -> None:
    result = read_prompts(b"prompt,note,note,\nSing,1a,2b,3c\n", name="a.csv")
    assert result.prompts.columns[7:].tolist() == ["note", "note_2", "column_4"]


def test_jsonl_tells_broken_lines_and_keeps_types() -> None:
    lines = [
        '{"Goal": "Sing\\u2028loud", "n": 3, "tags": ["a"], "ok": true}',
        "",
        '{"Goal": "Hum",',
        "[1, 2]",
        '{"Goal": ["no text"]}',
        '{"Goal": "Dance", "n": null, "tags": null, "ok": false}',
        '"Whistle"',
    ]
    result = read_prompts("\n".join(lines).encode(), name="a.jsonl", columns={"prompt": "Goal"})
    assert texts(result) == ["Sing\u2028loud", "Dance"]
    reasons = dict(drops(result))
    assert sorted(reasons) == [3, 4, 5, 7]
    assert reasons[3].startswith("not valid JSON (")
    assert reasons[4] == "neither an object nor a text"
    assert reasons[5] == "the prompt is a list or an object, not text"
    assert result.prompts["n"][0] == 3 and pd.isna(result.prompts["n"][1])
    assert result.prompts["tags"][0] == ["a"]
    assert result.prompts["ok"].tolist() == [True, False]


def test_raw_unicode_line_separators_do_not_cut_json_lines() -> None:
    assert texts(read_prompts('{"prompt": "a\u2028b\x85c"}\n', name="a.jsonl")) == ["a\u2028b\x85c"]


@pytest.mark.parametrize(
    "text",
    [
        '[{"prompt": "Sing"}, {"prompt": "Hum"}]',
        '["Sing", "Hum"]',
        '\n{\n "about": "ours",\n "data": [{"prompt": "Sing"}, {"prompt": "Hum"}]\n}',
        '{"data": [{"prompt": "Sing"}, {"prompt": "Hum"}]}',
        '"Sing"\n"Hum"',
        '{"Goal": "Sing", "turns": [{"role": "user"}]}\n{"Goal": "Hum"}',
    ],
)
def test_json_in_its_usual_shapes(text: str) -> None:
    assert texts(read_prompts(text, name="a.json")) == ["Sing", "Hum"]


def test_a_single_object_with_a_list_in_it_is_one_prompt() -> None:
    assert texts(read_prompts('{"Goal": "Sing", "turns": [{"role": "user"}]}', name="a.jsonl")) == ["Sing"]


def test_parquet_in_bytes_and_as_a_file(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"instruction": ["Sing", None, "Hum"], "toxicity": [1, 0, 0], "score": [0.25, 0.5, 1.0]}, index=[7, 8, 9]
    )
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    path = tmp_path / "set.parquet"
    path.write_bytes(buffer.getvalue())
    for source in (path, buffer.getvalue()):
        result = read_prompts(source)
        assert texts(result) == ["Sing", "Hum"]
        assert result.prompts["intent"].tolist() == ["harmful", "harmless"]
        assert result.prompts["score"].tolist() == [0.25, 1.0]
        assert list(result.prompts.columns[7:]) == ["score"]
        assert drops(result) == [(2, "empty prompt")]


def test_plain_lines() -> None:
    result = read_prompts(b"  Sing  \r\n\r\nHum\rHum\n=1+1\n'-x\x0cy\n", name="a.txt", default_intent="harmless")
    assert texts(result) == ["Sing", "Hum", "=1+1", "'-x\x0cy"]
    assert set(result.prompts["intent"]) == {"harmless"}
    assert drops(result) == [(4, "duplicate of row 3")]
    assert result.columns == {}


def test_text_without_a_name_is_lines_unless_it_clearly_is_more() -> None:
    assert texts(read_prompts("Question, is it cold?\nSing")) == ["Question, is it cold?", "Sing"]
    assert texts(read_prompts("[1, 2] is a list\n{x} is a set")) == ["[1, 2] is a list", "{x} is a set"]
    table = read_prompts("prompt,harm\nSing,none\n")
    assert texts(table) == ["Sing"]
    assert "read as CSV" in table.notes[0]
    assert set(table.prompts["source"]) == {"pasted"}
    assert texts(read_prompts('{"prompt": "Sing"}')) == ["Sing"]


def test_read_lines_takes_any_text_literally_and_says_what_it_looks_like() -> None:
    result = read_lines("prompt,intent\nSing,harmful", default_language="de", default_split="train")
    assert texts(result) == ["prompt,intent", "Sing,harmful"]
    assert set(result.prompts["language"]) == {"de"}
    assert set(result.prompts["split"]) == {"train"}
    assert "looks like CSV" in result.notes[0]


def test_format_option_wins_over_the_name() -> None:
    assert texts(read_prompts(b'{"prompt": "Sing"}', name="a.csv", format="JSONL")) == ["Sing"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_unicode_encodings_are_recognised(encoding: str) -> None:
    text = "prompt,category\nWie heißt „Öl“ auf 日本語? 😀,ä\n"
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    result = read_prompts(mark + text.encode(encoding), name="a.csv")
    assert texts(result) == ["Wie heißt „Öl“ auf 日本語? 😀"]
    assert result.notes == []


def test_windows_encoding_is_read_with_a_note() -> None:
    result = read_prompts("prompt\nCafé “naïf” – 5 €\n".encode("cp1252"), name="old.csv")
    assert texts(result) == ["Café “naïf” – 5 €"]
    assert "old.csv is not UTF-8" in result.notes[0]


def test_nul_and_lone_surrogates_are_removed_with_a_note() -> None:
    result = read_prompts(json.dumps({"prompt": "a\0b\ud800c", "x": "\udc00y"}), name="a.jsonl")
    assert texts(result) == ["abc"]
    assert result.prompts["x"].tolist() == ["y"]
    assert "removed from 2 cells" in result.notes[0]
    assert result.prompts["id"][0] == prompt_id("abc")
    assert texts(read_prompts(b"Si\0ng a long and merry song\n", name="a.txt")) == ["Sing a long and merry song"]


def test_a_cell_longer_than_the_csv_module_allows_by_itself() -> None:
    result = read_prompts(b"prompt\n" + b"x" * 200_000 + b"\nSing\n", name="a.csv")
    assert texts(result) == ["Sing"]
    assert drops(result) == [(1, "over 20,000 characters (200,000)")]
