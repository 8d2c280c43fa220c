"""Whole plans with rounded results, computed in numpy: what a committee computes on shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from riskset_common.release.counted import Counted, Data
from riskset_common.release.facts import DaySet, Facts
from riskset_common.release.program import Ask, Opened, answered, run
from riskset_common.rounds.counting import Outcome, PlanWork
from riskset_common.rounds.survey import read_survey, surveyed
from riskset_common.secure.blind.parties.counts.work import Origin
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import Clear, InTheOpen, Numbers
from riskset_common.survival.arrays.shapes import IntArray


def released(study: Study, sites: Sequence[Patients]) -> Outcome:
    """What the plan of a study gives of the patients of its sites."""
    return computed(study, sites).outcome


@dataclass(frozen=True)
class Computed:
    """A plan that was computed in the open.

    Attributes
    ----------
    work, facts, data
        As the parties of a run have them, the data being open.
    outcome
        Results and verdicts.
    opened
        What was opened, by the name of the ask, in order.
    """

    work: PlanWork
    facts: Facts
    data: Data
    outcome: Outcome
    opened: Mapping[str, Opened]


def computed(study: Study, sites: Sequence[Patients]) -> Computed:
    """The outcome, with all that was opened on the way."""
    work, facts = computation(study, sites)
    data = numbers_of(work, facts, sites)
    opened: dict[str, Opened] = {}

    def answer(ask: Ask) -> Opened:
        assert ask.name not in opened, f"{ask.name!r} is asked twice"
        opened[ask.name] = answered(ask)
        return opened[ask.name]

    outcome = run(work.program(facts, data, InTheOpen()), answer)
    return Computed(work, facts, data, outcome, opened)


def numbers_of(work: PlanWork, facts: Facts, sites: Sequence[Patients]) -> Data:
    """The sums over all sites of what they count."""
    prepared = [work.values(each) for each in sites]
    found: dict[Counted, dict[str, Numbers]] = {}
    for counted in work.counted(facts):
        own = [counted.of(each, work.study) for each in prepared]
        found[counted] = {
            name: Clear(np.sum([each[name] for each in own], axis=0)) for name in own[0]
        }
    return found


def computation(study: Study, sites: Sequence[Patients]) -> tuple[PlanWork, Facts]:
    """What is counted and computed, and what everybody knows before."""
    answers = [surveyed(each, study) for each in sites]
    pooled: dict[str, dict[str, IntArray]] = {}
    for origin, name in answers[0] if answers else ():
        pooled.setdefault(origin, {})[name] = np.sum(
            [answer[origin, name] for answer in answers], axis=0
        )
    work = PlanWork(study, read_survey(study, pooled, len(sites)))
    days = {origin.days.origin: _days(origin, study, sites) for origin in work.origins()}
    largest = max((each.n for each in sites), default=0)
    return work, Facts(days, len(sites) * (2 ** largest.bit_length() - 1))


def _days(origin: Origin, study: Study, sites: Sequence[Patients]) -> DaySet:
    """The days of events, where there are enough."""
    n_steps = origin.days.n_steps
    events = np.sum([origin.days.of(each, study)["events"] for each in sites], axis=0)
    if int(events.sum()) < origin.least_events:
        return DaySet(tuple(range(n_steps)), n_steps, told=False)
    return DaySet(tuple(np.flatnonzero(events).tolist()), n_steps, told=True)
