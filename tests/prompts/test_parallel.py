"""The parallel set: complete in every language, natural in form, and our own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from rasslib.errors import PromptError
from rasslib.prompts import (
    INTENTS,
    PARALLEL_LANGUAGES,
    SETS,
    SPLITS,
    assign_splits,
    is_bundled,
    load_bundled,
    load_parallel,
    near_duplicates,
    normalise,
    read_prompts,
    script_share,
    validate,
)
from rasslib.prompts.parallel import parallel_path

DENSE = {"zh", "ja"}
"""Languages whose letters are syllables or words, so that texts have fewer of them."""


@pytest.fixture(scope="module")
def parallel() -> pd.DataFrame:
    return load_parallel()


def test_it_is_a_valid_prompt_set_read_without_remarks(parallel: pd.DataFrame) -> None:
    result = read_prompts(parallel_path())
    assert result.notes == [] and result.dropped.empty
    pd.testing.assert_frame_equal(validate(parallel), parallel)
    assert {"triple", "cue"} <= set(parallel.columns)
    assert set(parallel["source"]) == {"rass-parallel"}


def test_every_triple_has_every_intent_in_every_language_once(parallel: pd.DataFrame) -> None:
    cells = parallel.groupby(["triple", "intent", "language"]).size()
    assert (cells == 1).all()
    assert parallel["triple"].nunique() >= 60
    assert len(cells) == parallel["triple"].nunique() * 3 * len(PARALLEL_LANGUAGES)
    assert set(parallel["intent"]) == set(INTENTS) - {"unlabelled"}
    assert set(parallel["language"]) == set(PARALLEL_LANGUAGES)


def test_kinds_and_harms_are_many_and_the_same_in_all_languages(parallel: pd.DataFrame) -> None:
    assert (parallel.groupby(["triple", "intent"])["category"].nunique() == 1).all()
    kinds = parallel.groupby("intent")["category"].nunique()
    assert kinds["harmful"] >= 10 and kinds["borderline"] >= 10 and kinds["harmless"] >= 10
    bundled = load_bundled().groupby("intent")["category"].unique()
    for intent, own in parallel.groupby("intent")["category"]:
        assert set(own) <= set(bundled[intent]), "categories have the names that the bundled set uses"


def test_a_triple_is_in_one_split_and_every_harm_in_every_split(parallel: pd.DataFrame) -> None:
    assert (parallel.groupby("triple")["split"].nunique() == 1).all()
    harmful = parallel[parallel["intent"] == "harmful"]
    assert (pd.crosstab(harmful["category"], harmful["split"])[list(SPLITS)] > 0).all().all()


def test_splits_were_not_dealt_by_hand(parallel: pd.DataFrame) -> None:
    harms = parallel[parallel["intent"] == "harmful"].drop_duplicates("triple").set_index("triple")["category"]
    marked = parallel.assign(harm=parallel["triple"].map(harms))
    dealt = assign_splits(marked, by=("harm",), threshold=None)
    assert dealt["split"].tolist() == parallel["split"].tolist()


def test_texts_are_written_in_the_script_of_their_language(parallel: pd.DataFrame) -> None:
    for row in parallel.itertuples():
        share = script_share(row.prompt, row.language)
        # Names such as Instagram have many letters where a word has two.
        assert share is not None and share > (0.4 if row.language in DENSE else 0.6), row.prompt
    japanese = parallel.loc[parallel["language"] == "ja", "prompt"]
    assert all(any("ぁ" <= c <= "ヿ" for c in text) for text in japanese)
    chinese = parallel.loc[parallel["language"] == "zh", "prompt"]
    assert not any("ぁ" <= c <= "ヿ" for text in chinese for c in text)


def test_latin_languages_are_not_mixed_up(parallel: pd.DataFrame) -> None:
    words = {
        "en": {"the", "is", "do", "my", "of", "how"},
        "es": {"el", "los", "una", "mi", "cómo", "puedo"},
        "de": {"ich", "der", "die", "das", "ein", "wie"},
        "fr": {"le", "les", "des", "du", "mon", "comment"},
    }
    for code in words:
        tokens = [set(normalise(text).split()) for text in parallel.loc[parallel["language"] == code, "prompt"]]
        found = {other: sum(bool(held & theirs) for held in tokens) for other, theirs in words.items()}
        assert found[code] > 0.7 * len(tokens), code
        assert all(number < 0.1 * len(tokens) for other, number in found.items() if other != code), (code, found)


def test_texts_have_sane_lengths_and_ends(parallel: pd.DataFrame) -> None:
    for row in parallel.itertuples():
        low, high = (5, 60) if row.language in DENSE else (15, 160)
        assert low <= len(row.prompt) <= high, row.prompt
        assert row.prompt[-1] in ".?。？؟।", row.prompt
        assert row.prompt == " ".join(row.prompt.split())
        assert not set("[]|\u200e\u200f") & set(row.prompt)
    for _, texts in parallel.groupby(["triple", "language"])["prompt"]:
        assert texts.str.len().max() <= 3 * texts.str.len().min(), texts.tolist()


def test_marks_are_those_of_the_language(parallel: pd.DataFrame) -> None:
    ends = {"zh": "。？", "ja": "。？", "ar": ".؟", "hi": "।?"}
    for row in parallel.itertuples():
        assert row.prompt[-1] in ends.get(row.language, ".?"), row.prompt
        if row.language == "es":
            assert row.prompt.count("¿") == row.prompt.count("?")
        if row.language == "fr":
            assert " ?" in row.prompt or "?" not in row.prompt


def test_cues_stand_in_what_looks_harmful_and_only_there(parallel: pd.DataFrame) -> None:
    for row in parallel.itertuples():
        if row.intent == "harmless":
            assert row.cue == ""
        else:
            assert row.cue and row.cue in row.prompt, row.prompt
    cues = parallel[parallel["cue"] != ""].groupby(["triple", "language"])["cue"].agg(set).to_dict()
    for row in parallel[parallel["intent"] == "harmless"].itertuples():
        text = row.prompt.casefold()
        assert not any(cue.casefold() in text for cue in cues[row.triple, row.language]), row.prompt


def test_no_text_is_there_twice(parallel: pd.DataFrame) -> None:
    assert parallel["prompt"].map(normalise).is_unique
    texts, triple = parallel["prompt"].tolist(), parallel["triple"].tolist()
    pairs = near_duplicates(texts, threshold=0.8)
    assert [(texts[p.first], texts[p.second]) for p in pairs if triple[p.first] != triple[p.second]] == []


def test_nothing_is_from_the_bundled_set(parallel: pd.DataFrame) -> None:
    english, bundled = parallel.loc[parallel["language"] == "en", "prompt"].tolist(), load_bundled()["prompt"].tolist()
    near = near_duplicates(english, bundled, threshold=0.8)
    assert [(english[pair.first], bundled[pair.second]) for pair in near] == []


def test_some_languages_only() -> None:
    part = load_parallel(["ar", "en"])
    assert set(part["language"]) == {"ar", "en"}
    assert part.index.tolist() == list(range(len(part)))
    with pytest.raises(PromptError, match="not in the language 'xx'"):
        load_parallel(["en", "xx"])


def test_loading_gives_a_copy() -> None:
    spoilt = load_parallel()
    spoilt["intent"] = "harmful"
    assert set(load_parallel()["intent"]) == {"harmful", "harmless", "borderline"}


def test_sets_are_known_by_name() -> None:
    assert is_bundled("parallel") and is_bundled("bundled") and not is_bundled("parallel.csv")
    assert set(SETS["parallel"]()["language"]) == set(PARALLEL_LANGUAGES)


def test_a_missing_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rasslib.prompts.parallel.assets_dir", lambda: tmp_path)
    with pytest.raises(PromptError, match="parallel prompts are missing"):
        load_parallel()
