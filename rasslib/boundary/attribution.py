"""Which word pushes towards refusal: the score of the prompt, minus its score with that word taken out.

Leave-one-out (occlusion: Zeiler and Fergus 2014, arXiv 1311.2901; of words: Li et al. 2016, arXiv 1612.08220). It asks
the model itself and no gradient, but of one word at a time: two words that each suffice for a refusal both look as if
they did nothing, and a text with a gap may be unlike anything the model was trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rasslib.boundary.pieces import Piece, pieces_of, without
from rasslib.boundary.scoring import Score
from rasslib.errors import AnalysisError

MOST_WORDS = 256
"""Pieces that are taken out one by one; in longer prompts neighbours are joined."""


@dataclass(frozen=True)
class Push:
    """What one word does.

    Attributes:
        piece: The word and where it stands.
        push: Score of the prompt minus score without the word; positive pushes towards refusal.
        score: Score without the word.
    """

    piece: Piece
    push: float
    score: float


@dataclass(frozen=True)
class Attribution:
    """What every word of a prompt does.

    Attributes:
        text: The prompt.
        score: Its score.
        pushes: One for each word, in the order of the text.
        joined: Whether words were joined because there are too many.
    """

    text: str
    score: float
    pushes: tuple[Push, ...]
    joined: bool

    @property
    def ranked(self) -> list[Push]:
        """The pushes, the strongest towards refusal first."""
        return sorted(self.pushes, key=lambda push: -push.push)


def attribute(text: str, score: Score, most: int = MOST_WORDS) -> Attribution:
    """Take out every word in turn; one call of ``score`` with all texts.

    Args:
        text: The prompt.
        score: Scores texts.
        most: Words taken out at most; neighbours are joined beyond.

    Raises:
        AnalysisError: The prompt has no word.
    """
    pieces = pieces_of(text, most)
    if not pieces:
        raise AnalysisError("This prompt holds no word that could be taken out: it is punctuation or symbols only.")
    scores = np.asarray(score([text, *(without(text, [piece]) for piece in pieces)]), dtype=np.float64)
    base = float(scores[0])
    pushes = (Push(piece, base - float(s), float(s)) for piece, s in zip(pieces, scores[1:], strict=True))
    return Attribution(text, base, tuple(pushes), len(pieces) < len(pieces_of(text)))


def stretches(found: Attribution) -> list[tuple[str, float | None]]:
    """The prompt cut into words with their push and what stands between them (None), to be shaded."""
    out: list[tuple[str, float | None]] = []
    at = 0
    for push in found.pushes:
        if push.piece.start > at:
            out.append((found.text[at : push.piece.start], None))
        out.append((push.piece.text, push.push))
        at = push.piece.end
    if at < len(found.text):
        out.append((found.text[at:], None))
    return out
