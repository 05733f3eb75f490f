"""Openers and the suggestions for them."""

import math

import pytest

from rasslib.errors import AnalysisError
from rasslib.refusal import DEFAULT_OPENERS, opener_token_ids, suggest_openers

VOCABULARY: dict[str, int] = {}


def encode(text):
    """Words and the rest of contractions as tokens, as byte-pair tokenizers mostly do."""
    return [VOCABULARY.setdefault(part, len(VOCABULARY) + 10) for part in text.replace("'", " '").split()]


def test_first_tokens_without_duplicates():
    ids = opener_token_ids(encode, DEFAULT_OPENERS)
    assert ids == [encode(word)[0] for word in ("I", "Sorry", "As", "Unfortunately")]


def test_blank_openers_are_skipped():
    assert opener_token_ids(encode, ["", " Sorry ", "\n"]) == encode("Sorry")


def test_no_opener_is_an_error():
    with pytest.raises(AnalysisError, match="empty"):
        opener_token_ids(encode, [" "])
    with pytest.raises(AnalysisError, match="no token for the opener “Sorry”"):
        opener_token_ids(lambda text: [], ["Sorry"])


def test_a_special_token_in_front_is_noticed():
    with pytest.raises(AnalysisError, match="without special tokens"):
        opener_token_ids(lambda text: [1, *encode(text)], DEFAULT_OPENERS)
    assert opener_token_ids(encode, ["I cannot", "I'm sorry"]) == encode("I")


REFUSED = ["I'm sorry, but no."] * 6 + ["I can't help."] * 3 + ["Sorry, no."] * 2 + ["Odd one out."]
COMPLIED = ["I like tea."] * 5 + ["The sun is warm."] * 7


def test_suggestions_by_log_odds():
    found = suggest_openers(REFUSED, COMPLIED)
    assert [s.opener for s in found] == ["I'm", "I can't", "Sorry"]
    best = found[0]
    assert (best.refused, best.complied) == (6, 0)
    by_hand = math.log(6.5 / 6.5) - math.log(0.5 / 12.5)
    assert best.log_odds == pytest.approx(by_hand)


def test_a_longer_opening_stays_when_it_tells_more():
    found = suggest_openers(["I cannot say."] * 5, ["I can sing."] * 5)
    assert [s.opener for s in found] == ["I cannot"]
    both = suggest_openers(["I cannot say."] * 5, ["I can sing."] * 2 + ["No."] * 9)
    assert [s.opener for s in both] == ["I cannot", "I"]


def test_what_helpful_replies_open_with_is_not_suggested():
    assert suggest_openers(["The end."] * 3, ["The sun is up."] * 30)[0].opener != "The"


def test_top_and_no_complied_replies():
    found = suggest_openers(REFUSED, [], top=1)
    assert [s.opener for s in found] == ["I'm"]
    assert math.isfinite(found[0].log_odds)


def test_a_word_does_not_hide_a_longer_word():
    found = suggest_openers(["It hurts."] * 3 + ["I cannot."] * 4, ["Yes."] * 9)
    assert [s.opener for s in found] == ["I", "It"]


def test_characters_where_words_are_not_spaced():
    found = suggest_openers(["抱歉，我不能。"] * 4, ["你好，当然可以。"] * 4)
    assert found[0].opener == "抱"


def test_without_refusals_there_is_nothing_to_suggest():
    with pytest.raises(AnalysisError, match="refused none"):
        suggest_openers([], COMPLIED)
    assert suggest_openers([" ", "??"], COMPLIED) == []
