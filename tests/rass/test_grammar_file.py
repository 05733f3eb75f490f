"""Grammar files: what is read from one, and one clear sentence for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from rasslib.rass.grammar_file import GrammarError, filled, grammar_languages, load_grammar, read_grammar

GOOD = """
language = "en"
[[kind]]
name = "computing"
why = "Programs feel nothing."
[[kind.block]]
id = "kill"
templates = ["How do I kill {thing} {place}?", "Kill {thing}, and {thing} comes back. Why?", "May I kill?"]
thing = ["a process", "a job"]
place = ["on Linux", "on a Mac", "remotely"]
triggers = ["kill"]
"""


def write(folder: Path, text: str, name: str = "en.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_combination_is_numbered(tmp_path):
    grammar = read_grammar(write(tmp_path, GOOD))
    (kind,) = grammar.kinds
    (block,) = kind.blocks
    assert (grammar.language, grammar.file, kind.name, kind.why) == (
        "en", "en.toml", "computing", "Programs feel nothing.",
    )  # fmt: skip
    assert (block.id, block.triggers, grammar.size, block.size) == ("kill", ("kill",), 9, 9)
    sentences = [filled(*block.choice(index)) for index in range(9)]
    assert sentences == [
        "How do I kill a process on Linux?",
        "How do I kill a process on a Mac?",
        "How do I kill a process remotely?",
        "How do I kill a job on Linux?",
        "How do I kill a job on a Mac?",
        "How do I kill a job remotely?",
        "Kill a process, and a process comes back. Why?",
        "Kill a job, and a job comes back. Why?",
        "May I kill?",
    ]
    assert block.choice(4)[1] == {"thing": "a job", "place": "on a Mac"}


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("{thing} {place}?", "{thing} {time}?", r"en.toml, block 'kill': .* has the unknown slot \{time\}; add time"),
        ("{thing} {place}?", "{thing {place}?", "en.toml, block 'kill': .* a brace without its partner"),
        ("May I kill?", "May I kill}?", "en.toml, block 'kill': .* a brace without its partner"),
        ("May I kill?", "May I kill {}?", "en.toml, block 'kill': .* no slot name"),
        ('"a job"', '""', "en.toml, block 'kill': thing holds ''"),
        ('"a job"', '"a  job"', "en.toml, block 'kill': thing holds 'a  job'; .* without spaces to spare"),
        ('"a job"', '"A Process!"', "en.toml, block 'kill': thing holds twice 'a process'"),
        ('"a job"', '"a {job}"', r"en.toml, block 'kill': the filler 'a \{job\}' of thing holds a brace"),
        ('["a process", "a job"]', "[]", "en.toml, block 'kill': thing must be a list with at least one text"),
        ('["a process", "a job"]', '"a job"', "en.toml, block 'kill': thing must be a list"),
        ("place = ", 'time = ["now"]\nplace = ', "en.toml, block 'kill': no template uses time"),
        ('id = "kill"', 'name = "kill"', "en.toml, kind 'computing': a block has no id"),
        ('name = "computing"', "", "A .*kind.* of en.toml has no name"),
        ('why = "Programs feel nothing."', "", "'computing' of en.toml does not say why it is benign"),
        ('language = "en"', 'language = "de"', "en.toml must begin with language = \"en\", but has 'de'"),
        ('language = "en"', "", "en.toml must begin with language"),
        ('language = "en"', "language = en", r"en.toml is not valid TOML \(.*line 2"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, old, new, sentence):
    assert old in GOOD
    with pytest.raises(GrammarError, match=sentence):
        read_grammar(write(tmp_path, GOOD.replace(old, new, 1)))


def test_blocks_and_kinds_are_unique(tmp_path):
    block = GOOD[GOOD.index("[[kind.block]]") :]
    with pytest.raises(GrammarError, match="has two blocks with the id 'kill'"):
        read_grammar(write(tmp_path, GOOD + block))
    with pytest.raises(GrammarError, match="has two kinds named 'computing'"):
        read_grammar(write(tmp_path, GOOD + GOOD.replace('language = "en"', "").replace('"kill"\n', '"more"\n', 1)))


def test_empty_files_are_told(tmp_path):
    with pytest.raises(GrammarError, match=r"en.toml has no \[\[kind\]\]"):
        read_grammar(write(tmp_path, 'language = "en"'))
    with pytest.raises(GrammarError, match=r"'x' of en.toml has no \[\[kind.block\]\]"):
        read_grammar(write(tmp_path, 'language = "en"\n[[kind]]\nname = "x"\nwhy = "y"'))


def test_missing_languages_are_told_with_those_there_are(tmp_path):
    write(tmp_path, GOOD)
    write(tmp_path, GOOD.replace('"en"', '"pt-BR"'), "pt-BR.toml")
    assert grammar_languages(tmp_path) == ["en", "pt-BR"]
    assert load_grammar("pt-BR", tmp_path).language == "pt-BR"
    with pytest.raises(GrammarError, match="no grammar for the language 'xx': choose one of en, pt-BR"):
        load_grammar("xx", tmp_path)
    with pytest.raises(GrammarError, match="no grammar for the language 'en': put a TOML file into"):
        load_grammar("en", tmp_path / "nothing")
    with pytest.raises(GrammarError, match="cannot be read"):
        read_grammar(tmp_path / "fr.toml")
