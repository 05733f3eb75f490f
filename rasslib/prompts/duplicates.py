"""Near-duplicates: which texts say almost the same in almost the same words."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MOST_CHARACTERS = 4_000
"""Of longer texts, the first and last half of this many characters are compared."""

_CELLS_AT_ONCE = 5_000_000
_APOSTROPHES = "'’‘`´"


class Pair(NamedTuple):
    """Two texts by their positions, and how similar they are (0 to 1)."""

    first: int
    second: int
    similarity: float


def normalise(text: str) -> str:
    """``text`` for comparison: NFKC, no letter case, no punctuation, single spaces.

    Apostrophes vanish ("don't" is "dont"), other punctuation parts words. Symbols (+, =, €) stay. A text of
    nothing but punctuation keeps it, so that "?" and "!" differ.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    for mark in _APOSTROPHES:
        folded = folded.replace(mark, "")
    plain = "".join(" " if unicodedata.category(char).startswith("P") else char for char in folded)
    return " ".join(plain.split()) or " ".join(folded.split())


def near_duplicates(texts: Sequence[str], others: Sequence[str] | None = None, threshold: float = 0.8) -> list[Pair]:
    """Pairs of texts with a similarity of at least ``threshold``.

    The similarity is the cosine of TF-IDF vectors (1 + log tf, smoothed idf) of character 3- to 5-grams
    within words (scikit-learn's ``char_wb``) of texts after :func:`normalise`. Rare pieces count more than
    pieces that all texts share, so "How do I ..." alone makes no pair; the weights are those of all texts
    given, so the figure for one pair shifts a little with its company. It sees shared wording, not shared
    meaning.

    Args:
        texts: n texts.
        others: m texts to compare with; None compares ``texts`` among themselves.
        threshold: Least similarity, above 0 and at most 1.

    Returns:
        By position, (i, j) with i < j within ``texts``, or i in ``texts`` and j in ``others``. 10,000 prompts
        among themselves take seconds; memory does not grow with n².
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, not {threshold}")
    n = len(texts)
    if not n or (others is not None and not len(others)):
        return []
    vectors = ngram_vectors([*texts, *([] if others is None else others)])
    a = vectors[:n]
    b = a if others is None else vectors[n:]
    pairs: list[Pair] = []
    step = max(1, _CELLS_AT_ONCE // b.shape[0])
    for start in range(0, a.shape[0], step):
        low = start if others is None else 0  # each pair once: from the diagonal on
        cosines = (a[start : start + step] @ b[low:].T).tocoo()
        # float32 sums put identical texts a hair under 1.
        near = cosines.data >= threshold - 1e-5
        for row, column, cosine in zip(cosines.row[near], cosines.col[near], cosines.data[near], strict=True):
            first, second = int(row) + start, int(column) + low
            if others is not None or first < second:
                pairs.append(Pair(first, second, min(float(cosine), 1.0)))
    return sorted(pairs)


def ngram_vectors(texts: Sequence[str]) -> csr_matrix:
    """[n, v] unit TF-IDF vectors, as :func:`near_duplicates` compares them; v is the number of n-grams found.

    A text without any character has a zero vector.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    plain = [_shortened(normalise(text)) for text in texts]
    if not any(plain):
        return csr_matrix((len(plain), 1), dtype=np.float32)
    vectoriser = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), lowercase=False, sublinear_tf=True, dtype=np.float32
    )
    return vectoriser.fit_transform(plain).tocsr()


def duplicate_groups(texts: Sequence[str], threshold: float = 0.8) -> NDArray[np.int64]:
    """[n] group number of each text: texts joined by a chain of near-duplicates share one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = near_duplicates(texts, threshold=threshold)
    n = len(texts)
    first = np.array([pair.first for pair in pairs], dtype=np.int64)
    second = np.array([pair.second for pair in pairs], dtype=np.int64)
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (first, second)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _shortened(text: str) -> str:
    half = MOST_CHARACTERS // 2
    return text if len(text) <= MOST_CHARACTERS else f"{text[:half]} {text[-half:]}"
