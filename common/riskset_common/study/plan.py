"""The statistical analysis plan: data that say what to count, never code that says how."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, SerializeAsAny, model_validator

from riskset_common.errors import did_you_mean
from riskset_common.formats.names import CodebookReference, PlanVersion, StudyName
from riskset_common.formats.strict_model import StrictModel, is_default
from riskset_common.formats.strict_yaml import InOrder, Name
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.codebook import Conditions, DatedEvent
from riskset_common.study.displays import Display
from riskset_common.study.time_grid import DAYS_PER_UNIT, TimeGrid, exact

TimeUnit = Literal["days", "weeks", "months", "years"]


class PlanTime(StrictModel):
    """The unit of results, and the grid on which times are counted (a step in days, which may be a fraction)."""

    unit: TimeUnit
    days_per_unit: float | None = Field(default=None, gt=0)
    grid_days: float = Field(default=1, ge=1e-6)

    @model_validator(mode="after")
    def _a_day_is_a_day(self) -> Self:
        length = DAYS_PER_UNIT[self.unit]
        if self.unit in {"days", "weeks"} and self.days_per_unit not in {None, float(length)}:
            raise ValueError(
                f"days_per_unit is {self.days_per_unit:g}, but {self.unit} have {length}. Leave it out."
            )
        return self

    @property
    def grid(self) -> TimeGrid:
        """The agreed time grid."""
        return TimeGrid(exact(self.grid_days), self.days_in(self.unit))

    def days_in(self, unit: TimeUnit) -> Fraction:
        """Days in a unit, as an exact fraction; the plan's own unit as the plan says."""
        if unit == self.unit and self.days_per_unit is not None:
            return exact(self.days_per_unit)
        return DAYS_PER_UNIT[unit]


class Quorum(StrictModel):
    """How many sites must take part, of how many invited."""

    sites: int = Field(ge=1)
    of: int = Field(ge=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.sites > self.of:
            raise ValueError(f"a quorum of {self.sites} of {self.of} sites can never be met.")
        return self


class Population(StrictModel):
    """A named set of patients; without conditions, all of them."""

    label: str
    where: Conditions = {}


class TimeColumn(StrictModel):
    """A number variable that holds a ready-made time."""

    variable: str
    unit: TimeUnit | None = None


class StatusColumn(StrictModel):
    """A category variable whose levels say which event ended the time; every other level is a censoring."""

    variable: str
    events: InOrder[
        Annotated[
            list[Name], BeforeValidator(lambda found: [found] if isinstance(found, str) else found)
        ]
    ] = Field(min_length=1)


class Endpoint(StrictModel):
    """Time to the first of several events, from dates (`origin`, `first_of`, `censor`) or from ready-made columns (`time`, `status`).

    Attributes
    ----------
    horizon
        Where observation ends in the plan's unit: later events do not count, and who is followed longer is censored there.
    """

    label: str
    origin: str | None = None
    first_of: InOrder[DatedEvent] | None = Field(default=None, min_length=1)
    censor: str | None = None
    censored_at: Annotated[
        tuple[str, ...], BeforeValidator(lambda found: [found] if isinstance(found, str) else found)
    ] = ()
    time: TimeColumn | None = None
    status: StatusColumn | None = None
    entry: TimeColumn | str | None = None
    horizon: float | None = Field(default=None, gt=0, exclude_if=is_default)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        dated = {"origin": self.origin, "first_of": self.first_of, "censor": self.censor}
        ready = {"time": self.time, "status": self.status}
        if any(value is not None for value in dated.values()) == any(
            value is not None for value in ready.values()
        ):
            raise ValueError(
                "give either origin, first_of and censor (dates), or time and status (ready-made columns)."
            )
        group = dated if self.time is None and self.status is None else ready
        missing = [name for name, value in group.items() if value is None]
        if missing:
            raise ValueError(
                f"{', '.join(group)} belong together; {', '.join(missing)} is missing."
            )
        if isinstance(self.entry, str) != (self.origin is not None) and self.entry is not None:
            raise ValueError(
                "entry is the name of a date variable beside origin, and {variable: name} beside ready-made times."
            )
        if self.censored_at and self.origin is None:
            raise ValueError(
                "censored_at names dates, and goes with origin, first_of and censor only."
            )
        if self.status is not None:
            members = [level for levels in self.status.events.values() for level in levels]
            if len(set(members)) < len(members):
                raise ValueError("status.events: a level stands under two events.")
        return self

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the kinds of event, in the order of their codes 1, 2, ..."""
        return tuple(
            self.first_of
            if self.first_of is not None
            else self.status.events
            if self.status
            else ()
        )


class Disclosure(StrictModel):
    """The floor that the study agrees on; a site's own policy may ask for more.

    `minimum_sites` counts the sites of each part into which analyses part them (`planning/single_sites.py`). Three is the least: in a
    sum of two sites each reads the other's numbers, by taking off its own.

    Attributes
    ----------
    minimum_events_per_term
        Pooled events for each coefficient of a regression, below which the model is not asked. Where the plan releases exact numbers it is
        1, unless it is written.
    release_step
        Step of the grid of round times at which curves may be released, in the plan's unit; None is a month.
    """

    aggregation: Literal["secure"] = "secure"
    release: Literal["rounded", "exact"] = "rounded"
    minimum_cell: int = Field(default=5, ge=1)
    minimum_at_risk: int = Field(default=10, ge=1)
    minimum_events_per_term: int = Field(default=5, ge=1)
    minimum_sites: int = Field(default=5, ge=3)
    release_step: float | None = Field(default=None, gt=0, exclude_if=is_default)
    released_to: tuple[str, ...] = Field(default=("centre",), min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _exact_release_protects_nobody(cls, written: object) -> object:
        if isinstance(written, dict) and written.get("release") == "exact":
            return {"minimum_events_per_term": 1} | written
        return written

    @model_validator(mode="after")
    def _a_step_of_rounded_curves(self) -> Self:
        if self.release_step is not None and self.release == "exact":
            raise ValueError(
                "release_step is the grid of the times of rounded curves; with release: exact leave it out."
            )
        return self

    @property
    def to_be_given_to(self) -> str:
        """Who is to receive the results, in words: a declaration, which people carry out and no program enforces."""
        return f"to be given to: {', '.join(self.released_to)}, by people"


class BlindCommittee(StrictModel):
    """Which sites compute on shares that say nothing alone (`secure/blind/blind.md`).

    Under `release: rounded` they compute everything, under `release: exact` the Cox models whose strata do not hold site.

    Attributes
    ----------
    candidates
        Sites in the order in which they are asked to serve: the first `size` of those in the sums do. When None all sites are
        candidates, in an order that follows from plan and codebook (`planning/committees.py`).
    size
        Three or five members.
    threshold
        So many members together learn nothing; 1 for three members (the default), 2 or 1 for five. With 1 of five a wrong share shows.
    checked
        `required` ends a computation of counts if so many members are lost that a wrong share shows no longer. If None, it goes on.
    """

    REFUSED: ClassVar[Mapping[str, str]] = {
        "committee": "is a setting no longer, because a member that is lost would end the run. Write candidates, the sites in the order in "
        "which they are asked to serve, and size: 5 where five are to serve."
    }

    candidates: tuple[str, ...] | None = None
    size: Literal[3, 5] = 3
    threshold: Literal[1, 2] | None = None
    checked: Literal["required"] | None = Field(default=None, exclude_if=is_default)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        named = self.candidates
        if named is not None and len(set(named)) < len(named):
            raise ValueError("candidates: each site is named once.")
        if named is not None and len(named) < self.size:
            raise ValueError(
                f"candidates: {len(named)} are named, and {self.size} sites serve. Name {self.size} or more."
            )
        if self.size == 3 and self.threshold == 2:
            raise ValueError(
                "two of three members would learn everything: write size: 5, or leave threshold out."
            )
        if self.checked is not None and (self.size, self.threshold) != (5, 1):
            raise ValueError(
                "checked: a wrong share shows among five members of whom one learns nothing, and in no other committee. "
                "Write size: 5 and threshold: 1, or leave checked out."
            )
        return self

    @property
    def harmless(self) -> int:
        """How many members together learn nothing."""
        return self.threshold or (1 if self.size == 3 else 2)


class SecureSums(StrictModel):
    """How sums over the sites are opened, and by whom when some sites drop out (`secure/sums/secure_sum.md`).

    Attributes
    ----------
    profile
        `recoverable`: a run survives the loss of sites before its first sum is opened. `strict`: every sum needs every site that joined.
    committee
        The sites that together may open a sum without those that dropped out: `all`, or three or more names. Above 50 sites `all` are too
        many, and the run is strict.
    minimum_sites
        Sites in every sum; by default 70 percent of those invited, at least five, and all of them below five.
    blind
        Who computes on shares.
    """

    profile: Literal["recoverable", "strict"] = "recoverable"
    committee: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=3)] = "all"
    minimum_sites: int | None = Field(default=None, ge=2)
    blind: BlindCommittee = BlindCommittee()


class Plan(StrictModel):
    """One version of a statistical analysis plan."""

    plan: StudyName
    version: PlanVersion
    codebook: CodebookReference
    title: str | None = None
    registered: dict[str, str] = {}
    purpose: str | None = None
    data_cutoff: datetime.date | None = None
    censor_at_cutoff: bool = Field(default=False, exclude_if=is_default)
    time: PlanTime
    conventions: Literal["sas", "r"]
    quorum: Quorum | None = None
    populations: dict[str, Population] = {}
    endpoints: dict[str, Endpoint] = {}
    analyses: tuple[SerializeAsAny[AnalysisSpec], ...] = Field(min_length=1)
    displays: tuple[Display, ...] = ()
    disclosure: Disclosure = Disclosure()
    secure: SecureSums = SecureSums()

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        problems = list(self._name_problems())
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def censored_on(self) -> datetime.date | None:
        """The day on which all observation ends, if the plan has one: records are read as they stood on it."""
        return self.data_cutoff if self.censor_at_cutoff else None

    @property
    def last_contacts(self) -> tuple[str, ...]:
        """The date variables at which endpoints censor, each once."""
        censors = (endpoint.censor for endpoint in self.endpoints.values())
        return tuple(dict.fromkeys(censor for censor in censors if censor is not None))

    def _name_problems(self) -> Iterator[str]:
        if self.censor_at_cutoff and self.data_cutoff is None:
            yield "censor_at_cutoff: there is no data_cutoff. Write the day as data_cutoff, or leave censor_at_cutoff out."
        names = [analysis.id for analysis in self.analyses]
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                yield f"{names.count(name)} analyses have the id {name!r}. Give each its own."
        for display in self.displays:
            for name in (name for panel in display.shows for name in panel.of):
                if name not in names:
                    yield (
                        f"display {display.name!r} shows {name!r}, which is no analysis. "
                        f"{did_you_mean(name, names)}"
                    )

    def analysis(self, name: str) -> AnalysisSpec:
        """The analysis of that id."""
        return next(analysis for analysis in self.analyses if analysis.id == name)
