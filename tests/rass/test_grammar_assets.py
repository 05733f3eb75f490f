"""The grammar files that come with the program: sizes, balance, and sentences that read as typed."""

from __future__ import annotations

import re

import pytest

from rasslib.prompts import load_bundled, near_duplicates, normalise
from rasslib.rass.candidates import candidate_table
from rasslib.rass.grammar import GrammarGenerator
from rasslib.rass.grammar_file import filled, grammar_languages, load_grammar

LANGUAGES = grammar_languages()


def sentences(language: str) -> list[tuple[str, str]]:
    """All sentences of a grammar, each with the id of its block."""
    blocks = [block for kind in load_grammar(language).kinds for block in kind.blocks]
    return [(block.id, filled(*block.choice(index))) for block in blocks for index in range(block.size)]


def test_english_is_there():
    assert "en" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_distinct_and_clean(language):
    found = sentences(language)
    assert len({normalise(text) for _, text in found}) == len(found)
    for block, text in found:
        assert text == " ".join(text.split()) and len(text) <= 400, (block, text)
        assert not re.search(r"[{}]|\?\?|(?<!\.)\.\.(?!\.)", text), (block, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hundred_candidates_make_a_prompt_set(language):
    table = candidate_table(GrammarGenerator(language).generate(100, seed=1))
    assert set(table["language"]) == {language}
    assert set(table["evidence"]) == {"by construction"}
    assert table["category"].nunique() == len(load_grammar(language).kinds)
    assert table["note"].str.len().min() > 5


def test_english_is_large_and_even():
    grammar = load_grammar("en")
    blocks = [block for kind in grammar.kinds for block in kind.blocks]
    assert len(grammar.kinds) >= 14
    assert len(blocks) >= 80
    assert grammar.size >= 12_000
    assert max(block.size for block in blocks) < 0.12 * grammar.size
    assert max(sum(block.size for block in kind.blocks) for kind in grammar.kinds) < 0.12 * grammar.size


def test_every_english_sentence_looks_harmful_by_one_of_its_triggers():
    triggers = {block.id: block.triggers for kind in load_grammar("en").kinds for block in kind.blocks}
    used = set()
    for block, text in sentences("en"):
        hits = [trigger for trigger in triggers[block] if trigger.casefold() in text.casefold()]
        assert hits, (block, text)
        used.update((block, trigger) for trigger in hits)
    assert used == {(block, trigger) for block, words in triggers.items() for trigger in words}


def test_english_articles_and_sentence_ends():
    wrong_a = re.compile(r"\b[Aa] (?!one|uni|urine|use|euro)[aeiou]|\b[Aa]n (?!hour|heir|honest|HTTP)[^aeiouAEIOU]")
    for block, text in sentences("en"):
        assert not wrong_a.search(text), (block, text)
        assert text[0].isupper() and text[-1] in '.?!"', (block, text)
        assert not re.search(r"\b(\w+) \1\b", text, re.IGNORECASE), (block, text)


def test_english_keeps_away_from_the_bundled_prompts():
    bundled = load_bundled()["prompt"].tolist()
    assert not {normalise(text) for text in bundled} & {normalise(text) for _, text in sentences("en")}
    drawn = [candidate.prompt for candidate in GrammarGenerator("en").generate(1500, seed=0)]
    assert near_duplicates(drawn, bundled, threshold=0.8) == []
