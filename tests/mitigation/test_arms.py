"""The data of every arm: the shared harmful side, the benign side, what may not be in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rasslib.mitigation.aligning import short_words
from rasslib.mitigation.candidates import Candidates, without_held_out
from rasslib.mitigation.preferences import of_studio
from rasslib.mitigation.preparing import choose, prepare
from rasslib.mitigation.recipes import NEED_CANDIDATES, RECIPES, Extra
from rasslib.mitigation.recipes.base import RecipeData
from rasslib.mitigation.settings import AlignSettings, TrainingError
from rasslib.models.decode import Reply
from rasslib.prompts import load_bundled, prompt_id
from rasslib.rass.candidates import candidate_table
from rasslib.rass.export.pairs import Pairs, PreferencePair
from rasslib.rass.grammar import GrammarGenerator
from rasslib.triggers.bundled import load_triggers

TRAINED = [name for name in RECIPES if name != "none"]


@pytest.fixture(scope="module")
def bundled() -> pd.DataFrame:
    return load_bundled()


@pytest.fixture(scope="module")
def extra() -> Extra:
    table = candidate_table(GrammarGenerator("en").generate(300, seed=0))
    return Extra(Candidates(table.assign(margin=np.random.default_rng(0).uniform(-2, 2, len(table))), 0.5))


def _made(name: str, bundled: pd.DataFrame, extra: Extra, **changes: object) -> RecipeData:
    settings = AlignSettings(recipe=name, **changes)  # type: ignore[arg-type]
    rows = choose(RECIPES[name], bundled, settings, extra if name in NEED_CANDIDATES else Extra()).rows
    replies = {str(key): Reply("here is bread", 3, True) for key in rows["id"]}
    return RECIPES[name].build(rows, replies, lambda reply: True, settings)


@pytest.mark.parametrize("name", TRAINED)
def test_all_arms_share_their_harmful_examples(name: str, bundled: pd.DataFrame, extra: Extra) -> None:
    made = _made(name, bundled, extra, benign_size=40)
    reference = _made("refusals", bundled, extra)
    assert [e for e in made.examples if e.intent == "harmful"] == list(reference.examples)
    assert len(reference.examples) == 373


def test_sizes(bundled: pd.DataFrame, extra: Extra) -> None:
    sizes = {name: Counter(e.group for e in _made(name, bundled, extra, benign_size=40).examples) for name in TRAINED}
    assert sizes["refusals"] == {"harmful": 373}
    assert sizes["generic"]["generic"] == 493
    for name in (
        "generic-equal",
        "trigger",
        "trigger-1",
        "trigger-2",
        "trigger-3",
        "rass-band",
        "rass-positive",
        "random",
    ):
        assert sum(sizes[name].values()) == 373 + 40, name
    assert (sizes["rass-trigger"]["rass-band"], sizes["rass-trigger"]["trigger"]) == (20, 20)


@pytest.mark.parametrize("name", TRAINED)
def test_nothing_held_out_is_trained_on(name: str, bundled: pd.DataFrame, extra: Extra) -> None:
    held = set(bundled.loc[bundled["split"] != "train", "id"])
    held_triggers = {t.at(level) for s in ("validation", "test") for t in load_triggers(s) for level in range(4)}
    for example in _made(name, bundled, extra).examples:
        assert example.prompt_id not in held
        assert example.prompt not in held_triggers


def test_trigger_arms_hold_the_level(bundled: pd.DataFrame, extra: Extra) -> None:
    train = load_triggers("train")
    for level, name in enumerate(("trigger", "trigger-1", "trigger-2", "trigger-3")):
        texts = {e.prompt for e in _made(name, bundled, extra).examples if e.intent != "harmful"}
        assert texts == {one.at(level) for one in train}


def test_policies_choose_by_margin(bundled: pd.DataFrame, extra: Extra) -> None:
    assert extra.candidates is not None
    margin = extra.candidates.table.set_index("id")["margin"]

    def of(name: str) -> pd.Series:
        return margin[
            [e.prompt_id for e in _made(name, bundled, extra, benign_size=30).examples if e.intent != "harmful"]
        ]

    assert of("rass-band").abs().max() <= 0.5
    assert of("rass-positive").between(0, 1).all()
    assert of("random").abs().max() > 1


def test_unusable_replies_make_room_for_the_next(bundled: pd.DataFrame, extra: Extra) -> None:
    settings = AlignSettings(recipe="trigger", benign_size=20)
    rows = RECIPES["trigger"].wanted(bundled, settings, extra)
    replies = {str(key): Reply(str(k % 2), 1, True) for k, key in enumerate(rows["id"])}
    made = RECIPES["trigger"].build(rows, replies, lambda reply: reply.text == "1", settings)
    assert sum(e.group == "trigger" for e in made.examples) == 20
    assert made.dropped in (19, 20)


def test_candidates_that_repeat_a_held_out_prompt_are_left_out(bundled: pd.DataFrame) -> None:
    test = bundled[bundled["split"] == "test"]["prompt"].iloc[0]
    table = pd.DataFrame({"prompt": [test, f"{test} ", "How do I draw a cat with seven legs?"]})
    left = without_held_out(Candidates(table), bundled)
    assert left.table["prompt"].tolist() == ["How do I draw a cat with seven legs?"]
    assert "2 repeat" in left.note
    trigger = load_triggers("test")[0].at(2)
    with pytest.raises(TrainingError, match="Every candidate repeats"):
        without_held_out(Candidates(pd.DataFrame({"prompt": [trigger]})), bundled)


def test_held_out_prompts_in_a_file_of_ones_own_are_left_out(bundled: pd.DataFrame) -> None:
    own = bundled.assign(split="train")
    found = choose(RECIPES["generic"], own, AlignSettings(recipe="generic"), Extra())
    held = set(bundled.loc[bundled["split"] != "train", "id"])
    assert len(held) > 100 and not held & set(found.rows["id"])
    assert "held out for measuring" in found.notes[0]


def test_pairs_of_held_out_prompts_are_left_out_whatever_their_id(bundled: pd.DataFrame) -> None:
    test = bundled[bundled["split"] == "test"]["prompt"].iloc[0]
    texts = [test, load_triggers("validation")[0].at(0), "How do I draw a cat with seven legs?"]
    pairs = tuple(PreferencePair("", "harmless", text, "Like this.", "No.", "") for text in texts)
    made, left = of_studio(Pairs(pairs), bundled)
    assert [one.chosen.prompt for one in made] == texts[2:] and left == 2
    assert made[0].chosen.prompt_id == prompt_id(texts[2])
    with pytest.raises(TrainingError, match="Pair 1 has the intent 'none'"):
        of_studio(Pairs((replace(pairs[2], intent=""),)), bundled)


@pytest.mark.parametrize("name", ["generic-equal", "random", "rass-trigger", "generic", "sft", "refusals"])
def test_no_more_replies_are_asked_for_than_are_taken(name: str, bundled: pd.DataFrame, extra: Extra) -> None:
    settings = AlignSettings(recipe=name, benign_size=40)
    rows = choose(RECIPES[name], bundled, settings, extra).rows
    every = {str(key): Reply(str(k % 3), 1, True) for k, key in enumerate(rows["id"])}

    def usable(reply: Reply) -> bool:
        return reply.text != "0"

    own: dict[str, Reply] = {}
    for _ in range(9):
        asked = RECIPES[name].to_ask(rows, own, usable, settings)["id"].astype(str)
        assert not set(asked) & set(own)
        own |= {key: every[key] for key in asked}
        if asked.empty:
            break
    made = RECIPES[name].build(rows, own, usable, settings)
    assert made == RECIPES[name].build(rows, every, usable, settings)
    benign = [one for one in made.examples if one.intent != "harmful"]
    assert len(own) == len(benign) + made.dropped


def test_a_set_that_is_too_small_is_told(bundled: pd.DataFrame, extra: Extra) -> None:
    made = _made("trigger", bundled, extra, benign_size=9999)
    ((name, (n, wanted)),) = made.short.items()
    assert (name, wanted) == ("trigger", 9999) and f"--benign-size {n}" in short_words(name, n, wanted)
    assert _made("trigger", bundled, extra, benign_size=20).short == {}


def test_dpo_needs_harmful_prompts_that_the_base_complied_with(bundled: pd.DataFrame, chat: Any) -> None:
    settings = AlignSettings(recipe="generic-equal", method="dpo", benign_size=20)
    chosen = choose(RECIPES["generic-equal"], bundled, settings, Extra())
    said = {"harmful": "I'm sorry, but I can't help with that."}
    own = {str(r.id): Reply(said.get(str(r.intent), "here is bread"), 9, True) for r in chosen.rows.itertuples()}
    with pytest.raises(TrainingError, match="complied with too few"):
        prepare(RECIPES["generic-equal"], chosen, own, chat, settings)


def test_what_cannot_be_made_is_a_sentence(bundled: pd.DataFrame, prompts: pd.DataFrame) -> None:
    for name in NEED_CANDIDATES:
        with pytest.raises(TrainingError, match="candidates with margins"):
            choose(RECIPES[name], bundled, AlignSettings(recipe=name), Extra())
    with pytest.raises(TrainingError, match="has a trigger"):
        choose(RECIPES["trigger"], prompts, AlignSettings(recipe="trigger"), Extra())
    with pytest.raises(TrainingError, match="trains nothing"):
        choose(RECIPES["none"], prompts, AlignSettings(recipe="none"), Extra())
