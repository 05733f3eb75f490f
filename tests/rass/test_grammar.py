"""Drawing from a grammar: seeded, without replacement, spread over kinds, and resumable."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import pytest

from rasslib.errors import Stopped
from rasslib.progress import Silent, Stoppable
from rasslib.prompts import normalise
from rasslib.rass.grammar import GrammarGenerator
from rasslib.rass.grammar_file import GrammarError

SMALL = """
language = "en"
[[kind]]
name = "small"
why = "One block only."
[[kind.block]]
id = "one"
templates = ["Kill {a}?", "Kill it!"]
a = ["time", "weeds"]
triggers = ["kill"]
[[kind]]
name = "large"
why = "Two blocks."
[[kind.block]]
id = "two"
templates = ["Shoot {a} {b}?"]
a = ["a film", "a photo", "a goal"]
b = ["today", "at dusk", "twice", "alone"]
[[kind.block]]
id = "three"
templates = ["{a}: shoot or hang?", "{a}: hang or shoot?"]
a = ["Pictures", "Posters"]
"""


@pytest.fixture
def small(tmp_path):
    (tmp_path / "en.toml").write_text(SMALL)
    return GrammarGenerator("en", folder=tmp_path)


def texts(generator, n, **arguments):
    return [candidate.prompt for candidate in generator.generate(n, **arguments)]


def test_all_there_is_comes_once(small):
    assert small.count() == small.grammar.size == 19
    everything = texts(small, 19, seed=4)
    assert len({normalise(text) for text in everything}) == 19
    assert "Shoot a goal at dusk?" in everything


def test_candidates_say_where_they_come_from(small):
    found = {candidate.prompt: candidate for candidate in small.generate(19, seed=2)}["Shoot a goal twice?"]
    assert (found.category, found.language, found.intent, found.generator) == ("large", "en", "borderline", "grammar")
    assert (found.seed_id, found.evidence, found.note, found.random_seed) == (
        "two",
        "by construction",
        "Two blocks.",
        2,
    )
    assert found.steps[0]["template"] == "Shoot {a} {b}?"
    assert found.steps[0]["fillers"] == {"a": "a goal", "b": "twice"}


def test_the_seed_makes_the_sequence(small):
    assert texts(small, 19, seed=1) == texts(small, 19, seed=1) != texts(small, 19, seed=2)


def test_a_stopped_run_goes_on_where_it_was(small):
    whole = texts(small, 19, seed=5)
    assert texts(small, 7, seed=5) + texts(small, 12, seed=5, start=7) == whole
    assert [text for i in range(19) for text in texts(small, 1, seed=5, start=i)] == whole


def test_kinds_and_blocks_come_in_turn(small):
    first = list(small.generate(6, seed=3))
    assert Counter(candidate.category for candidate in first) == {"small": 3, "large": 3}
    later = list(small.generate(8, seed=3, start=6))  # the small kind is empty by now
    assert Counter(candidate.category for candidate in later) == {"large": 8}
    assert Counter(candidate.seed_id for candidate in first if candidate.category == "large").most_common()[0][1] == 2


def test_only_some_kinds_on_request(small, tmp_path):
    some = GrammarGenerator("en", ["small"], folder=tmp_path)
    assert some.count() == 3
    assert {candidate.category for candidate in some.generate(3)} == {"small"}
    with pytest.raises(GrammarError, match="has no kind 'tiny': choose among small, large"):
        GrammarGenerator("en", ["tiny"], folder=tmp_path)


def test_asking_for_more_is_told_before_the_first(small):
    with pytest.raises(GrammarError, match="holds 19 different sentences here, and 20 are needed: ask for fewer"):
        small.generate(15, start=5)
    with pytest.raises(GrammarError, match="at least one candidate"):
        small.generate(0)
    with pytest.raises(GrammarError, match="from number -1"):
        small.generate(3, start=-1)


def test_equal_sentences_count_once_and_are_told_after_the_last(tmp_path):
    doubled = SMALL.replace('"{a}: hang or shoot?"', '"Shoot a film today!"')
    (tmp_path / "en.toml").write_text(doubled)
    generator = GrammarGenerator("en", folder=tmp_path)
    assert (generator.grammar.size, generator.count()) == (18, 17)
    assert len(texts(generator, 17)) == 17
    drawn = []
    with pytest.raises(GrammarError, match="holds 17 different sentences here, and 18 are needed"):
        for candidate in generator.generate(18):
            drawn.append(candidate.prompt)
    assert len(set(drawn)) == 17


def test_progress_is_told_and_can_stop(small):
    told = []

    class Told(Silent):
        def update(self, stage, done, total):
            told.append((stage, done, total))

    assert len(texts(small, 5, progress=Told())) == 5
    assert told == [("Sentences", 5, 5)]
    drawn = []
    with pytest.raises(Stopped):
        for candidate in small.generate(5, progress=Stoppable(Silent(), lambda: True)):
            drawn.append(candidate)
    assert len(drawn) == 5


def test_billions_of_combinations_are_never_written_down(tmp_path):
    slots = {f"s{i}": [f"{word}{i}" for word in ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay")]
             for i in range(10)}  # fmt: skip
    lines = "\n".join(f"{slot} = {fillers}" for slot, fillers in slots.items())
    template = " ".join(f"{{{slot}}}" for slot in slots)
    head = SMALL[: SMALL.index("[[kind.block]]")]
    (tmp_path / "en.toml").write_text(f'{head}[[kind.block]]\nid = "huge"\ntemplates = ["{template}"]\n{lines}\n')
    start = time.process_time()
    generator = GrammarGenerator("en", folder=tmp_path)
    drawn = list(itertools.islice(generator.generate(1_000_000, seed=1), 2000))
    assert generator.grammar.size == 10**10
    assert len({candidate.prompt for candidate in drawn}) == 2000
    last = [str(candidate.steps[0]["fillers"]["s9"]) for candidate in drawn]
    assert len(set(last)) == 10  # spread over the block, not its beginning
    assert time.process_time() - start < 10
