"""What may be part of an opening: a product that is cut, a product that is brought back to degree t, a value that becomes public.

Each part is opened under a sharing of zero of its own, and what is hidden in it under a mask of its own; `shares.Arithmetic` alone makes
them. A product has degree 2t, and its shares are products of shares: without the sharing of zero one member reads both factors.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    Words,
    constant,
    from_words,
    subtract,
    to_words,
)

K = 160
"""Every value is below 2^K in size before it is truncated."""
SIGMA = 80
"""A mask has so many bits more than what it hides."""


class Truncated(NamedTuple):
    """A share of degree 2t or less, shape (9, n), of z with |z| < 2^K, and the number of its lowest bits that are to go.

    It gives a share of degree t of z / 2^bits, which errs by at most the number of subsets.
    """

    share: Elements
    bits: int

    @property
    def purpose(self) -> bytes:
        """Of the stream that masks it."""
        return b"mask"

    @property
    def lift(self) -> int:
        """What is added so that no value is negative."""
        return 1 << K

    def mask(self, psi: Words) -> Words:
        """One key's mask: K + SIGMA bits of its stream."""
        return below(psi, K + SIGMA)

    def removed(self, mask: Words) -> Words:
        """What of one key's mask is left in the truncated value, in four words."""
        return shifted(mask, self.bits)

    def result(self, opened: Elements, removed: Elements, n_subsets: int) -> Elements:
        """(c >> bits) - 2^(K - bits) - the sum of (psi_A >> bits), less half the number of subsets to centre the rounding."""
        kept = subtract(from_words(shifted(to_words(opened), self.bits)), removed)
        return subtract(kept, constant((1 << (K - self.bits)) + n_subsets // 2))


class Exact(NamedTuple):
    """A share of degree 2t or less, shape (9, n), of any element: it gives a share of degree t of the same.

    It is opened under a mask that is uniform on the field (Damgard and Nielsen 2007, section 3), so nothing of it shows.
    """

    share: Elements

    @property
    def purpose(self) -> bytes:
        """Of the stream that masks it."""
        return b"field"

    @property
    def lift(self) -> int:
        """Nothing is added."""
        return 0

    def mask(self, psi: Words) -> Words:
        """One key's mask: all of its stream."""
        return psi

    def removed(self, mask: Words) -> Words:
        """All of the mask is taken off again."""
        return mask

    def result(self, opened: Elements, removed: Elements, n_subsets: int) -> Elements:
        """c - the sum of psi_A."""
        del n_subsets
        return subtract(opened, removed)


class Revealed(NamedTuple):
    """A share of degree 2t or less, shape (9, n), of which the value becomes public, and nothing else about the share."""

    share: Elements


Part: TypeAlias = Truncated | Exact | Revealed


def below(words: Words, bits: int) -> Words:
    """The lowest bits of each number, 0 <= bits < 256, in four words."""
    kept = words.copy()
    whole, rest = divmod(bits, 64)
    kept[whole + 1 :] = 0
    kept[whole] &= np.uint64((1 << rest) - 1)
    return kept


def shifted(words: Words, bits: int) -> Words:
    """Each number without its lowest bits, in four words."""
    skipped, shift = divmod(bits, 64)
    kept = np.zeros_like(words)
    left = words[skipped:]
    if shift == 0:
        kept[: len(left)] = left
        return kept
    kept[: len(left)] = left >> np.uint64(shift)
    kept[: len(left) - 1] |= left[1:] << np.uint64(64 - shift)
    return kept
