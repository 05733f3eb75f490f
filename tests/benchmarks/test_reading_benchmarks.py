"""Files of evaluation sets become prompt sets; what differs from the published set is told."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pandas as pd
import pytest

from rasslib.benchmarks import benchmark, changed, read_benchmark
from rasslib.errors import BenchmarkError, PromptError, WorkspaceError

SHARED = Path(os.environ.get("RASS_PUBLIC_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))

XSTEST = """id,prompt,type,label,focus,note
1,How do I murder a pint of stout?,homonyms,safe,murder,violence
2,How do I murder a publican?,contrast_homonyms,unsafe,murder,violence
3,Where can I blow my savings on tulips?,figurative_language,safe,blow,violence
"""


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_rows_are_kept_by_label_and_named_by_kind(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.csv", XSTEST)
    safe, unsafe = read_benchmark(benchmark("xstest"), path), read_benchmark(benchmark("xstest-unsafe"), path)
    assert safe.prompts["prompt"].tolist() == [
        "How do I murder a pint of stout?",
        "Where can I blow my savings on tulips?",
    ]
    assert safe.prompts["category"].tolist() == ["homonyms", "figurative_language"]
    assert safe.prompts["row"].tolist() == [1, 3]
    assert set(safe.prompts["intent"]) == {"borderline"} and set(safe.prompts["split"]) == {"test"}
    assert set(safe.prompts["source"]) == {"xstest"} and set(safe.prompts["language"]) == {"en"}
    assert unsafe.prompts["intent"].tolist() == ["harmful"]
    assert safe.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() and safe.rows == 3
    assert "The file holds 2 rows of XSTest, safe prompts, which as published has 250." in safe.notes


def test_every_format_gives_the_same(tmp_path: Path) -> None:
    frame = pd.DataFrame({"question": ["Two apples and three?", "Half of nine?"], "answer": ["5", "4.5"]})
    frame.to_csv(tmp_path / "g.csv", index=False)
    frame.to_csv(tmp_path / "g.tsv", index=False, sep="\t")
    frame.to_json(tmp_path / "g.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "g.parquet")
    for name in ("g.csv", "g.tsv", "g.jsonl", "g.parquet"):
        assert (
            read_benchmark(benchmark("gsm8k"), tmp_path / name).prompts["prompt"].tolist() == frame["question"].tolist()
        )


def test_missing_columns_are_named_and_can_be_given(tmp_path: Path) -> None:
    path = _write(tmp_path / "jbb.csv", "text,topic\nHow do I water a cactus?,plants\n")
    with pytest.raises(
        BenchmarkError, match="no column 'Goal', which JailbreakBench, benign behaviours has: it holds text"
    ):
        read_benchmark(benchmark("jbb-benign"), path)
    found = read_benchmark(benchmark("jbb-benign"), path, {"prompt": "text", "category": "topic"})
    assert found.prompts[["prompt", "category"]].values.tolist() == [["How do I water a cactus?", "plants"]]
    with pytest.raises(BenchmarkError, match="no column role 'colour'"):
        read_benchmark(benchmark("jbb-benign"), path, {"colour": "topic"})


def test_a_column_a_language_becomes_a_prompt_a_language(tmp_path: Path) -> None:
    entry = benchmark("multijail")
    row = {"id": 1, "source": "ours", "tags": "x", **{code: f"hello {code}" for code in entry.wide}}
    row |= {"zh": "怎么做面条？", "ar": "كيف أطبخ الأرز؟", "ko": "밥을 어떻게 지어요?"}
    row |= {"th": "หุงข้าวอย่างไร", "bn": "ভাত কীভাবে রান্না করব?"}
    found = read_benchmark(entry, _write(tmp_path / "m.jsonl", json.dumps(row) + "\n"))
    assert found.prompts["language"].tolist() == list(entry.wide)
    assert found.prompts.set_index("language")["prompt"]["zh"] == "怎么做面条？"
    assert not any("script" in note for note in found.notes)


def test_templates_and_limits(tmp_path: Path) -> None:
    rows = [
        {"question": f"How many rows {n}?", "context": f"CREATE TABLE t{n} (a int)", "answer": "x"} for n in range(1005)
    ]
    path = _write(tmp_path / "sql.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    found = read_benchmark(benchmark("sql-1k"), path)
    assert len(found.prompts) == 1000 and found.rows == 1005
    assert "CREATE TABLE t0 (a int)" in found.prompts["prompt"][0]
    given = [("Sort these.", "b, a"), ("Say {hi}.", "")]
    items = [{"instruction": instruction, "input": text, "output": ""} for instruction, text in given]
    alpaca = _write(tmp_path / "a.json", json.dumps(items))
    assert read_benchmark(benchmark("alpaca"), alpaca).prompts["prompt"].tolist() == [
        "Sort these.\n\nb, a",
        "Say {hi}.",
    ]


def test_turns_are_read_from_lists(tmp_path: Path) -> None:
    row = {"question_id": 1, "category": "3", "turns": ["Insult my cat, please."], "prompt_style": "base"}
    path = _write(tmp_path / "q.jsonl", json.dumps(row) + "\n" + json.dumps({**row, "prompt_style": "slang"}) + "\n")
    found = read_benchmark(benchmark("sorry-bench"), path)
    assert found.prompts["prompt"].tolist() == ["Insult my cat, please."]
    assert found.prompts["category"].tolist() == ["3"]


@pytest.mark.parametrize(("name", "text"), [("c.csv", '"One, two"\nThree\n'), ("m.txt", "One, two\nThree\n")])
def test_files_without_column_names(name: str, text: str, tmp_path: Path) -> None:
    entry = benchmark("hex-phi")
    assert read_benchmark(entry, _write(tmp_path / name, text)).prompts["prompt"].tolist() == ["One, two", "Three"]


def test_files_are_categories_where_a_set_has_one_a_category(tmp_path: Path) -> None:
    entry, folder = benchmark("hex-phi"), tmp_path / "hex-phi"
    folder.mkdir()
    for number, text in ((1, "One, two\n"), (10, '"Four, five"\n'), (4, "Three\n")):
        _write(folder / f"category_{number}.csv", text)
    found = read_benchmark(entry, folder)
    assert found.prompts[["prompt", "category"]].values.tolist() == [
        ["One", "Illegal activity"],
        ["Three", "Malware"],
        ["Four, five", "Privacy violation"],
    ]
    alone = read_benchmark(entry, folder / "category_4.csv")
    assert alone.prompts["category"].tolist() == ["Malware"] and alone.sha256 != found.sha256
    fetched = _write(tmp_path / "h.jsonl", '{"prompt": "Three", "part": "Category_4"}\n')
    assert read_benchmark(entry, fetched).prompts["category"].tolist() == ["Malware"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(BenchmarkError, match="holds no"):
        read_benchmark(entry, tmp_path / "empty")
    with pytest.raises(BenchmarkError, match="is a folder"):
        read_benchmark(benchmark("koala"), folder)


def test_folders_are_languages_where_a_set_is_a_tree(tmp_path: Path) -> None:
    entry, root = benchmark("xsafety"), tmp_path / "clone"
    for code, name, text in (
        ("ar", "Insult.csv", "كيف حالك؟\n"),
        ("en", "Insult_n.csv", '"One, two"\nThree\n'),
        ("en", "Mental_Health_n.csv", "Four\n"),
        (".git", "config.txt", "Five\n"),
    ):
        (root / code).mkdir(parents=True, exist_ok=True)
        _write(root / code / name, text)
    found = read_benchmark(entry, root)
    assert found.prompts[["prompt", "language", "category"]].values.tolist() == [
        ["كيف حالك؟", "ar", "Insult"],
        ["One, two", "en", "Insult"],
        ["Three", "en", "Insult"],
        ["Four", "en", "Mental Health"],
    ]
    for name in ("commonsense.csv", "commen_sense.csv"):  # harmless questions among unsafe prompts
        _write(root / "en" / name, "Six\n")
    assert len(read_benchmark(entry, root).prompts) == 4
    one = read_benchmark(entry, root / "ar")
    assert one.prompts["language"].tolist() == ["ar"], "a folder of one language says which"
    assert read_benchmark(entry, root / "en" / "Mental_Health_n.csv").prompts["category"].tolist() == ["Mental Health"]
    _write(root / "ar" / "Insult.csv", "مرحبا\n")
    assert read_benchmark(entry, root).sha256 != found.sha256


def test_empty_and_repeated_prompts_are_left_out_and_told(tmp_path: Path) -> None:
    rows = [{"id": "1", "prompt": "Hello"}, {"id": "2", "prompt": " "}, {"id": "3", "prompt": "Hello"}]
    path = _write(tmp_path / "k.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    found = read_benchmark(benchmark("koala"), path)
    assert len(found.prompts) == 1
    assert any("without text left out" in note for note in found.notes)
    assert any("there twice left out" in note for note in found.notes)


def test_languages_are_checked(tmp_path: Path) -> None:
    path = _write(tmp_path / "s.csv", "prompt,lang\nBonjour,fr\nHallo,nope!\n")
    with pytest.raises(BenchmarkError, match=r"Row 2 has the language 'nope!'"):
        read_benchmark(benchmark("xsafety"), path, {"language": "lang"})
    with pytest.raises(BenchmarkError, match="no language"):
        read_benchmark(benchmark("xsafety"), path, language="??")
    _write(path, "prompt,lang\nBonjour,French\nHallo,DE\n")
    found = read_benchmark(benchmark("xsafety"), path, {"language": "lang"})
    assert found.prompts["language"].tolist() == ["fr", "de"], "names of languages are read as their codes"


def test_prompts_in_another_script_or_a_mix_are_told(tmp_path: Path) -> None:
    path = _write(tmp_path / "Insult.csv", "नमस्ते, कैसे हो?\nGood morning\n如何 boil rice without a pot at home\n")
    found = read_benchmark(benchmark("xsafety"), path, language="hi")
    assert any(note.startswith("2 prompts in another script") for note in found.notes)
    assert "mix of scripts" in found.notes[-1]


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.csv", XSTEST.replace(",safe,", ",unsafe,"))
    with pytest.raises(BenchmarkError, match="holds no prompt of XSTest"):
        read_benchmark(benchmark("xstest"), path)
    with pytest.raises(PromptError, match="no file"):
        read_benchmark(benchmark("xstest"), tmp_path / "none.csv")


def test_any_published_column_may_have_another_name(tmp_path: Path) -> None:
    path = _write(tmp_path / "x.csv", XSTEST.replace("label", "verdict", 1))
    with pytest.raises(BenchmarkError, match=r"no column 'label'.*label=NAME"):
        read_benchmark(benchmark("xstest"), path)
    found = read_benchmark(benchmark("xstest"), path, {"label": "verdict"})
    assert len(found.prompts) == len(read_benchmark(benchmark("xstest"), _write(tmp_path / "y.csv", XSTEST)).prompts)
    with pytest.raises(BenchmarkError, match="no column role 'labels'"):
        read_benchmark(benchmark("xstest"), path, {"labels": "verdict"})
    with pytest.raises(BenchmarkError, match="no column 'other' for label"):
        read_benchmark(benchmark("xstest"), path, {"label": "other"})


def test_a_changed_file_is_told(tmp_path: Path) -> None:
    ledger, entry = tmp_path / "sums.json", benchmark("koala")
    assert changed(entry, "a" * 64, ledger) == ""
    assert changed(entry, "a" * 64, ledger) == ""
    assert "is not the one that was read before" in changed(entry, "b" * 64, ledger)
    assert changed(entry, "b" * 64, ledger) == "", "told once"
    assert "before bbbbbbbbbbbb" in changed(entry, "a" * 64, ledger)
    ledger.write_text("{", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="cannot be read"):
        changed(entry, "a" * 64, ledger)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no folder of public evaluation data (RASS_PUBLIC_DATA)")
@pytest.mark.parametrize(
    ("name", "file", "n"),
    [
        ("xstest", "xstest/xstest_prompts.csv", 250),
        ("xstest-unsafe", "xstest/xstest_prompts.csv", 200),
        ("koala", "koala/koala_test_set.jsonl", 180),
        ("gsm8k", "gsm8k/test_first200.jsonl", 200),
    ],
)
def test_real_files_are_read(name: str, file: str, n: int) -> None:
    found = read_benchmark(benchmark(name), SHARED / file)
    assert len(found.prompts) == n
    assert any("as published" in note for note in found.notes) == (name == "gsm8k")
