"""One member's arithmetic on shares: sums are local, and each product costs one opening of a masked value.

An opening is written as a generator that yields the member's masked share and is sent the opened value, so that nothing here knows how
shares travel. It opens several parts at once (`parts.py`); a computation that only says which parts it wants opened next, so that it can
share its openings with others, is a `Steps`.

All randomness follows from the members' keys and a label, and each label hashes the one before and what was opened under it: members who
were shown different openings draw different masks from then on, and what they open is noise. Each part of an opening, and each draw
besides, has a number in its label, so that no stream is drawn twice.

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

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32
from riskset_common.secure.blind.arithmetic.committee import Committee, Subset
from riskset_common.secure.blind.arithmetic.field import (
    WORDS,
    Elements,
    Words,
    add,
    combination,
    constant,
    from_words,
    multiply,
    same,
    to_words,
    words_to_bytes,
)
from riskset_common.secure.blind.arithmetic.parts import Part, Revealed, Truncated, below
from riskset_common.secure.blind.arithmetic.random_shares import (
    SubsetKeys,
    stream_words,
    weighted,
    zero_part,
)

Outcome = TypeVar("Outcome")
First = TypeVar("First")
Second = TypeVar("Second")


class Masked(NamedTuple):
    """A share to be opened, shape (9, n), and the label under which it travels."""

    label: bytes
    share: Elements


Opening = Generator[Masked, Elements, Outcome]

Steps = Generator[Sequence[Part], Sequence[Elements], Outcome]
"""A computation that yields the parts of its next opening and is sent what each of them gave."""


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
        self.openings, self._draws = 0, 0
        self._label = label

    @property
    def label(self) -> bytes:
        """What the next opening is bound to."""
        return self._label

    def bind(self, content: bytes) -> None:
        """Put into all further labels what every member has derived alike: members that derived something else open noise."""
        self._label = H(b"bound", self._label, content)

    def constant(self, value: int) -> Elements:
        """A public whole number as a share: every member has the number itself."""
        return constant(value)

    def open(self, parts: Sequence[Part]) -> Opening[list[Elements]]:
        """Open several vectors at once; each part gives a share of degree t, or its value if it is `Revealed`."""
        masked, removed = self._masked(parts)
        opened = yield from self._open(masked)
        results, start = [], 0
        for part in parts:
            end = start + part.share.shape[1]
            value = opened[:, start:end]
            if not isinstance(part, Revealed):
                value = part.result(value, removed[:, start:end], len(self.committee.subsets))
            results.append(value)
            start = end
        return results

    def run(self, steps: Steps[Outcome]) -> Opening[Outcome]:
        """Run a computation by itself, one opening for each of its steps."""
        try:
            parts = next(steps)
            while True:
                parts = steps.send((yield from self.open(parts)))
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome

    def truncate(self, parts: Sequence[Truncated]) -> Opening[list[Elements]]:
        """Shares of degree t of z / 2^bits, for several vectors in one opening."""
        return self.open(parts)

    def product(self, a: Elements, b: Elements, bits: int) -> Opening[Elements]:
        """Shares of a b / 2^bits."""
        (result,) = yield from self.open([Truncated(multiply(a, b), bits)])
        return result

    def reveal(self, share: Elements) -> Opening[Elements]:
        """Open a vector to all members, and nothing else about its share."""
        (opened,) = yield from self.open([Revealed(share)])
        return opened

    def random_elements(self, n: int) -> Elements:
        """Shares of degree t of n elements that nobody knows, uniform on the field; fresh at each call."""
        label = self._draw()
        return self._of_keys(lambda key: from_words(stream_words(key, b"random", label, n)))

    def random_numbers(self, n: int, bits: int) -> Elements:
        """Shares of degree t of n sums of numbers below 2^bits, one of each key, so that every member lacks one; fresh at each call."""
        label = self._draw()
        return self._of_keys(
            lambda key: from_words(below(stream_words(key, b"high", label, n), bits))
        )

    def bits_of_subsets(self, n: int) -> list[Elements]:
        """For each subset, shares of degree t of n bits that its members know; fresh at each call."""
        label, length, found = self._draw(), -(-n // (64 * WORDS)), []
        for subset in self.committee.subsets:
            if subset not in self.keys:
                found.append(np.zeros((len(constant(0)), n), np.uint64))
                continue
            words = stream_words(self.keys[subset], b"bits", label, length)
            content = np.frombuffer(words_to_bytes(words), np.uint8)
            bits = np.unpackbits(content, count=n, bitorder="little").astype(np.uint64)
            found.append(self._weight(subset) * bits)
        return found

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

    def _masked(self, parts: Sequence[Part]) -> tuple[Elements, Elements]:
        """What is sent of the parts, one after another, and the share of what is to be taken off the opened values, both (9, n)."""
        labels = [H(b"part", self.label, u32(number)) for number in range(len(parts))]
        lengths = [part.share.shape[1] for part in parts]
        vectors = list(zip(labels, lengths, strict=True))
        hiding: dict[Subset, Elements] = {}
        removing: dict[Subset, Elements] = {}
        for subset, key in self.keys.items():
            masks = [
                _mask(part, key, label, n) for part, (label, n) in zip(parts, vectors, strict=True)
            ]
            zero = zero_part(self.committee, self.member, key, vectors)
            hiding[subset] = add(from_words(np.concatenate([m for m, _ in masks], axis=1)), zero)
            removing[subset] = from_words(np.concatenate([r for _, r in masks], axis=1))
        lifted = [
            part.share if isinstance(part, Revealed) else add(part.share, constant(part.lift))
            for part in parts
        ]
        sent = add(np.concatenate(lifted, axis=1), self._weighted(hiding))
        return sent, self._weighted(removing)

    def _draw(self) -> bytes:
        """A label that serves once."""
        self._draws += 1
        return H(b"draw", self.label, u32(self._draws))

    def _of_keys(self, drawn: Callable[[bytes], Elements]) -> Elements:
        return self._weighted({subset: drawn(key) for subset, key in self.keys.items()})

    def _weighted(self, parts: Mapping[Subset, Elements]) -> Elements:
        return weighted(self.committee, self.member, parts)

    def _weight(self, subset: Subset) -> Elements:
        return constant(self.committee.indicator(subset, self.member))


def _mask(part: Part, key: bytes, label: bytes, n: int) -> tuple[Words, Words]:
    """One key's mask of a part, and what of it is to be taken off again, shape (4, n)."""
    if isinstance(part, Revealed):
        nothing = np.zeros((WORDS, n), np.uint64)
        return nothing, nothing
    mask = part.mask(stream_words(key, part.purpose, label, n))
    return mask, part.removed(mask)


class _Side(Arithmetic):
    """One of two computations that share their openings: its labels follow from those of the whole."""

    def __init__(self, whole: Arithmetic, number: int) -> None:
        super().__init__(whole.committee, whole.member, whole.keys, b"")
        self._whole, self._number = whole, number

    @property
    def label(self) -> bytes:
        """The whole's label and the number of the side."""
        return H(b"side", self._whole.label, u32(self._number))

    def bind(self, content: bytes) -> None:
        """Refused: the labels are those of the whole."""
        raise ValueError("What is bound to the labels of a side is bound to those of the whole.")

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
        foretold = combination(list(zip(coefficients, first, strict=True)))
        if not same(foretold, shares[member - 1]):
            raise ProtocolRefusal(
                "The members' shares contradict one another: at least one member sent a wrong share. The computation stops here; "
                "nothing was opened. Find the member by an audit of its stored frames."
            )
    return from_words(to_words(combination(list(zip(committee.opening, first, strict=True)))))
