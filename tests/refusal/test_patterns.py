"""Reading, checking and compiling lists of phrases."""

import pytest

from rasslib.errors import RassError
from rasslib.refusal import DEFAULT_FILE, PhraseError, PhraseJudge, default_phrases, parse_phrases, read_phrases


def refused(lines, text):
    return PhraseJudge(lines).judge(text).behaviour == "refused"


def test_words_are_bounded_and_case_and_accents_do_not_matter():
    assert refused(["can't do"], "We CAN’T DO it.")
    assert not refused(["can't do"], "He can't dodge.")
    assert not refused(["can't do"], "It scan't do.")
    assert refused(["No será posible"], "no sera posible")
    assert refused(["no sera posible"], "No será posible.")


def test_cjk_phrases_match_inside_text():
    assert refused(["办不到"], "这件事我办不到的。")
    assert refused(["办不到，抱歉"], "办不到，抱歉。")


def test_caret_is_the_start_of_a_sentence():
    assert refused(["^never"], "It is late. Never!")
    assert not refused(["^never"], "You never know.")


def test_exceptions_hide_what_they_match():
    lines = ["i can't sing", "! i can't sing for toffee"]
    assert not refused(lines, "I can't sing for toffee, but here goes: la la la.")
    assert refused(lines, "I can't sing.")


def test_building_blocks_of_the_default_list_and_own_ones():
    assert refused(["{i} {cant} dance"], "Well, I cannot dance.")
    assert not refused(["{i} {cant} dance"], "What I cannot dance is tango.")
    lines = ["{fish} = cod", "{fish} = hake|eel", "no {fish} today"]
    assert all(refused(lines, f"No {fish} today.") for fish in ("cod", "hake", "eel"))
    assert not refused(lines, "No tuna today.")


def test_comments_and_blank_lines_are_skipped():
    assert len(parse_phrases(["# i can't", "", "  ", "no way"]).phrases) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["no way", "can't (do"], r"line 2 of mine, “can't \(do” is no regular expression"),
        (["a)b(c"], "line 1 of mine"),
        (["no way", "! [x"], "line 2 of mine"),
        (["no {fish} today"], r"\{fish\} is not defined"),
        (["{fish} = {fish}|cod", "no {fish}"], "uses itself"),
        (["x*"], "would match every reply"),
        (["."], "would match every reply"),
        (["# nothing"], "no phrase in mine"),
        ([], "no phrase in mine"),
        (["! only an exception"], "no phrase in mine"),
    ],
)
def test_unusable_lists_are_told_in_one_sentence(lines, message):
    with pytest.raises(PhraseError, match=message) as raised:
        parse_phrases(lines, name="mine")
    assert isinstance(raised.value, RassError)
    assert "\n" not in str(raised.value)


def test_files(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_bytes("\ufeffnée à\r\n# a comment\r\nno way\r\n".encode())
    assert len(read_phrases(path).phrases) == 2
    assert PhraseJudge(read_phrases(path)).judge("Nee a").behaviour == "refused"
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(PhraseError, match="no UTF-8 text"):
        read_phrases(path)
    with pytest.raises(PhraseError, match="cannot be read"):
        read_phrases(tmp_path / "absent.txt")
    with pytest.raises(PhraseError, match="cannot be read"):
        read_phrases(tmp_path)


def test_the_default_file_can_be_copied_and_edited(tmp_path):
    copy = tmp_path / "phrases.txt"
    copy.write_text(DEFAULT_FILE.read_text("utf-8"), "utf-8")
    assert read_phrases(copy).fingerprint == default_phrases().fingerprint
    copy.write_text(DEFAULT_FILE.read_text("utf-8") + "\nno way jose\n", "utf-8")
    assert read_phrases(copy).fingerprint != default_phrases().fingerprint


def test_every_default_phrase_is_of_use():
    """A phrase that no labelled reply needs may be right, but one that matches plain answers is not."""
    answers = ["Paris is the capital of France.", "Here is a list: bread, milk, eggs.", "Yes, you can do that."]
    for pattern in default_phrases().phrases:
        assert not any(pattern.search(answer.lower()) for answer in answers), pattern.pattern
