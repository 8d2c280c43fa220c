"""The first of several dated events, also where one of them happened on a day that nobody knows.

A day that is unknown may be any day. What does not depend on it is given; what does is unclear, and never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from riskset_common.study.codebook import Codebook, DatedEvent
from riskset_common.study.patients import NO_DATE, UNKNOWN_DAY, Bools, Integers, Patients
from riskset_common.study.study import Study, meets

NEVER: Final = int(np.iinfo(np.int64).max)
"""Later than every day."""
ANY_DAY: Final = int(np.iinfo(np.int64).min)
"""Earlier than every day."""

Values = TypeVar("Values", Integers, Bools)


@dataclass(frozen=True)
class FirstEvents:
    """Which of several dated events came first in each patient.

    Attributes
    ----------
    code
        0 where none happened, else the place of the first, counted from 1, shape (n,); where `unclear`, of the events of which day and
        conditions are known.
    date
        Its day, shape (n,); `UNKNOWN_DAY` where it surely was the first, on an unknown day; without meaning where none happened.
    unclear
        Patients in whom another event may have been the first, because of a day that is unknown, shape (n,).
    earliest
        The earliest day on which such an event may lie, shape (n,); without meaning elsewhere.
    some_happened
        Patients in whom surely one of two events happened on a known day, but which is unclear, shape (n,).
    by_date
        Patients in whom an event of that date variable surely happened on a known day, each of shape (n,).
    """

    code: Integers
    date: Integers
    unclear: Bools
    earliest: Integers
    some_happened: Bools
    by_date: Mapping[str, Bools]


@dataclass(frozen=True)
class _Happening:
    """What is known of one event in each patient: whether it surely or possibly counts, on which day, and when at the earliest."""

    event: DatedEvent
    surely: Bools
    maybe: Bools
    day: Integers
    lowest: Integers

    @property
    def on_a_known_day(self) -> Bools:
        """Patients in whom it surely happened on a known day."""
        known: Bools = self.surely & (self.day > UNKNOWN_DAY)
        return known


def first_events(
    events: Iterable[DatedEvent],
    words: Study | Codebook,
    patients: Patients,
    among: Bools,
    until: Integers | None = None,
) -> FirstEvents:
    """Each patient's first event. If two fall on one day, the one listed first in the plan counts.

    Parameters
    ----------
    among
        Patients of whom it is asked, shape (n,).
    until
        The last day on which an event counts, shape (n,); `NEVER` or None where each does.
    """
    listed = tuple(events)
    last = np.full(patients.n, NEVER) if until is None else until
    date = np.full(patients.n, NEVER)
    code = np.zeros(patients.n, dtype=np.int64)
    by_date: dict[str, Bools] = {}
    for place, event in enumerate(listed, start=1):
        days = patients.dates[event.date]
        here = among & happened(event, words, patients)
        by_date[event.date] = by_date.get(event.date, False) | here
        # Earlier, not as early: of two events on one day the first in the plan is the one.
        first = here & (days < date) & (days <= last)
        date, code = np.where(first, days, date), np.where(first, place, code)
    nowhere = np.zeros(patients.n, dtype=np.bool_)
    found = FirstEvents(code, date, nowhere, date, nowhere, by_date)
    dates = {name for event in listed for name in (event.date, event.before, event.after) if name}
    rows = among & _some_unknown(patients, dates)
    for name in {name for event in listed for name in event.where}:
        rows |= among & _undecided(name, words, patients)
    if not rows.any():
        return found
    some = patients.rows(rows)
    happenings = [_within(_happening(event, words, some), last[rows]) for event in listed]
    return _settled(found, rows, happenings)


def happened(event: DatedEvent, words: Study | Codebook, patients: Patients) -> Bools:
    """Patients in whom a dated event surely happened under its conditions, on a known day, shape (n,).

    `after: other` holds where the other date is known and not later; `before: other` everywhere else, so that for each event one of
    the two holds, and never both. Where the day of either is unknown it may be that neither surely does.
    """
    return _happening(event, words, patients).on_a_known_day


def _happening(event: DatedEvent, words: Study | Codebook, patients: Patients) -> _Happening:
    day = patients.dates[event.date]
    here: Bools = (day != NO_DATE) & meets(words, patients, event.where)
    perhaps: Bools = day != NO_DATE
    for category, levels in event.where.items():
        perhaps &= meets(words, patients, {category: levels}) | _undecided(
            category, words, patients
        )
    lowest = np.where(day == UNKNOWN_DAY, ANY_DAY, day)
    if event.before == event.date:
        nowhere = np.zeros_like(here)
        return _Happening(event, nowhere, nowhere, day, lowest)
    name = event.after or event.before
    if name is None or name == event.date:
        return _Happening(event, here, perhaps, day, lowest)
    other = patients.dates[name]
    clear = (other == NO_DATE) | ((other > UNKNOWN_DAY) & (day > UNKNOWN_DAY))
    since = (other > UNKNOWN_DAY) & (other <= day)
    holds = since if event.after is not None else ~since
    if event.after is not None:
        lowest = np.where((day == UNKNOWN_DAY) & (other > UNKNOWN_DAY), other, lowest)
    return _Happening(event, here & clear & holds, perhaps & (~clear | holds), day, lowest)


def _undecided(category: str, words: Study | Codebook, patients: Patients) -> Bools:
    """Patients in whom a category is missing, and made of a date on an unknown day: another day may give it a level."""
    codebook = words.codebook if isinstance(words, Study) else words
    made_of = codebook.behind(category) & patients.dates.keys()
    return ~patients.known(category) & _some_unknown(patients, made_of)


def _some_unknown(patients: Patients, dates: Iterable[str]) -> Bools:
    """Patients in whom the day of one of these dates is unknown, shape (n,)."""
    found = np.zeros(patients.n, dtype=np.bool_)
    for name in dates:
        found |= patients.dates[name] == UNKNOWN_DAY
    return found


def _within(found: _Happening, last: Integers) -> _Happening:
    """The same of an event that counts until a last day only: on an unknown day it may have come later."""
    maybe = found.maybe & (found.lowest <= last)
    surely = found.surely & maybe & ((found.day > UNKNOWN_DAY) | (last == NEVER))
    return replace(found, maybe=maybe, surely=surely)


def _settled(found: FirstEvents, rows: Bools, happenings: Sequence[_Happening]) -> FirstEvents:
    """The first events, with those of the patients in `rows`, of whom some day is unknown."""
    n = np.count_nonzero(rows)
    code, date = np.zeros(n, dtype=np.int64), np.full(n, NEVER)
    for place, each in enumerate(happenings):
        first = each.surely.copy()
        for other_place, other in enumerate(happenings):
            if other_place != place:
                first &= ~other.maybe | _is_not_before(other, each, comes_later=other_place > place)
        code[first], date[first] = place + 1, each.day[first]
    maybe = np.any([each.maybe for each in happenings], axis=0)
    unclear = maybe & (code == 0)
    open_days = [
        np.where(each.maybe & ~each.on_a_known_day, each.lowest, NEVER) for each in happenings
    ]
    return replace(
        found,
        code=_put(found.code, rows, np.where(unclear, found.code[rows], code)),
        date=_put(found.date, rows, np.where(unclear, found.date[rows], date)),
        unclear=_put(found.unclear, rows, unclear),
        earliest=_put(found.earliest, rows, np.min(open_days, axis=0)),
        some_happened=_put(found.some_happened, rows, unclear & _one_of_two(happenings)),
    )


def _is_not_before(other: _Happening, first: _Happening, *, comes_later: bool) -> Bools:
    """Patients in whom `other` cannot have come before `first`; `comes_later` says whether the plan lists it later."""
    on_known_day: Bools = (other.lowest > first.day) | ((other.lowest == first.day) & comes_later)
    same_day_at_the_earliest = first.event.date in (other.event.date, other.event.after)
    return np.where(
        first.day > UNKNOWN_DAY, on_known_day, same_day_at_the_earliest and comes_later
    ).astype(np.bool_)


def _one_of_two(happenings: Sequence[_Happening]) -> Bools:
    """Patients in whom an event happened on a known day either before or after another date, of which the day is unknown."""
    found = np.zeros_like(happenings[0].maybe)
    for one in happenings:
        for two in happenings:
            if one.event.date == two.event.date and one.event.before == two.event.after is not None:
                found |= one.maybe & two.maybe & (one.day > UNKNOWN_DAY)
    return found


def _put(all_rows: Values, rows: Bools, values: Values) -> Values:
    """A copy of an array with other values in some rows."""
    changed = all_rows.copy()
    changed[rows] = values
    return changed
