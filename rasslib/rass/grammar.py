"""Candidates from a grammar: sentences that are benign by construction, drawn without replacement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from rasslib.progress import Progress, Silent
from rasslib.prompts.duplicates import normalise
from rasslib.rass.candidates import Candidate
from rasslib.rass.grammar_file import Block, Grammar, GrammarError, Kind, filled, load_grammar
from rasslib.rass.shuffling import Shuffled

T = TypeVar("T")
_BATCH = 500


class GrammarGenerator:
    """Draws sentences of a language's grammar, in turn from each kind, and within a kind from each block.

    No two candidates are the same after :func:`rasslib.prompts.duplicates.normalise`. The combinations of a
    block are numbered and the numbers shuffled, so nothing is written down but the sentences drawn.
    """

    name = "grammar"

    def __init__(self, language: str = "en", kinds: Sequence[str] = (), folder: Path | None = None) -> None:
        """A generator of candidates.

        Args:
            language: Code of a language that has a grammar file.
            kinds: Names of kinds to draw from; none means all.
            folder: Where the grammar files lie; None means those that come with the program.

        Raises:
            GrammarError: There is no such language or kind, or the file is wrong.
        """
        self.grammar = _only(load_grammar(language, folder), kinds)

    def count(self) -> int:
        """How many distinct sentences there are; makes every one of them, at some 50,000 a second."""
        return sum(1 for _ in self._distinct(seed=0))

    def generate(
        self, n: int, *, seed: int = 0, start: int = 0, progress: Progress | None = None
    ) -> Iterator[Candidate]:
        """Candidates number start … start+n−1 of the seeded sequence.

        Kinds come in turn until one has no sentences left. The sequence is made again up to ``start``.

        Raises:
            GrammarError: The grammar holds fewer sentences (told before the first candidate, unless some
                combinations give the same sentence; then after the last).
        """
        if n < 1 or start < 0:
            raise GrammarError(f"Ask for at least one candidate from number 0 on, not for {n} from number {start}.")
        if start + n > self.grammar.size:
            raise GrammarError(self._too_few(start + n, self.count()))
        return self._candidates(n, seed, start, progress or Silent())

    def _candidates(self, n: int, seed: int, start: int, progress: Progress) -> Iterator[Candidate]:
        number = -1
        for number, (kind, block, index) in enumerate(self._distinct(seed)):
            if number >= start:
                yield self._candidate(kind, block, index, seed)
                done = number - start + 1
                if done % _BATCH == 0 or done == n:
                    progress.update("Sentences", done, n)
                if done == n:
                    return
        raise GrammarError(self._too_few(start + n, number + 1))

    def _candidate(self, kind: Kind, block: Block, index: int, seed: int) -> Candidate:
        template, fillers = block.choice(index)
        return Candidate(
            prompt=filled(template, fillers),
            category=kind.name,
            language=self.grammar.language,
            generator=self.name,
            seed_id=block.id,
            evidence="by construction",
            note=kind.why,
            steps=({"template": template.text, "fillers": fillers, "triggers": list(block.triggers)},),
            random_seed=seed,
        )

    def _distinct(self, seed: int) -> Iterator[tuple[Kind, Block, int]]:
        """All combinations that give a new sentence, in the seeded order."""
        seen: set[str] = set()
        for kind, block, index in _in_turn([_combinations(kind, seed) for kind in _mixed(self.grammar.kinds, seed)]):
            sentence = normalise(filled(*block.choice(index)))
            if sentence not in seen:
                seen.add(sentence)
                yield kind, block, index

    def _too_few(self, asked: int, there: int) -> str:
        return (
            f"The grammar {self.grammar.file} holds {there:,} different sentences here, and {asked:,} are needed: "
            "ask for fewer, or add blocks to it."
        )


def _only(grammar: Grammar, names: Sequence[str]) -> Grammar:
    there = {kind.name: kind for kind in grammar.kinds}
    unknown = next((name for name in names if name not in there), None)
    if unknown is not None:
        raise GrammarError(f"{grammar.file} has no kind {unknown!r}: choose among {', '.join(there)}.")
    return replace(grammar, kinds=tuple(there[name] for name in dict.fromkeys(names))) if names else grammar


def _combinations(kind: Kind, seed: int) -> Iterator[tuple[Kind, Block, int]]:
    return _in_turn([_of_block(kind, block, seed) for block in _mixed(kind.blocks, seed, kind.name)])


def _of_block(kind: Kind, block: Block, seed: int) -> Iterator[tuple[Kind, Block, int]]:
    return ((kind, block, index) for index in Shuffled(block.size, seed, block.id))


def _mixed(items: Sequence[T], seed: int, key: str = "") -> list[T]:
    return [items[index] for index in Shuffled(len(items), seed, key)]


def _in_turn(streams: Sequence[Iterator[T]]) -> Iterator[T]:
    """One item of each stream after the other, until all are empty."""
    left = list(streams)
    while left:
        still = []
        for stream in left:
            for item in stream:
                yield item
                still.append(stream)
                break
        left = still
