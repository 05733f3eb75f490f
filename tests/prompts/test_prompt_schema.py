"""Ids, the prompt set and its rules, the hash of the data."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import pandas as pd
import pytest

from rasslib.errors import PromptError
from rasslib.prompts import COLUMNS, MAX_CHARACTERS, clean_text, data_hash, make_prompt_set, prompt_id, validate
from rasslib.prompts.languages import is_language_code, language_code


def test_id_is_the_documented_hash() -> None:
    assert prompt_id("Peel a pear.") == "p" + hashlib.sha256(b"Peel a pear.").hexdigest()[:12]


def test_id_ignores_whitespace_and_composition_but_not_case_or_marks() -> None:
    accent = "Où est le café ?"
    assert prompt_id(f"  {unicodedata.normalize('NFD', accent)}\n") == prompt_id(accent)
    assert prompt_id("one\r\n\ttwo") == prompt_id("one two")
    assert len({prompt_id(text) for text in ("stop", "Stop", "Stop!", "S top")}) == 4


def test_clean_text_removes_what_no_file_can_hold_and_joins_pairs() -> None:
    assert clean_text("a\0b\ud800c\udc00") == "abc"
    assert clean_text("\ud83d\ude00 é \ufeffx") == "😀 é \ufeffx"


def test_make_prompt_set_fills_in_defaults_and_keeps_extras() -> None:
    df = make_prompt_set(
        [
            {"prompt": "Tie a bow", "score": 0.5},
            {"prompt": "Boil tea", "intent": None, "category": float("nan"), "id": "x"},
        ]
    )
    assert list(df.columns) == [*COLUMNS, "score"]
    first = df.iloc[0].to_dict()
    assert first["id"] == prompt_id("Tie a bow")
    assert (first["intent"], first["category"], first["language"]) == ("unlabelled", "", "en")
    assert (first["source"], first["split"], first["score"]) == ("", "test", 0.5)
    assert df["id"][1] == prompt_id("Boil tea")
    assert (df["intent"][1], df["category"][1]) == ("unlabelled", "")
    assert pd.isna(df["score"][1])


def test_an_empty_set_is_valid() -> None:
    df = make_prompt_set([])
    assert list(df.columns) == list(COLUMNS)
    assert df.empty


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"intent": "evil"}, "Row 2 .* intent 'evil': it must be one of harmful, harmless"),
        ({"split": "dev"}, "split 'dev'"),
        ({"language": "English"}, "language 'English'"),
        ({"category": 3}, "category '3': it must be text"),
        ({"prompt": " \n "}, "Row 2 .* prompt"),
        ({"prompt": "x" * (MAX_CHARACTERS + 1)}, "20,000 characters"),
        ({"prompt": "Hum a tune"}, "the same prompt is there twice"),
        ({"prompt": None}, "Prompt 2 has no text"),
    ],
)
def test_values_that_are_not_allowed_are_named(change: dict[str, Any], told: str) -> None:
    with pytest.raises(PromptError, match=told):
        make_prompt_set([{"prompt": "Hum a tune"}, {"prompt": "Whistle", **change}])


def test_validate_puts_columns_in_order_and_does_not_touch_its_input() -> None:
    df = make_prompt_set([{"prompt": "Hum a tune", "note": "x"}, {"prompt": "Whistle", "note": "y"}])
    mixed = df[["note", *reversed(COLUMNS)]].iloc[::-1]
    valid = validate(mixed)
    assert list(valid.columns) == [*COLUMNS, "note"]
    assert list(valid.index) == [0, 1]
    assert mixed.columns[0] == "note"


def test_validate_names_missing_and_repeated_columns_and_foreign_ids() -> None:
    df = make_prompt_set([{"prompt": "Hum a tune"}])
    with pytest.raises(PromptError, match="lacks the columns intent, split"):
        validate(df.drop(columns=["intent", "split"]))
    with pytest.raises(PromptError, match="more than one column named prompt"):
        validate(pd.concat([df, df[["prompt"]]], axis=1))
    with pytest.raises(PromptError, match="id 'p0': it must be prompt_id"):
        validate(df.assign(id="p0"))


def test_validate_counts_the_other_bad_rows() -> None:
    df = make_prompt_set([{"prompt": text} for text in ("a", "b", "c")])
    df["intent"] = ["harmful", "bad", "worse"]
    with pytest.raises(PromptError, match=r"Row 2 .*\(1 more row is not valid either\)"):
        validate(df)


def test_data_hash_sees_ids_intents_and_splits_only() -> None:
    df = make_prompt_set([{"prompt": "a", "intent": "harmful"}, {"prompt": "b", "intent": "harmless"}])
    same = df.iloc[::-1].assign(category="new", source="elsewhere")
    assert data_hash(same) == data_hash(df)
    assert len({data_hash(df), data_hash(df.assign(split="train")), data_hash(df.assign(intent="harmful"))}) == 3
    assert data_hash(df.iloc[:1]) != data_hash(df)


def test_language_codes() -> None:
    assert is_language_code("pt-BR") and is_language_code("yue")
    assert not any(is_language_code(text) for text in ("", "English", "EN", "e", "en_US", "en-"))
    written = ["EN", "en_US", " German ", "zho_Hans", "Python", ""]
    assert [language_code(text) for text in written] == ["en", "en-US", "de", "zho-Hans", "", ""]
