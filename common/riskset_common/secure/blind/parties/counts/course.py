"""The whole computation of counts as one generator: three uploads, and what is opened of each, up to what is released.

It asks its driver for the sums of an upload or for what a wave opens. A member gives it sums on shares; a site and the centre give it
sums without values, and what the members say was opened.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.release.counted import Counted
from riskset_common.release.facts import Facts
from riskset_common.release.program import Ask, Opened, Opens
from riskset_common.secure.blind.parties.counts.before_bits import day_sets, widths
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.layout import Name
from riskset_common.secure.blind.parties.counts.uploads import Counting, Upload, days_upload
from riskset_common.secure.blind.parties.counts.work import CountWork
from riskset_common.survival.arrays.calculator import Calculator, Numbers

Released = TypeVar("Released")


@dataclass(frozen=True)
class Sums:
    """Sums of one upload over all sites, by part, and the calculator that they are for."""

    pooled: Mapping[Name, Numbers]
    calculator: Calculator


@dataclass(frozen=True)
class Reached(Generic[Released]):
    """Where a computation of counts ends.

    Attributes
    ----------
    facts
        Day sets, and the bound of patients.
    counted
        What was counted, in order.
    released
        What the program made of all that was opened.
    largest
        By part of upload 3 the bound of its sums over all sites that the checked bits prove, in units of the last bit.
    """

    facts: Facts
    counted: tuple[Counted, ...]
    released: Released
    largest: Mapping[Name, int]

    def bound(self, counted: Counted, array: str) -> int:
        """The largest that a sum over all sites can be, in public and proved."""
        return self.largest[self.counted.index(counted), array]


Course: TypeAlias = Generator[Upload | Sequence[Ask], Sums | Sequence[Opened], Reached[Released]]


def course(setup: CountSetup, work: CountWork[Released]) -> Course[Released]:
    """Run by every party, each with a driver of its own."""
    origins, n_sites = work.origins(), len(setup.participants)
    first = _sums((yield days_upload(origins, work.study)))
    facts, width = yield from day_sets(origins, first.pooled, n_sites)

    counting = Counting(work.study, facts, width, work.counted(facts))
    second = _sums((yield counting.widths_upload()))
    needed = yield from widths(counting.ceilings, second.pooled)

    upload = counting.bits_upload(needed)
    third = _sums((yield upload))
    data = {
        counted: {array: third.pooled[place, array] for array in counted.arrays(work.study)}
        for place, counted in enumerate(counting.counted)
    }
    released = yield from work.program(facts, data, third.calculator)
    largest = {name: n_sites * part.largest for name, part in upload.layout.parts.items()}
    return Reached(facts, counting.counted, released, largest)


def first_upload(begun: Course[Released]) -> Upload:
    """The upload with which a course begins. Run once, before anything is sent to it."""
    asked = next(begun)
    if not isinstance(asked, Upload):
        raise TypeError("A course of the counts begins with an upload.")
    return asked


def _sums(sent: Sums | Sequence[Opened]) -> Sums:
    if not isinstance(sent, Sums):
        raise TypeError("The course of the counts awaits the sums of an upload.")
    return sent


def cut(values: Opened, asks: Sequence[Ask]) -> list[Opened]:
    """What each ask of a wave gave, from all values of the wave in order, shape (n,).

    Raises
    ------
    ProtocolRefusal
        If there are more or fewer values than were asked for.
    """
    shapes = [ask.x.shape if isinstance(ask, Opens) else ask.x.shape[:-1] for ask in asks]
    sizes = [int(np.prod(shape, dtype=np.int64)) for shape in shapes]
    if sum(sizes) != len(values):
        raise ProtocolRefusal(
            f"A wave of the counts opened {len(values)} numbers where {sum(sizes)} were asked for. The releases of riskset at the members "
            "and here differ; compare them."
        )
    ends = np.cumsum(sizes)
    return [
        values[end - size : end].reshape(shape)
        for end, size, shape in zip(ends, sizes, shapes, strict=True)
    ]
