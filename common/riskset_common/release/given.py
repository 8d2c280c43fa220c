"""What a program is given."""

from __future__ import annotations

from dataclasses import dataclass, field

from riskset_common.release.accepted import AcceptedTimes
from riskset_common.release.cells import Verdicts
from riskset_common.release.counted import Data
from riskset_common.release.facts import Facts
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import Calculator


@dataclass(frozen=True)
class Given:
    """Everything that the program of an analysis may look at.

    Attributes
    ----------
    study, facts
        Public.
    data
        The sums that the analysis, and the others of the plan, are made of.
    calculator
        The arithmetic that the data are for.
    cells
        The verdicts of the plan's counts, which were reached before.
    accepted
        The times of all curves of the plan, which were found before any is released.
    """

    study: Study
    facts: Facts
    data: Data
    calculator: Calculator
    cells: Verdicts
    accepted: AcceptedTimes = field(default_factory=dict)
