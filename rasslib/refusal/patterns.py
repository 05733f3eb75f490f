"""The editable list of refusal phrases: reading, checking and compiling it.

The format is told at the top of ``phrases.txt``, the default list: one regular expression per line, ``!`` for
exceptions, ``{name} = ...`` for building blocks, ``#`` for comments.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rasslib.errors import RassError
from rasslib.refusal.normalise import fold

DEFAULT_FILE = Path(__file__).with_name("phrases.txt")
PHRASE_LANGUAGES = ("en", "zh", "es", "de", "fr", "pt", "it", "ja", "ar", "hi", "ru", "ko")
"""Languages whose refusals the default list knows; outside English only plain ones."""

_DEFINITION = re.compile(r"\{([a-z][a-z-]*)\} = (.*)", re.S)
_USE = re.compile(r"\{([a-z][a-z-]*)\}")
# Scripts without spaces between words, and Korean, whose endings grow onto words: there a phrase matches inside text.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3]")
# Part of a word. Vowel signs of Indian scripts are no \\w: without them "मैं" would end inside "मैंने".
_IN_WORD = r"[\w\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc-\u09cd]"
_LATIN = re.compile("[a-z]{3}")
_DEEPEST = 10


class PhraseError(RassError):
    """A list of refusal phrases cannot be used."""


@dataclass(frozen=True)
class PhraseList:
    """Compiled refusal phrases; make one with :func:`parse_phrases` or :func:`read_phrases`.

    Attributes:
        phrases: What counts as a refusal, looked for in one sentence at a time.
        exceptions: What is not looked at, matched against the whole start of a reply.
        preamble: Sentences that prepare a refusal without answering; None for none.
        apology: Replies that are nothing but an apology; None for none.
        fingerprint: First 12 hex digits of the SHA-256 of all of these.
    """

    phrases: tuple[re.Pattern[str], ...]
    exceptions: tuple[re.Pattern[str], ...]
    preamble: re.Pattern[str] | None
    apology: re.Pattern[str] | None
    fingerprint: str


@lru_cache(maxsize=1)
def default_phrases() -> PhraseList:
    """The list that comes with the product: English first, and the plain refusals of eleven other languages."""
    return parse_phrases(DEFAULT_FILE.read_text("utf-8").splitlines(), name=DEFAULT_FILE.name)


def read_phrases(path: Path) -> PhraseList:
    """Read a list of phrases, UTF-8 text.

    Raises:
        PhraseError: The file cannot be read, or a line of it cannot be used.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise PhraseError(
            f"The phrase list {path} cannot be read ({error.strerror}): check the path and its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise PhraseError(f"The phrase list {path} is no UTF-8 text: save it as UTF-8 and try again.") from error
    return parse_phrases(text.splitlines(), name=path.name)


def parse_phrases(lines: Iterable[str], name: str = "the phrase list") -> PhraseList:
    """Check and compile a list of phrases, given line by line.

    Building blocks of the default list can be used, and are replaced by definitions of the same name.

    Args:
        lines: Lines in the format of ``phrases.txt``.
        name: What the list is called in errors.

    Raises:
        PhraseError: A line is no regular expression, uses an unknown building block or would match every
            reply, or no phrase is left.
    """
    own: dict[str, str] = {}
    numbered: list[tuple[int, str]] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if definition := _DEFINITION.fullmatch(line):
            key, regex = definition.groups()
            own[key] = f"{own[key]}|{regex}" if key in own else regex
        else:
            numbered.append((number, line))
    blocks = _default_blocks() | own
    phrases: list[re.Pattern[str]] = []
    exceptions: list[re.Pattern[str]] = []
    for number, line in numbered:
        is_exception = line.startswith("!")
        regex = line[1:].strip() if is_exception else line
        (exceptions if is_exception else phrases).append(_compile(regex, blocks, f"line {number} of {name}"))
    if not phrases:
        raise PhraseError(f"There is no phrase in {name}: add at least one, such as: I can't help with that.")
    preamble, apology = (
        _compile(f"{{{key}}}", blocks, f"{{{key}}} of {name}") if key in blocks else None
        for key in ("preamble", "apology")
    )
    text = "\n".join(f"{kind}{p.pattern}" for kind, ps in (("", phrases), ("!", exceptions)) for p in ps)
    text += "".join(f"\n={p.pattern}" for p in (preamble, apology) if p)
    return PhraseList(
        tuple(phrases), tuple(exceptions), preamble, apology, hashlib.sha256(text.encode()).hexdigest()[:12]
    )


@lru_cache(maxsize=1)
def _default_blocks() -> dict[str, str]:
    blocks: dict[str, str] = {}
    for line in DEFAULT_FILE.read_text("utf-8").splitlines():
        if definition := _DEFINITION.fullmatch(line.strip()):
            key, regex = definition.groups()
            blocks[key] = f"{blocks[key]}|{regex}" if key in blocks else regex
    return blocks


def _compile(regex: str, blocks: dict[str, str], where: str) -> re.Pattern[str]:
    """One phrase as a pattern for normalised text: building blocks put in, folded, bounded by words."""
    full = regex
    for _ in range(_DEEPEST):
        if not (used := set(_USE.findall(full))):
            break
        if unknown := used - blocks.keys():
            raise PhraseError(
                f"In {where}, {{{min(unknown)}}} is not defined: add a line that starts with {{{min(unknown)}}} = ..."
            )
        full = _USE.sub(lambda use: f"(?:{blocks[use[1]]})", full)
    else:
        raise PhraseError(f"In {where}, a building block uses itself: define it without.")
    full = _fold_regex(full)
    try:
        # A first pass alone, so that an unbalanced bracket cannot be closed by ours.
        re.compile(full)
        bounded = (
            full if _UNSPACED.search(full) and not _LATIN.search(full) else rf"(?<!{_IN_WORD})(?:{full})(?!{_IN_WORD})"
        )
        pattern = re.compile(bounded, re.I | re.S)
    except re.error as error:
        raise PhraseError(
            f"In {where}, “{regex}” is no regular expression ({error.msg}): correct it, or write \\ before signs that "
            "are meant as they are."
        ) from error
    if pattern.search("") or pattern.search("x"):
        raise PhraseError(f"In {where}, “{regex}” would match every reply: make it longer.")
    return pattern


def _fold_regex(regex: str) -> str:
    """What :func:`~rasslib.refusal.normalise.normalise` does to text, for a pattern: “？” becomes ``\\?``."""
    out = []
    for c in fold(regex):
        compatible = unicodedata.normalize("NFKC", c)
        out.append(c if compatible == c else re.escape(compatible))
    return "".join(out)
