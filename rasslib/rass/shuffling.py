"""Seeded orders of numbers that are never written down: number i of a shuffled range, for ranges of any size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

_ROUNDS = 6
_WORD = (1 << 64) - 1


class Shuffled:
    """The numbers 0 … size−1 in an order that ``seed`` and ``key`` determine, on every machine and version.

    A Feistel network permutes a range of 4^k ≥ size numbers; those that fall outside are permuted again until
    they fall inside (cycle walking; Black and Rogaway 2002). Memory does not grow with size; one number costs
    fewer than four passes on average.
    """

    def __init__(self, size: int, seed: int, key: str = "") -> None:
        """A shuffled range; ``key`` keeps ranges of the same seed apart."""
        if size < 0:
            raise ValueError(f"size must not be negative, but is {size}")
        self.size = size
        self._bits = max(1, ((max(size, 2) - 1).bit_length() + 1) // 2)
        digests = (hashlib.blake2b(f"{seed}/{key}/{i}".encode(), digest_size=8).digest() for i in range(_ROUNDS))
        self._keys = tuple(int.from_bytes(digest, "big") for digest in digests)

    def __len__(self) -> int:
        """How many numbers there are."""
        return self.size

    def __getitem__(self, position: int) -> int:
        """The number at ``position``; IndexError outside 0 … size−1."""
        if not 0 <= position < self.size:
            raise IndexError(position)
        number = self._permuted(position)
        while number >= self.size:
            number = self._permuted(number)
        return number

    def __iter__(self) -> Iterator[int]:
        """All numbers, one after the other."""
        return (self[position] for position in range(self.size))

    def _permuted(self, number: int) -> int:
        mask = (1 << self._bits) - 1
        left, right = number >> self._bits, number & mask
        for key in self._keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        return left << self._bits | right


def _mixed(word: int) -> int:
    """The finaliser of SplitMix64 (Steele et al. 2014): every bit of the word changes about half of the others."""
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    word = (word ^ word >> 27) * 0x94D049BB133111EB & _WORD
    return word ^ word >> 31
