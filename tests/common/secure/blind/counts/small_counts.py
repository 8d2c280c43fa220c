"""A small computation of counts: patients of several sites by day and group, counted in two splits, and a program that asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tests.common.secure.blind.blind_parties import channels_of, identity_of, secret

from riskset_common.consortium.roster import Member, Roster
from riskset_common.release.counted import Ceiling, Counted, CountedArray, Identity, Total
from riskset_common.release.facts import EventDays
from riskset_common.release.program import Among, Opens
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.count_site import SiteBelongings
from riskset_common.secure.blind.parties.counts.work import CountWork, Origin
from riskset_common.study.patients import EndpointTimes, Patients

N_STEPS = 32


@dataclass(frozen=True)
class OwnDays(EventDays):
    """Events of the one endpoint."""

    def of(self, patients, study):
        times = patients.endpoints["os"]
        steps = times.time[times.event > 0]
        return {"events": np.bincount(steps, minlength=self.n_steps)}


@dataclass(frozen=True)
class OnADay(Ceiling):
    """The most events on a day."""

    origin: str = "diagnosis"

    def of(self, patients, study):
        times = patients.endpoints["os"]
        return int(np.bincount(times.time[times.event > 0], minlength=1).max())


@dataclass(frozen=True)
class Split(Counted):
    """Events by group and day, patients by group, and a sum that the site computes alone."""

    by: str
    days: tuple[int, ...]

    def arrays(self, study):
        return {
            "events": CountedArray((2, len(self.days)), ceiling=OnADay()),
            "others": CountedArray((2,)),
            "patients": CountedArray((2,)),
            "flag": CountedArray((1,), largest=3),
            "mean": CountedArray((2,), fraction_bits=20, largest=1000),
        }

    def identities(self, study):
        yield Identity((("events", (1,)), ("others", ())), (("patients", ()),))

    def totals(self, study):
        yield Total("patients", "patients", (0,))
        yield Total(("events", self.days), "events", (0,))

    def of(self, patients, study):
        times, group = patients.endpoints["os"], patients.categories[self.by]
        had = times.event > 0
        events = np.zeros((2, len(self.days)), np.int64)
        place = np.searchsorted(self.days, times.time[had])
        np.add.at(events, (group[had], place), 1)
        people = np.bincount(group, minlength=2)
        return {
            "events": events,
            "others": people - events.sum(axis=1),
            "patients": people,
            "flag": np.array([2]),
            "mean": np.array([-1.25, float(patients.n)]),
        }


@dataclass(frozen=True)
class Released:
    events: tuple[int, ...]
    patients: int
    few: bool
    means: tuple[float, ...]


class SmallWork(CountWork[Released]):
    """Day set of everybody, two splits, two waves."""

    def __init__(self, least_events: int = 0):
        self.least_events = least_events

    @property
    def study(self) -> Any:
        return None

    def origins(self):
        return (Origin(OwnDays("diagnosis", N_STEPS), self.least_events),)

    def counted(self, facts):
        days = facts.days["diagnosis"].steps
        return Split("arm", days), Split("sex", days)

    def program(self, facts, data, calculator):
        arm = data[self.counted(facts)[0]]
        (few,) = yield [Among("few", arm["patients"].total().reshape(1, 1), 0, 9)]
        events, patients, means = yield [
            Opens("events", arm["events"].total(axis=0)),
            Opens("patients", arm["patients"].total()),
            Opens("means", calculator.rounded(arm["mean"], 100)),
        ]
        return Released(
            tuple(events.tolist()),
            int(patients),
            bool(few[0]),
            tuple((means / 100).tolist()),
        )


def site_patients(site: int, n: int = 12, groups: int = 0) -> Patients:
    """`groups` gives the same patients in other groups."""
    random = np.random.default_rng(site)
    time = random.integers(0, N_STEPS, n)
    event = (random.random(n) < 0.5).astype(np.int64)
    random = np.random.default_rng([site, groups])
    return Patients(
        n=n,
        categories={name: random.integers(0, 2, n) for name in ("arm", "sex")},
        endpoints={"os": EndpointTimes(time, event)},
    )


def count_setup(
    n_sites: int = 6, preset: tuple[int, int] = (3, 1), *, checked: bool = False
) -> CountSetup:
    members = tuple(
        Member(site_id=i, name=f"site {i}", study_group="north", public=identity_of(i).public)
        for i in range(n_sites)
    )
    return CountSetup(
        session=secret("session"),
        roster=Roster(version=1, members=members),
        participants=tuple(range(n_sites)),
        committee=Committee(tuple(range(preset[0])), preset[1]),
        checked=checked,
        work=secret("work"),
    )


def own_of(site: int, n_sites: int) -> SiteBelongings:
    return SiteBelongings(site, identity_of(site), secret("site", site), channels_of(site, n_sites))


def pooled(patients: Sequence[Patients]) -> Mapping[str, Any]:
    """What the sums are, in the open."""
    events = sum(
        np.bincount(each.endpoints["os"].time[each.endpoints["os"].event > 0], minlength=N_STEPS)
        for each in patients
    )
    return {"events": events, "patients": sum(each.n for each in patients)}
