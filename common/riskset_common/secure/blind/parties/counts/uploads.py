"""The three uploads of a computation of counts: how each is laid out, what must be equal in it, and a site's own numbers in it.

Upload 1 tells on which steps of each grid a site has any event, how many events the origin has, and the power of two above its number of
patients. Upload 2 tells of each ceiling the power of two above it, given the day sets. Upload 3 is the numbers themselves. Powers of two
are marks, of which one is set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.release.counted import Ceiling, Counted, OwnNumbers
from riskset_common.release.facts import Facts
from riskset_common.secure.blind.parties.counts.equations import (
    Equation,
    Shared,
    equal_totals,
    identities,
    one_of,
    shared_totals,
)
from riskset_common.secure.blind.parties.counts.layout import Layout, Name, Part
from riskset_common.secure.blind.parties.counts.work import Origin
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.shapes import FloatArray, IntArray

WIDEST = 31
"""A site has fewer than 2^31 patients, and fewer than 2^31 events of an origin."""

DAYS, WIDTHS, NUMBERS = 1, 2, 3
"""The uploads in order."""

PATIENTS: Name = (-1, "patients")
"""The marks of a site's number of patients."""

Own = Mapping[Name, IntArray | FloatArray]


@dataclass(frozen=True)
class Upload:
    """What one upload holds.

    Attributes
    ----------
    number
        `DAYS`, `WIDTHS` or `NUMBERS`.
    layout
        Its parts.
    equations
        What must be equal in every site's own.
    own
        A site's numbers in it, from its patients.
    about
        What each thing counted is, by its place.
    """

    number: int
    layout: Layout
    equations: tuple[Equation, ...]
    own: Callable[[Patients], Own]
    about: tuple[str, ...]

    def named(self, own: Own) -> Mapping[tuple[str, str], IntArray | FloatArray]:
        """A site's numbers by what they count and array, for its own people."""
        return {
            (self.about[place] if place >= 0 else "the site's patients", array): numbers
            for (place, array), numbers in own.items()
        }


def marks_of(number: int, n_marks: int) -> IntArray:
    """Which power of two is the first above a whole number: n_marks marks, of which that of its bit length is set.

    Raises
    ------
    EstimationError
        If there is no mark for it; the text names no number.
    """
    if number < 0 or number.bit_length() >= n_marks:
        raise EstimationError(
            "A site counts more than the number of its patients allows. This is an error of riskset: report it."
        )
    marks: IntArray = np.zeros(n_marks, dtype=np.int64)
    marks[number.bit_length()] = 1
    return marks


def days_upload(origins: Sequence[Origin], study: Study) -> Upload:
    """Upload 1."""
    parts: dict[Name, Part] = {PATIENTS: Part((WIDEST + 1,), 1)}
    for place, origin in enumerate(origins):
        parts[place, "days"] = Part((origin.days.n_steps,), 1)
        if origin.least_events:
            parts[place, "events"] = Part((1,), WIDEST)
    return Upload(
        DAYS,
        Layout(parts),
        (one_of(PATIENTS),),
        lambda patients: own_days(origins, patients, study),
        tuple(str(origin.days) for origin in origins),
    )


def own_days(origins: Sequence[Origin], patients: Patients, study: Study) -> Own:
    """A site's numbers in upload 1."""
    own: dict[Name, IntArray | FloatArray] = {PATIENTS: marks_of(patients.n, WIDEST + 1)}
    for place, origin in enumerate(origins):
        events = np.asarray(origin.days.of(patients, study)["events"], dtype=np.int64)
        own[place, "days"] = np.minimum(events, 1)
        if origin.least_events:
            own[place, "events"] = events.sum(keepdims=True)
    return own


@dataclass(frozen=True)
class Counting:
    """Everything that is counted, once the day sets are known.

    Attributes
    ----------
    study, facts
        Public. The bound of patients is n_sites (2^width - 1).
    width
        Bits of the largest number of patients of a site.
    counted
        In the order of all parties.
    """

    study: Study
    facts: Facts
    width: int
    counted: tuple[Counted, ...]

    @cached_property
    def shared(self) -> tuple[Shared, ...]:
        """Sums that splits of the same patients have in common, and numbers of patients that are declared."""
        return shared_totals(self.counted, self.study)

    @property
    def _about(self) -> tuple[str, ...]:
        return tuple(map(str, self.counted))

    @property
    def declared(self) -> Mapping[Name, Shared]:
        """Numbers of patients that each site declares, of `width` bits."""
        found = [each for each in self.shared if each.declared]
        return {(-1, f"declared {place}"): each for place, each in enumerate(found)}

    @cached_property
    def ceilings(self) -> tuple[Ceiling, ...]:
        """Numbers of whole origins that the sites say to a power of two."""
        found = dict.fromkeys(
            array.ceiling
            for each in self.counted
            for array in each.arrays(self.study).values()
            if array.ceiling is not None
        )
        return tuple(found)

    def widths_upload(self) -> Upload:
        """Upload 2."""
        parts = {ceiling_at(place): Part((WIDEST + 1,), 1) for place in self._places}
        equations = tuple(one_of(name) for name in parts)
        about = tuple(map(str, self.ceilings))
        return Upload(WIDTHS, Layout(parts), equations, self.own_widths, about)

    @property
    def _places(self) -> range:
        return range(len(self.ceilings))

    def bits_upload(self, widths: Sequence[int]) -> Upload:
        """Upload 3, where so many bits hold each ceiling."""
        least = [min(width, self.width) for width in widths]
        below = dict(zip(self.ceilings, least, strict=True))
        parts: dict[Name, Part] = {name: Part((), self.width) for name in self.declared}
        equations: list[Equation] = []
        for place, each in enumerate(self.counted):
            for name, array in each.arrays(self.study).items():
                width = self.width if array.ceiling is None else below[array.ceiling]
                parts[place, name] = Part.of(array, width, self.width)
            equations += identities(place, each, self.study)
        for declared, shared in self.declared.items():
            equations += equal_totals(shared, declared)
        for shared in self.shared:
            if not shared.declared:
                equations += equal_totals(shared, None)
        return Upload(NUMBERS, Layout(parts), tuple(equations), self.own, self._about)

    def own(self, patients: Patients) -> Own:
        """A site's numbers in upload 3."""
        found: dict[Name, IntArray | FloatArray] = {}
        for place, each in enumerate(self.counted):
            numbers: OwnNumbers = each.of(patients, self.study)
            found |= {(place, name): values for name, values in numbers.items()}
        for declared, shared in self.declared.items():
            first = shared.terms[0]
            found[declared] = np.asarray(found[first.name]).sum(axis=first.axes, dtype=np.int64)
        return found

    def own_widths(self, patients: Patients) -> Own:
        """A site's marks in upload 2."""
        return {
            ceiling_at(place): marks_of(ceiling.of(patients, self.study), WIDEST + 1)
            for place, ceiling in enumerate(self.ceilings)
        }


def ceiling_at(place: int) -> Name:
    """The marks of one ceiling."""
    return place, "ceiling"
