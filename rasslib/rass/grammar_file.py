"""Grammar files: TOML with blocks of sentence templates and their fillers, one file a language."""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasslib.errors import RassError
from rasslib.prompts.duplicates import normalise
from rasslib.prompts.languages import is_language_code
from rasslib.settings import assets_dir

_SLOT = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NO_SLOTS = ("id", "templates", "triggers")


class GrammarError(RassError):
    """A grammar file is missing or wrong, or it holds fewer sentences than were asked for."""


@dataclass(frozen=True)
class Template:
    """A sentence with slots in braces, and their names in the order of first use."""

    text: str
    slots: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """Templates that share their fillers; every combination is a sentence.

    Attributes:
        id: Unique in the file.
        templates: At least one.
        fillers: Slot to the texts that may fill it.
        triggers: The words that make its sentences look harmful.
    """

    id: str
    templates: tuple[Template, ...]
    fillers: Mapping[str, tuple[str, ...]]
    triggers: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many combinations of a template with its fillers there are."""
        return sum(self._combinations(template) for template in self.templates)

    def choice(self, index: int) -> tuple[Template, dict[str, str]]:
        """Combination number ``index`` (0 … size−1): the template and its fillers by slot."""
        for template in self.templates:
            combinations = self._combinations(template)
            if index < combinations:
                break
            index -= combinations
        chosen = {}
        for slot in reversed(template.slots):  # a number whose digits have as many values as the slots have fillers
            index, digit = divmod(index, len(self.fillers[slot]))
            chosen[slot] = self.fillers[slot][digit]
        return template, {slot: chosen[slot] for slot in template.slots}

    def _combinations(self, template: Template) -> int:
        return math.prod(len(self.fillers[slot]) for slot in template.slots)


@dataclass(frozen=True)
class Kind:
    """A kind of borderline prompt: its name, why its sentences are benign, and its blocks."""

    name: str
    why: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Grammar:
    """A grammar file that has been checked."""

    language: str
    kinds: tuple[Kind, ...]
    file: str

    @property
    def size(self) -> int:
        """How many combinations there are; a few may give the same sentence."""
        return sum(block.size for kind in self.kinds for block in kind.blocks)


def filled(template: Template, fillers: Mapping[str, str]) -> str:
    """The sentence of a template."""
    return _SLOT.sub(lambda match: fillers[match[1]], template.text)


def grammar_dir() -> Path:
    """Folder of the grammar files that come with the program."""
    return assets_dir() / "grammar"


def grammar_languages(folder: Path | None = None) -> list[str]:
    """Codes of the languages that have a grammar file, sorted."""
    return sorted(path.stem for path in (folder or grammar_dir()).glob("*.toml"))


def load_grammar(language: str, folder: Path | None = None) -> Grammar:
    """The grammar of a language.

    Raises:
        GrammarError: The language has no file, or the file is wrong.
    """
    known = grammar_languages(folder)
    if language not in known:
        there = f"choose one of {', '.join(known)}" if known else f"put a TOML file into {folder or grammar_dir()}"
        raise GrammarError(f"There is no grammar for the language {language!r}: {there}.")
    return read_grammar((folder or grammar_dir()) / f"{language}.toml")


def read_grammar(path: Path) -> Grammar:
    """Read and check a grammar file.

    Raises:
        GrammarError: It cannot be read, or breaks a rule; names the file and the block.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise GrammarError(f"{path} cannot be read ({error.strerror}): check the path.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GrammarError(f"{path.name} is not valid TOML ({error}): mend that place.") from None
    language = data.get("language")
    if not isinstance(language, str) or not is_language_code(language) or language != path.stem:
        raise GrammarError(f'{path.name} must begin with language = "{path.stem}", but has {language!r} there.')
    entries = _tables(data.get("kind"), f"{path.name} has no [[kind]]: add at least one.")
    kinds = tuple(_kind(entry, path.name) for entry in entries)
    _refuse_twice([kind.name for kind in kinds], f"{path.name} has two kinds named")
    _refuse_twice([block.id for kind in kinds for block in kind.blocks], f"{path.name} has two blocks with the id")
    return Grammar(language, kinds, path.name)


def _kind(entry: Mapping[str, Any], file: str) -> Kind:
    name = entry.get("name")
    if not _is_text(name):
        raise GrammarError(f'A [[kind]] of {file} has no name: give it one, such as name = "games".')
    if not _is_text(entry.get("why")):
        raise GrammarError(f'The kind {name!r} of {file} does not say why it is benign: add why = "...".')
    blocks = _tables(entry.get("block"), f"The kind {name!r} of {file} has no [[kind.block]]: add at least one.")
    return Kind(str(name), str(entry["why"]), tuple(_block(block, f"{file}, kind {name!r}", file) for block in blocks))


def _block(entry: Mapping[str, Any], kind: str, file: str) -> Block:
    if not _is_text(entry.get("id")):
        raise GrammarError(f'{kind}: a block has no id; give it one, such as id = "kill-weeds".')
    where = f"{file}, block {entry['id']!r}"
    templates = tuple(_template(text, where) for text in _texts(entry.get("templates"), "templates", where))
    triggers = _texts(entry["triggers"], "triggers", where) if entry.get("triggers") else ()
    slots = [name for name in entry if name not in _NO_SLOTS]
    fillers = {slot: _texts(entry[slot], slot, where) for slot in slots}
    for slot, texts in fillers.items():
        braces = next((text for text in texts if "{" in text or "}" in text), None)
        if braces is not None:
            raise GrammarError(f"{where}: the filler {braces!r} of {slot} holds a brace; braces belong in templates.")
    used = {slot for template in templates for slot in template.slots}
    for template in templates:
        for slot in template.slots:
            if slot not in fillers:
                raise GrammarError(f"{where}: {template.text!r} has the unknown slot {{{slot}}}; add {slot} = [...].")
    unused = next((slot for slot in slots if slot not in used), None)
    if unused is not None:
        raise GrammarError(f"{where}: no template uses {unused}; write {{{unused}}} in one, or take the line out.")
    return Block(str(entry["id"]), templates, fillers, triggers)


def _template(text: str, where: str) -> Template:
    rest = _SLOT.sub("", text)
    if "{" in rest or "}" in rest:
        raise GrammarError(f"{where}: {text!r} has a brace without its partner, or no slot name between the two.")
    return Template(text, tuple(dict.fromkeys(_SLOT.findall(text))))


def _texts(value: Any, name: str, where: str) -> tuple[str, ...]:
    """A list of texts, none of them empty or there twice."""
    if not isinstance(value, list) or not value:
        raise GrammarError(f"{where}: {name} must be a list with at least one text.")
    for text in value:
        if not _is_text(text) or text != " ".join(text.split()):
            raise GrammarError(f"{where}: {name} holds {text!r}; it must be text without spaces to spare.")
    # Triggers are pieces of words, and "break in" beside "break-in" is meant.
    keys = value if name == "triggers" else [normalise(text) for text in value]
    _refuse_twice(keys, f"{where}: {name} holds twice")
    return tuple(value)


def _tables(value: Any, otherwise: str) -> Sequence[Mapping[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(entry, dict) for entry in value):
        raise GrammarError(otherwise)
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _refuse_twice(names: Sequence[str], sentence: str) -> None:
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise GrammarError(f"{sentence} {twice!r}: change or remove one of them.")
