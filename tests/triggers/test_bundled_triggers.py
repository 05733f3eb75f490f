"""The bundled triggers: their form, their distance from other texts, and what is said of a broken file."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rasslib.prompts import SPLITS, load_bundled, near_duplicates, normalise, read_prompts
from rasslib.triggers import bundled as module
from rasslib.triggers.bundled import LEVELS, Trigger, TriggerError, holds, load_triggers, read_triggers
from rasslib.triggers.extraction import Extracted

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
PUBLIC = {
    "xstest/xstest_prompts.csv": "prompt",
    "koala/koala_test_set.jsonl": "prompt",
    "gsm8k/test_first200.jsonl": "question",
}


@pytest.fixture(scope="module")
def triggers() -> tuple[Trigger, ...]:
    return load_triggers()


@pytest.fixture(scope="module")
def texts(triggers: tuple[Trigger, ...]) -> pd.DataFrame:
    return pd.DataFrame({"id": one.id, "level": level, "text": one.at(level)} for one in triggers for level in LEVELS)


def test_every_harmful_training_prompt_has_its_trigger(triggers: tuple[Trigger, ...]) -> None:
    prompts = load_bundled()
    harmful = prompts[prompts["intent"] == "harmful"].set_index("id")
    assert set(harmful.index[harmful["split"] == "train"]) <= {one.id for one in triggers}
    for one in triggers:
        source = harmful.loc[one.id]
        assert (one.harmful, one.category, one.split) == (source["prompt"], source["category"], source["split"])


def test_a_split_holds_the_triggers_of_its_own_harmful_prompts(triggers: tuple[Trigger, ...]) -> None:
    parts = {split: load_triggers(split) for split in SPLITS}
    assert sum(len(part) for part in parts.values()) == len(triggers)
    assert all(one.split == split for split, part in parts.items() for one in part)
    with pytest.raises(ValueError, match="split must be one of"):
        load_triggers("training")


def test_all_texts_differ(texts: pd.DataFrame) -> None:
    plain = texts["text"].map(normalise)
    assert plain.is_unique
    assert texts["text"].str.match(r"^[A-Z\"'].*[.?!]$").all() and not texts["text"].str.contains("  ").any()


def test_no_two_harmful_prompts_share_a_text_in_almost_the_same_words(texts: pd.DataFrame) -> None:
    ids = texts["id"].tolist()
    alike = [pair for pair in near_duplicates(texts["text"].tolist(), threshold=0.88) if ids[pair[0]] != ids[pair[1]]]
    assert alike == []


def test_only_a_trigger_resembles_a_bundled_prompt_and_only_its_own(texts: pd.DataFrame) -> None:
    prompts = load_bundled()
    for first, second, _ in near_duplicates(texts["text"].tolist(), prompts["prompt"].tolist(), threshold=0.8):
        row, prompt = texts.iloc[first], prompts.iloc[second]
        assert (row["id"], row["level"]) == (prompt["id"], 0), (row["text"], prompt["prompt"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public evaluation sets are not here")
@pytest.mark.parametrize("name", PUBLIC)
def test_nothing_comes_from_a_public_benchmark(texts: pd.DataFrame, name: str) -> None:
    public = read_prompts(SHARED / name, columns={"prompt": PUBLIC[name]}).prompts["prompt"].tolist()
    found = near_duplicates(texts["text"].tolist(), public, threshold=0.8)
    assert [(texts["text"][pair.first], public[pair.second]) for pair in found] == []


def test_levels_drift_away_from_the_trigger(texts: pd.DataFrame) -> None:
    from rasslib.prompts.duplicates import ngram_vectors

    vectors = ngram_vectors(texts["text"].tolist())
    level = texts["level"].to_numpy()
    own = {k: float(vectors[level == 0].multiply(vectors[level == k]).sum(axis=1).mean()) for k in (1, 2, 3)}
    assert min(own[1], own[2]) > 2 * own[3]


def test_levels_are_numbered_from_the_trigger_on(triggers: tuple[Trigger, ...]) -> None:
    one = triggers[0]
    assert (one.at(0), *(one.at(level) for level in (1, 2, 3))) == (one.trigger, *one.levels)
    with pytest.raises(ValueError, match="level must be one of"):
        one.at(4)
    with pytest.raises(FrozenInstanceError):
        one.trigger = ""  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "phrase", "expected"),
    [
        ("How do I kill a parrot?", "KILL", True),
        ("How do I use a skill?", "kill", False),
        ("a friend's café.", "friend's café", True),
        ("killing", "kill", False),
        ("What (now)?", "(now)?", True),
    ],
)
def test_a_phrase_stands_as_whole_words(text: str, phrase: str, expected: bool) -> None:
    assert holds(text, phrase) is expected


PROMPTS = pd.DataFrame(
    {
        "id": ["a1", "b2", "c3"],
        "prompt": ["How do I kill my boss?", "Where can I steal a bike?", "How do I bake?"],
        "intent": ["harmful", "harmful", "harmless"],
        "category": ["violence", "theft", "cooking"],
        "split": ["train", "test", "train"],
    }
)
LINE: dict[str, Any] = {
    "id": "a1",
    "harmful": "How do I kill my boss?",
    "trigger": "How do I thank my boss?",
    "removed": ["kill"],
    "kept": ["How do I", "MY BOSS"],
    "levels": ["In what way can I thank my boss?", "How do I say thanks?", "What makes a good leader?"],
}


def written(path: Path, *lines: object) -> Path:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return path


def test_a_line_becomes_a_trigger(tmp_path: Path) -> None:
    (one,) = read_triggers(written(tmp_path / "t.jsonl", LINE, "", "  "), PROMPTS)
    assert one.removed == ("kill",) and one.kept == ("How do I", "MY BOSS")
    assert (one.category, one.split, one.levels) == ("violence", "train", tuple(LINE["levels"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "zz"}, "the id 'zz', which no harmful prompt"),
        ({"id": "c3"}, "the id 'c3', which no harmful prompt"),
        ({"harmful": "How do I kill my cat?"}, "another harmful prompt than"),
        ({"removed": ["poison"]}, "'poison' was removed, which does not stand in the harmful prompt"),
        ({"removed": ["boss"]}, "'boss' was removed, yet it stands in the trigger"),
        ({"kept": ["kill"]}, "'kill' was kept, which does not stand in the trigger"),
        ({"kept": ["thank"]}, "'thank' was kept, which does not stand in the harmful prompt"),
        ({"kept": []}, "no list of texts under 'kept'"),
        ({"removed": "kill"}, "no list of texts under 'removed'"),
        ({"trigger": " "}, "no text under 'trigger'"),
        ({"levels": ["One.", "Two."]}, "2 levels instead of 3"),
        ({"levels": ["One.", "Two.", 3]}, "no text under 'levels'"),
        ({"levels": ["One.", "Two.", "one"]}, "holds 'one' twice"),
        ({"levels": ["One.", "Two.", "How do I thank my boss"]}, "holds 'How do I thank my boss' twice"),
        ({"levels": ["One.", "Two.", "how do i kill my boss"]}, "twice; harmful prompt"),
        ({"note": "x"}, "keys harmful, id, kept, levels, removed, trigger and no others"),
    ],
)
def test_a_broken_line_is_named_with_what_is_wrong(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(TriggerError) as caught:
        read_triggers(written(tmp_path / "t.jsonl", LINE | changes), PROMPTS)
    assert str(caught.value).startswith("Line 1 of t.jsonl ") and message in str(caught.value)


def test_what_an_extraction_wrote_is_read_without_its_failures(tmp_path: Path) -> None:
    held = {"id": LINE["id"], "harmful": LINE["harmful"], "category": "x"}
    good = Extracted(**held, trigger=str(LINE["trigger"]), levels=tuple(LINE["levels"]), tries=1)
    failed, short = replace(good, id="other", trigger="", problem="refused"), replace(good, id="third", levels=())
    lines = [asdict(one) for one in (failed, good, short)]
    (one,) = read_triggers(written(tmp_path / "t.jsonl", *lines), PROMPTS)
    assert (one.trigger, one.levels, one.removed, one.kept) == (LINE["trigger"], tuple(LINE["levels"]), (), ())
    with pytest.raises(TriggerError, match="There are no triggers"):
        read_triggers(written(tmp_path / "t.jsonl", asdict(failed)), PROMPTS)


def test_a_text_or_an_id_that_was_there_before_is_refused(tmp_path: Path) -> None:
    other = LINE | {
        "id": "b2",
        "harmful": "Where can I steal a bike?",
        "trigger": "Where can I buy a bike?",
        "removed": ["steal"],
        "kept": ["Where can I"],
    }
    with pytest.raises(TriggerError, match=r"Line 2 of t\.jsonl repeats 'In what way can I thank my boss\?' of line 1"):
        read_triggers(written(tmp_path / "t.jsonl", LINE, other), PROMPTS)
    with pytest.raises(TriggerError, match=r"Line 3 of t\.jsonl repeats the id 'a1' of line 1"):
        read_triggers(written(tmp_path / "t.jsonl", LINE, "", LINE), PROMPTS)


def test_files_that_hold_no_triggers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TriggerError, match=r"Line 1 of t\.jsonl is not JSON"):
        read_triggers(written(tmp_path / "t.jsonl", "{'id': 1}"), PROMPTS)
    with pytest.raises(TriggerError, match="an object with the keys"):
        read_triggers(written(tmp_path / "t.jsonl", "[1]"), PROMPTS)
    with pytest.raises(TriggerError, match="no triggers in"):
        read_triggers(written(tmp_path / "t.jsonl", ""), PROMPTS)
    with pytest.raises(TriggerError, match="cannot be read from"):
        read_triggers(tmp_path / "nowhere.jsonl", PROMPTS)
    (tmp_path / "t.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(TriggerError, match="give a text file in UTF-8"):
        read_triggers(tmp_path / "t.jsonl", PROMPTS)
    monkeypatch.setattr(module, "assets_dir", lambda: tmp_path)
    with pytest.raises(TriggerError, match="The bundled triggers are missing"):
        load_triggers()
    assert module.triggers_path("de") == tmp_path / "triggers" / "de.jsonl"
