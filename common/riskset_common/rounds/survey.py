"""The one round of opened sums of a plan that releases rounded numbers: powers of two, and how many sites need which.

How long each time grid must be. All else of such a plan is counted for a committee, which computes on shares. What is asked follows from
plan and codebook alone: the centre chooses nothing. The round also fixes the sites in the sums, so that it is asked where a plan follows
nobody, too, and then holds no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from riskset_common.errors import ContradictionError, EstimationError, ProtocolRefusal
from riskset_common.estimators.estimator import Summary
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.release.facts import EventDays, endpoints_of, origin_of
from riskset_common.study.patients import Integers, Patients
from riskset_common.study.study import Study
from riskset_common.survival.arrays.shapes import IntArray
from riskset_common.wire.sections import Section

QUESTIONS: Final = canonical_json({"survey": "powers of two"})
"""What the request of the round says, whatever the plan."""

N_POWERS = 48
LONGEST_GRID = 2**18
"""Steps of a grid on which a committee still finds the days of events."""

LENGTHS: Final = "lengths"
"""The array of an origin."""


def is_surveyed(study: Study) -> bool:
    """Whether a plan opens no sums but those of the survey: if it releases rounded numbers."""
    return study.plan.disclosure.release == "rounded"


def origins(study: Study) -> tuple[str, ...]:
    """Where the times of the plan's analyses begin, each once, sorted: a plan that has travelled holds its endpoints in another order."""
    used = {analysis.endpoint_name() for analysis in study.plan.analyses}
    return tuple(sorted({origin_of(study, name) for name in study.plan.endpoints if name in used}))


def survey_sections(study: Study) -> tuple[Section, ...]:
    """The schema of the answer: sites by the power of two above their last step after each origin, shape (N_POWERS,)."""
    return tuple(
        Section(analysis=origin, name=LENGTHS, ring="counts", shape=(N_POWERS,))
        for origin in origins(study)
    )


def surveyed(patients: Patients, study: Study) -> dict[tuple[str, str], IntArray]:
    """This site's answer, by origin and array. Run by a site."""
    return {
        (origin, LENGTHS): _mark(
            max(_last(patients.endpoints[name].time) for name in endpoints_of(study, origin))
        )
        for origin in origins(study)
    }


@dataclass(frozen=True)
class Survey:
    """What the round told everybody.

    Attributes
    ----------
    n_steps
        By origin: the length of the time grid, a power of two above every site's last step.
    """

    n_steps: Mapping[str, int]

    @property
    def event_days(self) -> tuple[EventDays, ...]:
        """What is counted first, from which the days of events are told."""
        return tuple(EventDays(origin, n) for origin, n in self.n_steps.items())


def own_survey(patients: Patients, study: Study) -> Survey:
    """What the survey would tell if there were this site alone; raises as `read_survey` does. Run by a site, which tells nobody."""
    own = {origin: {name: marks} for (origin, name), marks in surveyed(patients, study).items()}
    return read_survey(study, own, 1)


def read_survey(study: Study, pooled: Mapping[str, Summary], n_sites: int) -> Survey:
    """What the sum of all sites says. Run by both sides.

    Raises
    ------
    ContradictionError
        Where the marks cannot be those of so many sites, each with one.
    EstimationError
        Where a grid is longer than a committee can look through.
    """
    lengths = {origin: pooled[origin][LENGTHS] for origin in origins(study)}
    for marks in lengths.values():
        if bool((marks < 0).any()) or int(marks.sum()) != n_sites:
            raise ContradictionError(
                f"the survey of {n_sites} sites holds {int(marks.sum())} marks, where each site has one. A site's report is inconsistent; "
                "which one cannot be told from the sum. Have the sites compare their outboxes with their records."
            )
    n_steps = {origin: 2 ** int(np.flatnonzero(marks)[-1]) for origin, marks in lengths.items()}
    for origin, length in n_steps.items():
        if length > LONGEST_GRID:
            raise EstimationError(
                f"The follow-up from {origin} spans up to {length:,} steps of the time grid; a committee that computes on shares looks "
                f"through {LONGEST_GRID:,} at most. Choose a coarser time.grid_days in the plan."
            )
    return Survey(n_steps)


def check_survey(study: Study, questions: bytes, sections: tuple[Section, ...]) -> None:
    """Raise `ProtocolRefusal` unless a round asks what the plan's survey asks, and nothing else. Run by a site."""
    if questions != QUESTIONS or sections != survey_sections(study):
        raise ProtocolRefusal(
            "The round asks for opened sums that no plan with rounded results has: powers of two of the lengths of time grids are "
            "all. The centre must run this release."
        )


def _last(time: Integers) -> int:
    """The last step; 0 without one."""
    return max(int(time.max(initial=0)), 0)


def _mark(number: int) -> IntArray:
    """One in the place k of the smallest 2^k above a number."""
    marks: IntArray = np.zeros(N_POWERS, dtype=np.int64)
    marks[min(number.bit_length(), N_POWERS - 1)] = 1
    return marks
