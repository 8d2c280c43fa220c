"""What a computation of counts is about, as its parties see it: things to count, and one program over the sums."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from riskset_common.release.counted import Counted, Data
from riskset_common.release.facts import EventDays, Facts
from riskset_common.release.program import Program
from riskset_common.study.study import Study
from riskset_common.survival.arrays.calculator import Calculator

Released = TypeVar("Released")


@dataclass(frozen=True)
class Origin:
    """An origin of times, of which the day set is told.

    Attributes
    ----------
    days
        The events that are counted by step of the grid.
    least_events
        So many events there must be before the day set is told; 0 where the origin is everybody's.
    """

    days: EventDays
    least_events: int


class CountWork(ABC, Generic[Released]):
    """All that a plan counts and computes on shares. Every party derives it from plan, codebook and public lengths of grids."""

    @property
    @abstractmethod
    def study(self) -> Study:
        """Plan and codebook."""

    @abstractmethod
    def origins(self) -> tuple[Origin, ...]:
        """The origins of which a day set is told, each once."""

    @abstractmethod
    def counted(self, facts: Facts) -> tuple[Counted, ...]:
        """What is counted, each once, in an order that all parties have."""

    @abstractmethod
    def program(self, facts: Facts, data: Data, calculator: Calculator) -> Program[Released]:
        """What is computed, wave by wave."""
