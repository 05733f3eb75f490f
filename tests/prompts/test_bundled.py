"""The bundled set: what it must hold, and that nothing in it comes from a public benchmark."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pandas as pd
import pytest

from rasslib.errors import PromptError
from rasslib.prompts import (
    SPLITS,
    assign_splits,
    bundled_path,
    load_bundled,
    near_duplicates,
    normalise,
    prompt_id,
    read_prompts,
    to_csv_bytes,
    validate,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def bundled() -> pd.DataFrame:
    return load_bundled()


def test_it_is_a_valid_export_of_ours_read_without_remarks(bundled: pd.DataFrame) -> None:
    result = read_prompts(bundled_path())
    assert result.notes == [] and result.dropped.empty
    assert to_csv_bytes(validate(bundled), excel_bom=False) == bundled_path().read_bytes()
    order = bundled[["intent", "category", "id"]]
    pd.testing.assert_frame_equal(order, order.sort_values(["intent", "category", "id"]))
    assert set(bundled["language"]) == {"en"}
    assert set(bundled["source"]) == {"rass-bundled"}


def test_loading_gives_a_copy(bundled: pd.DataFrame) -> None:
    spoilt = load_bundled()
    spoilt["intent"] = "harmful"
    assert set(load_bundled()["intent"]) == {"harmful", "harmless", "borderline"}


def test_there_is_enough_of_everything(bundled: pd.DataFrame) -> None:
    n = bundled["intent"].value_counts()
    assert n["harmful"] >= 150 and n["harmless"] >= 150 and n["borderline"] >= 240
    kinds = bundled.groupby("intent")["category"].nunique()
    assert kinds["borderline"] >= 10 and kinds["harmful"] >= 10
    assert (bundled["category"] != "").all()


def test_every_split_holds_every_category_in_its_share(bundled: pd.DataFrame) -> None:
    table = pd.crosstab([bundled["intent"], bundled["category"]], bundled["split"])
    assert set(table.columns) == set(SPLITS)
    assert (table > 0).all().all()
    shares = table.div(table.sum(axis=1), axis=0)
    assert shares["train"].between(0.5, 0.7).all()
    assert shares[["validation", "test"]].stack().between(0.12, 0.28).all()


def test_ids_are_those_of_the_texts_and_no_text_is_there_twice(bundled: pd.DataFrame) -> None:
    assert bundled["id"].tolist() == [prompt_id(text) for text in bundled["prompt"]]
    assert bundled["id"].is_unique
    assert bundled["prompt"].map(normalise).is_unique


def test_no_near_duplicates_at_all_and_no_look_alikes_across_splits(bundled: pd.DataFrame) -> None:
    texts, split = bundled["prompt"].tolist(), bundled["split"].tolist()
    pairs = near_duplicates(texts, threshold=0.45)  # what it was split with
    assert [(texts[pair.first], texts[pair.second]) for pair in pairs if pair.similarity >= 0.8] == []
    across = [(texts[pair.first], texts[pair.second]) for pair in pairs if split[pair.first] != split[pair.second]]
    assert across == []


def test_the_check_for_look_alikes_can_fail(bundled: pd.DataFrame) -> None:
    texts = bundled["prompt"].tolist()
    assert [pair.first for pair in near_duplicates(texts[:50], [texts[7].upper() + " Please!"])] == [7]


def test_splits_were_not_dealt_by_hand(bundled: pd.DataFrame) -> None:
    assert assign_splits(bundled, seed=0, threshold=0.45)["split"].tolist() == bundled["split"].tolist()


def test_a_missing_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rasslib.prompts.bundled.assets_dir", lambda: tmp_path)
    with pytest.raises(PromptError, match="bundled prompts are missing"):
        load_bundled()


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of public evaluation data is not beside this checkout")
def test_nothing_is_from_a_public_benchmark(bundled: pd.DataFrame) -> None:
    public = _public()
    assert len(public) > 800
    texts = bundled["prompt"].tolist()
    known = {normalise(text): text for text in public}
    assert [text for text in texts if normalise(text) in known] == []
    near = near_duplicates(texts, public, threshold=0.8)
    assert [(texts[pair.first], public[pair.second]) for pair in near] == []
    # Nor does one of ours quote one of theirs (very short ones, such as two words, are in any text).
    long = [f" {text} " for text in known if len(text.split()) >= 5]
    ours = [f" {normalise(text)} " for text in texts]
    assert [text for text in ours if any(theirs in text for theirs in long)] == []


def _public() -> list[str]:
    with (SHARED / "xstest" / "xstest_prompts.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["prompt"] for row in csv.DictReader(file)]
    for path, key in (("koala/koala_test_set.jsonl", "prompt"), ("gsm8k/test_first200.jsonl", "question")):
        lines = (SHARED / path).read_text("utf-8").split("\n")
        texts += [json.loads(line)[key] for line in lines if line.strip()]
    return texts
