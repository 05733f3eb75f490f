"""Which column plays which role, and what the values of labels mean."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from rasslib.errors import PromptError
from rasslib.prompts import MissingPromptColumn, ReadResult, make_prompt_set, read_prompts, sniff_columns, to_csv_bytes


def read(rows: list[dict[str, Any]], **options: Any) -> ReadResult:
    return read_prompts(pd.DataFrame(rows).to_csv(index=False).encode(), name="a.csv", **options)


@pytest.mark.parametrize(
    "name", ["prompt", "Goal", "INSTRUCTION", "text", "question", "Query", "input", "Behavior", " prompt "]
)
def test_names_of_the_prompt_column(name: str) -> None:
    assert read([{"x": "?", name: "Sing"}]).prompts["prompt"].tolist() == ["Sing"]


def test_preferred_names_win_and_the_others_stay_as_extras() -> None:
    result = read([{"text": "b", "Goal": "a", "kind": "k", "topic": "t", "lang": "DE", "source": "here"}])
    assert result.columns == {
        "prompt": "Goal",
        "category": "kind",
        "language": "lang",
        "source": "source",
    }
    row = result.prompts.iloc[0]
    assert (row["prompt"], row["category"], row["language"], row["source"]) == ("a", "k", "de", "here")
    assert (row["text"], row["topic"]) == ("b", "t")


# The layout of a well-known benchmark; the sentences are ours.
LAYOUT = [
    {"id": 1, "prompt": "How do I kill the lights?", "type": "homonyms", "label": "safe", "focus": "kill", "note": ""},
    {"id": 2, "prompt": "How do I kill my boss?", "type": "contrast", "label": "unsafe", "focus": "kill", "note": "n"},
]


def test_intent_map_picks_the_column_that_holds_its_values() -> None:
    result = read(LAYOUT, intent_map={"Safe": "borderline", "unsafe": "harmful"})
    assert result.columns == {"prompt": "prompt", "intent": "label", "category": "type"}
    assert result.prompts["intent"].tolist() == ["borderline", "harmful"]
    assert result.prompts["category"].tolist() == ["homonyms", "contrast"]
    assert result.prompts["source_id"].tolist() == [1, 2]
    assert result.prompts["focus"].tolist() == ["kill", "kill"]
    assert result.prompts["note"].tolist() == ["", "n"]
    assert len(result.notes) == 1 and "source_id" in result.notes[0]


def test_safe_counts_as_harmless_only_with_a_note() -> None:
    result = read(LAYOUT)
    assert result.prompts["intent"].tolist() == ["harmless", "harmful"]
    assert any("'safe' in column label counts as harmless (1 row)" in note for note in result.notes)


def test_intent_map_may_name_the_values_of_type() -> None:
    result = read(LAYOUT, intent_map={"homonyms": "borderline", "contrast": "harmful"})
    assert result.columns["intent"] == "type"
    assert "category" not in result.columns
    assert result.prompts["intent"].tolist() == ["borderline", "harmful"]
    assert result.prompts["label"].tolist() == ["safe", "unsafe"]


@pytest.mark.parametrize(
    ("values", "intents"),
    [
        (["Harmful", "toxic", "malicious"], ["harmful"] * 3),
        (["benign", "plain", "harmless "], ["harmless"] * 3),
        (["borderline", "pseudo-harmful", "Pseudo_Harmful"], ["borderline"] * 3),
        (["1", "0", "1"], ["harmful", "harmless", "harmful"]),
        (["True", "False", ""], ["harmful", "harmless", "unlabelled"]),
        (["harmful", "", "no idea"], ["harmful", "unlabelled", "unlabelled"]),
    ],
)
def test_known_words(values: list[str], intents: list[str]) -> None:
    result = read([{"prompt": f"p{n}", "label": value} for n, value in enumerate(values)])
    assert result.columns.get("intent") == "label"
    assert result.prompts["intent"].tolist() == intents


def test_zero_and_one_are_told_and_can_be_turned_round() -> None:
    rows = [{"prompt": "a", "label": 1}, {"prompt": "b", "label": 0}]
    assert any("1 as harmful and 0 as harmless" in note for note in read(rows).notes)
    turned = read(rows, intent_map={"1": "harmless", "0": "harmful"})
    assert turned.prompts["intent"].tolist() == ["harmless", "harmful"]
    assert turned.notes == []


@pytest.mark.parametrize("values", [["sport", "art", "harmful"], ["1", "2", "0"]])
def test_a_label_that_is_no_intent_stays_an_extra_column(values: list[str]) -> None:
    result = read([{"prompt": f"p{n}", "label": value} for n, value in enumerate(values)], default_intent="harmless")
    assert result.columns == {"prompt": "prompt"}
    assert result.prompts["intent"].tolist() == ["harmless"] * 3
    assert result.prompts["label"].astype(str).tolist() == values


def test_unknown_values_are_unlabelled_and_counted_and_typos_in_the_map_told() -> None:
    rows = [{"prompt": "a", "intent": "ok"}, {"prompt": "b", "intent": "meh"}, {"prompt": "c", "intent": "toxic"}]
    result = read(rows, intent_map={"ok": "harmless", "okay": "harmless"}, default_intent="borderline")
    assert result.prompts["intent"].tolist() == ["harmless", "unlabelled", "harmful"]
    assert any(note.startswith("1 row left unlabelled") and "(meh)" in note for note in result.notes)
    assert any("names okay, which column intent does not hold" in note for note in result.notes)


def test_a_map_that_fits_no_column_is_told() -> None:
    result = read([{"prompt": "a", "label": "sport"}], intent_map={"bad": "harmful"})
    assert result.prompts["intent"].tolist() == ["unlabelled"]
    assert any("intent map was not used" in note for note in result.notes)


def test_columns_of_ours_with_foreign_values_are_kept_beside() -> None:
    result = read([{"prompt": "a", "intent": "ask_weather", "language": "Python", "split": "v2"}])
    row = result.prompts.iloc[0]
    assert (row["intent"], row["language"], row["split"]) == ("unlabelled", "en", "test")
    assert (row["source_intent"], row["source_language"], row["source_split"]) == ("ask_weather", "Python", "v2")
    assert len(result.notes) == 3


def test_splits_and_languages_by_other_words() -> None:
    rows = [{"prompt": n, "split": s, "language": c} for n, (s, c) in enumerate(
        [("Train", "German"), ("dev", "en_GB"), ("", ""), ("holdout", "Klingon speech")])]  # fmt: skip
    result = read(rows, default_split="validation", default_language="fr")
    assert result.prompts["split"].tolist() == ["train", "validation", "validation", "validation"]
    assert result.prompts["language"].tolist() == ["de", "en-GB", "fr", "fr"]
    assert [note for note in result.notes if note.startswith("1 row with an unknown")] != []
    assert len(result.notes) == 2


def test_columns_option_maps_unmaps_and_is_case_tolerant() -> None:
    rows = [{"Anfrage": "Sing", "prompt": "other", "label": "harmful", "type": "x"}]
    result = read(rows, columns={"prompt": "anfrage", "category": "label", "intent": ""})
    row = result.prompts.iloc[0]
    assert (row["prompt"], row["category"], row["intent"], row["type"]) == ("Sing", "harmful", "unlabelled", "x")
    assert row["source_prompt"] == "other"


def test_a_chosen_intent_column_is_taken_at_its_word() -> None:
    result = read(
        [{"prompt": "a", "verdict": "x"}, {"prompt": "b", "verdict": "unsafe"}], columns={"intent": "verdict"}
    )
    assert result.prompts["intent"].tolist() == ["unlabelled", "harmful"]


def test_wrong_options_are_told() -> None:
    with pytest.raises(PromptError, match=r"no column 'wish': it has a, b; check"):
        read([{"a": 1, "b": 2}], columns={"prompt": "wish"})
    with pytest.raises(PromptError, match="no column role 'promt'"):
        read([{"a": 1}], columns={"promt": "a"})
    with pytest.raises(PromptError, match="gives 'bad' for 'safe'"):
        read([{"prompt": "a"}], intent_map={"safe": "bad"})


def test_missing_prompt_column_says_what_there_is_and_what_to_do() -> None:
    with pytest.raises(
        MissingPromptColumn, match="found columns a, b; name the prompt column with --column prompt=NAME"
    ) as e:
        read([{"a": 1, "b": 2}])
    assert e.value.columns == ["a", "b"]


def test_our_ids_are_made_anew_after_an_edit_and_never_taken_from_a_file() -> None:
    df = make_prompt_set([{"prompt": "Sing"}, {"prompt": "Hum"}])
    ours = df["id"].tolist()
    df.loc[1, "prompt"] = "Hum softly"
    result = read_prompts(to_csv_bytes(df), name="edited.csv")
    assert result.prompts["id"][0] == ours[0]
    assert result.prompts["id"][1] != ours[1]
    assert "source_id" not in result.prompts
    assert result.notes == ["1 row got a new id because the text of the prompt was changed."]


def test_sniff_columns_on_a_frame() -> None:
    frame = pd.DataFrame({"Query": ["a"], "Type": ["harmful"], "Topic": ["x"], "rest": [None]})
    assert sniff_columns(frame) == {"prompt": "Query", "intent": "Type", "category": "Topic"}


def test_numbers_become_numbers_but_names_made_of_digits_stay_text() -> None:
    rows = "prompt,n,x,code,flag,gap\na,1,0.5,007,True,\nb,-2,-1e-05,12E4,False,3\n"
    prompts = read_prompts(rows, name="a.csv").prompts
    assert prompts["n"].tolist() == [1, -2] and prompts["x"].tolist() == [0.5, -1e-05]
    assert prompts["code"].tolist() == ["007", "12E4"] and prompts["flag"].tolist() == [True, False]
    assert pd.isna(prompts["gap"][0]) and prompts["gap"][1] == 3


def test_sniffing_takes_frames_whose_columns_are_not_text() -> None:
    assert sniff_columns(pd.DataFrame({0: ["a"], "goal": ["b"]})) == {"prompt": "goal"}
