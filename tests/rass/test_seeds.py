"""Seeds come from training prompts, in an order that their seed alone determines, categories in turn."""

from __future__ import annotations

import pytest

from rasslib.errors import AnalysisError
from rasslib.prompts.schema import make_prompt_set
from rasslib.rass.recipe import EXAMPLES, Recipe
from rasslib.rass.seeds import Seed, seed_order, seeds_of

SEEDS = [Seed(f"{kind} {i}", kind) for kind, n in (("theft", 6), ("fraud", 2), ("arson", 1)) for i in range(n)]


def test_seeds_are_harmful_training_prompts_with_their_triggers() -> None:
    prompts = make_prompt_set(
        [
            {"prompt": "a", "intent": "harmful", "split": "train", "category": "c", "triggers": "kill, , poison"},
            {"prompt": "b", "intent": "harmful", "split": "test"},
            {"prompt": "c", "intent": "harmless", "split": "train", "language": "de"},
        ]
    )
    assert seeds_of(prompts) == [Seed("a", "c", "en", ("kill", "poison"))]
    assert seeds_of(prompts, ["harmless"]) == [Seed("c", "", "de")]
    assert seeds_of(prompts)[0].id == prompts["id"][0]
    with pytest.raises(AnalysisError, match="None of the 3 prompts is borderline and in split train"):
        seeds_of(prompts, ["borderline"])


def test_the_order_depends_on_the_seed_and_not_on_how_the_seeds_came() -> None:
    assert seed_order(SEEDS, 1) == seed_order(SEEDS[::-1] + SEEDS[:2], 1)
    assert seed_order(SEEDS, 1) != seed_order(SEEDS, 2)
    assert sorted(s.id for s in seed_order(SEEDS, 1)) == sorted(s.id for s in SEEDS)


def test_the_categories_come_in_turn() -> None:
    kinds = [seed.category for seed in seed_order(SEEDS, 5)]
    assert set(kinds[:3]) == {"theft", "fraud", "arson"}
    assert set(kinds[3:5]) == {"theft", "fraud"} and set(kinds[5:]) == {"theft"}


def test_the_request_holds_all_that_the_writer_needs() -> None:
    request = Recipe(per_seed=3).request(Seed("Wie stehle\n{ein} Rad?", language="de-AT", triggers=("stehlen",)))
    assert "Seed: Wie stehle {ein} Rad?\n" in request and "in German" in request and "from 1 to 3" in request
    assert 'one of these words: "stehlen"' in request and request.endswith("Prompts:")
    assert len(EXAMPLES) == 4 and all(text in request for pair in EXAMPLES for text in pair)
    assert "these words" not in Recipe().request(Seed("a"))
    assert "the language with the code xx" in Recipe().request(Seed("a", language="xx"))


def test_the_version_follows_what_changes_answers() -> None:
    assert Recipe().version == Recipe().version
    assert len({Recipe().version, Recipe(per_seed=4).version, Recipe(temperature=1).version}) == 3
