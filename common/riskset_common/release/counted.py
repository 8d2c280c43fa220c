"""What sites count for the programs: a description that everybody derives from the plan, and a site's own numbers.

Two analyses that count the same have equal descriptions, and the sites send the numbers once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import Numbers
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

OwnNumbers: TypeAlias = Mapping[str, IntArray | FloatArray]
"""One site's numbers by array: counts, or reals that it computed alone."""


class Ceiling(ABC):
    """A number of each site that no count of some arrays is above, as a value that can be compared and hashed (a frozen dataclass).

    How many sites need which power of two of it becomes public. So it must be one of all patients of an origin, and not of a cohort or a
    group, and have a public floor: else it would tell whether a site has any event among a few patients.
    """

    @abstractmethod
    def of(self, patients: Patients, study: Study) -> int:
        """This site's number, from all of its patients."""


@dataclass(frozen=True)
class CountedArray:
    """One array of what is counted.

    Attributes
    ----------
    shape
        Of the numbers.
    fraction_bits
        Binary digits after the point: 0 for counts, which are not negative; reals have a sign.
    largest
        A public bound of a site's number in size, which reals must have. None for counts of people: a site has at most as many as it has
        patients.
    ceiling
        For counts of people, a smaller number that they are not above; asked of the sites once for all arrays that have it.
    but_for_the_last
        Whether counts in the last place of the last axis may be above the ceiling.
    """

    shape: tuple[int, ...]
    fraction_bits: int = 0
    largest: int | None = None
    ceiling: Ceiling | None = None
    but_for_the_last: bool = False


@dataclass(frozen=True)
class Identity:
    """Sums that must be equal in every site's own counts: each is a list of (array, axes over which it is summed)."""

    left: tuple[tuple[str, tuple[int, ...]], ...]
    right: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Total:
    """A sum that is equal in all things counted that give it the same key: two splits of the same patients hold the same everybody.

    Attributes
    ----------
    key
        What the sum counts, public; equal keys mean equal sums of one shape.
    array, axes
        The array that is summed, and over which axes. A sum over all axes is a number of patients, which a site declares.
    """

    key: Hashable
    array: str
    axes: tuple[int, ...]


@dataclass(frozen=True)
class Running:
    """The running total of an array along its last axis, after it was summed over others.

    Attributes
    ----------
    array, axes
        Which array, and the axes over which it is summed first.
    until
        For each place of a level, how many places of the array's last axis are in the total; ascending.
    sign
        1 for those who come, -1 for those who go.
    """

    array: str
    axes: tuple[int, ...]
    until: tuple[int, ...]
    sign: int


@dataclass(frozen=True)
class Level:
    """An array of people who are there at each place of its last axis: all who came so far, less all who went.

    It is uploaded although it follows from the others, because that shows of every site that none of its numbers is negative.
    """

    array: str
    terms: tuple[Running, ...]


class Counted(ABC):
    """What is counted, as a value that can be compared and hashed (a frozen dataclass)."""

    @abstractmethod
    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        """The arrays by name, in order; a function of plan, codebook and public facts alone."""

    @abstractmethod
    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        """This site's numbers. Run by a site; it must not fail on any records that joined."""

    def identities(self, study: Study) -> Iterator[Identity]:
        """Linear identities that hold in every site's numbers."""
        del study
        return iter(())

    def levels(self, study: Study) -> Iterator[Level]:
        """Arrays of people who are there, where those who come and those who go are counted by themselves."""
        del study
        return iter(())

    def totals(self, study: Study) -> Iterator[Total]:
        """Sums that other things counted have as well, each in its own split. A sum over all axes must be one of patients."""
        del study
        return iter(())


Data: TypeAlias = Mapping[Counted, Mapping[str, Numbers]]
"""The sums over all sites, hidden or open, by what is counted and array."""
