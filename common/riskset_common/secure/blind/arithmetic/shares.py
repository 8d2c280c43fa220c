"""One member's arithmetic on shares: sums are local, and each product costs one opening of a masked value.

An opening is written as a generator that yields the member's masked share and is sent the opened value, so that nothing here knows how
shares travel. All randomness follows from the members' keys and a label, and each label hashes the one before and what was opened under
it: members who were shown different openings draw different masks from then on, and what they open is noise.

A product with truncation, of z with |z| < 2^K (Cramer, Damgård and Ishai 2005; Catrina and Saxena 2010 for the truncation):

    c = open(z + 2^K + R + 0),  R = sum of psi_A < |subsets| 2^(K + SIGMA)
    z / 2^f = (c >> f) - 2^(K - f) - sum of (psi_A >> f), less half the number of subsets to centre the rounding

Its error is at most the number of subsets in the last place. One unknown psi_A, uniform on K + SIGMA bits, hides z to a statistical
distance of 2^-SIGMA. An exact product is opened under a mask that is uniform on the field.

References
----------
Catrina O, Saxena A (2010), Secure computation with fixed-point numbers, FC, LNCS 6052:35, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32
from riskset_common.secure.blind.arithmetic.committee import Committee, Subset
from riskset_common.secure.blind.arithmetic.field import (
    Elements,
    Words,
    add,
    constant,
    dot,
    from_words,
    multiply,
    same,
    subtract,
    to_words,
    words_to_bytes,
)
from riskset_common.secure.blind.arithmetic.random_shares import (
    SubsetKeys,
    stream_words,
    weight,
    zero_part,
    zero_share,
)

K = 160
"""Every value is below 2^K in size before it is truncated."""
SIGMA = 80
"""A mask has so many bits more than what it hides."""

Outcome = TypeVar("Outcome")
First = TypeVar("First")
Second = TypeVar("Second")


class Masked(NamedTuple):
    """A share to be opened, shape (9, n), and the label under which it travels."""

    label: bytes
    share: Elements


Opening = Generator[Masked, Elements, Outcome]


class Truncated(NamedTuple):
    """A share of degree 2t or less, shape (9, n), and the number of its lowest bits that are to go."""

    share: Elements
    bits: int


class Arithmetic:
    """A member's place in the computation: its keys, and the label that the next opening will bear.

    Attributes
    ----------
    committee, member, keys
        Who computes, who this is, and its keys by subset.
    openings
        How many there were.
    """

    def __init__(self, committee: Committee, member: int, keys: SubsetKeys, label: bytes) -> None:
        if set(keys) != set(committee.subsets_of(member)):
            raise ProtocolRefusal(
                f"Member {member} needs the keys of exactly the subsets that hold it."
            )
        self.committee, self.member, self.keys = committee, member, keys
        self.openings = 0
        self._label = label

    @property
    def label(self) -> bytes:
        """What the next opening is bound to."""
        return self._label

    def constant(self, value: int) -> Elements:
        """A public whole number as a share: every member has the number itself."""
        return constant(value)

    def truncate(self, parts: Sequence[Truncated]) -> Opening[list[Elements]]:
        """Shares of degree t of z / 2^bits, for several vectors in one opening."""
        shares, high = zip(*self._masks(parts), strict=True)
        opened = yield from self._open(np.concatenate(shares, axis=1))
        results, start = [], 0
        for part, mask in zip(parts, high, strict=True):
            end = start + part.share.shape[1]
            kept = from_words(_shifted(to_words(opened[:, start:end]), part.bits))
            # Where nothing is cut off there is no rounding to centre.
            centred = len(self.committee.subsets) // 2 if part.bits else 0
            offset = (1 << (K - part.bits)) + centred
            results.append(subtract(kept, add(mask, self.constant(offset))))
            start = end
        return results

    def product(self, a: Elements, b: Elements, bits: int) -> Opening[Elements]:
        """Shares of a b / 2^bits."""
        (result,) = yield from self.truncate([Truncated(multiply(a, b), bits)])
        return result

    def reveal(self, share: Elements) -> Opening[Elements]:
        """Open a vector to all members, and nothing else about its share."""
        opened = yield from self._open(add(share, self._zeros(share.shape[1])))
        return opened

    def beside(
        self,
        first: Callable[[Arithmetic], Opening[First]],
        second: Callable[[Arithmetic], Opening[Second]],
    ) -> Opening[tuple[First, Second]]:
        """Run two computations in the same openings, each under labels of its own."""
        one, other = _Step(first(_Side(self, 0))), _Step(second(_Side(self, 1)))
        while waiting := [step for step in (one, other) if step.share is not None]:
            shares = [step.share for step in waiting if step.share is not None]
            opened = yield from self._open(np.concatenate(shares, axis=1))
            start = 0
            for step, share in zip(waiting, shares, strict=True):
                step.go_on(opened[:, start : start + share.shape[1]])
                start += share.shape[1]
        return one.outcome, other.outcome

    def _open(self, share: Elements) -> Opening[Elements]:
        opened = yield Masked(self.label, share)
        self._label = H(b"opened", self.label, words_to_bytes(to_words(opened)))
        self.openings += 1
        return opened

    def _masks(self, parts: Sequence[Truncated]) -> list[tuple[Elements, Elements]]:
        """For each part its masked share, and the share of what the mask adds above the bits that go."""
        masks = []
        for number, part in enumerate(parts):
            label, n = H(b"part", self.label, u32(number)), part.share.shape[1]
            masking, high = [], []
            for subset, key in self.keys.items():
                psi = _below(stream_words(key, b"mask", label, n), K + SIGMA)
                hidden = add(from_words(psi), zero_part(self.committee, self.member, key, label, n))
                masking.append((self._weight(subset), hidden))
                high.append((self._weight(subset), from_words(_shifted(psi, part.bits))))
            lifted = add(part.share, self.constant(1 << K))
            masks.append((add(lifted, dot(masking)), dot(high)))
        return masks

    def _zeros(self, n: int) -> Elements:
        return zero_share(self.committee, self.member, self.keys, self.label, n)

    def _weight(self, subset: Subset) -> Elements:
        return weight(self.committee, subset, self.member)


class _Side(Arithmetic):
    """One of two computations that share their openings: its labels follow from those of the whole."""

    def __init__(self, whole: Arithmetic, number: int) -> None:
        super().__init__(whole.committee, whole.member, whole.keys, b"")
        self._whole, self._number = whole, number

    @property
    def label(self) -> bytes:
        """The whole's label and the number of the side."""
        return H(b"side", self._whole.label, u32(self._number))

    def _open(self, share: Elements) -> Opening[Elements]:
        return (yield Masked(self.label, share))


EndsIn = TypeVar("EndsIn", covariant=True)


class _Step(Generic[EndsIn]):
    """A computation between two openings: the share it wants to open, or, once that is None, what came out."""

    outcome: EndsIn

    def __init__(self, computation: Opening[EndsIn]) -> None:
        self._computation = computation
        self.share: Elements | None = None
        self._run(lambda: next(computation))

    def go_on(self, opened: Elements) -> None:
        """Take what was opened, up to the next opening or the end."""
        self._run(lambda: self._computation.send(opened))

    def _run(self, resume: Callable[[], Masked]) -> None:
        try:
            self.share = resume().share
        except StopIteration as end:
            self.share, self.outcome = None, end.value


def open_shares(committee: Committee, shares: Sequence[Elements]) -> Elements:
    """The value that all members' shares of degree 2t stand for; refused where they do not lie on one polynomial."""
    first = shares[: len(committee.opening)]
    for member, coefficients in committee.checks:
        foretold = dot([(constant(c), share) for c, share in zip(coefficients, first, strict=True)])
        if not same(foretold, shares[member - 1]):
            raise ProtocolRefusal(
                "The members' shares contradict one another: at least one member sent a wrong share. The computation stops here; "
                "nothing was opened. Find the member by an audit of its stored frames."
            )
    return from_words(
        to_words(
            dot([(constant(c), share) for c, share in zip(committee.opening, first, strict=True)])
        )
    )


def _below(words: Words, bits: int) -> Words:
    """The lowest bits of each number, 192 < bits < 256."""
    kept = words.copy()
    kept[-1] &= np.uint64((1 << (bits - 192)) - 1)
    return kept


def _shifted(words: Words, bits: int) -> Words:
    """Each number without its lowest bits, in as many words as are left."""
    skipped, shift = divmod(bits, 64)
    kept = words[skipped:]
    if shift == 0:
        return kept
    moved = kept >> np.uint64(shift)
    moved[:-1] |= kept[1:] << np.uint64(64 - shift)
    return moved
