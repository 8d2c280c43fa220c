"""The contract of an estimator: the centre asks a question, each site answers with a summary, and the pooled sum gives the result.

An estimator never sees another party. The centre calls `first` and `next`, a site calls `summarise`; between the two, arrays of
counts and reals are added up under masks. The arrays' shapes depend on the request alone, never on the patients: that lets them
be masked, and keeps the number of event times or the presence of a level from showing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.disclosed import Disclosed
from riskset_common.estimators.on_shares import (
    BlindCohort,
    BlindQuestion,
    Fits,
    RoundedQuestion,
)
from riskset_common.estimators.rounded import Result, Rounded, Spec
from riskset_common.release.facts import Facts
from riskset_common.release.models import ModelCounts
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.exposure import Exposure
from riskset_common.study.patients import Patients
from riskset_common.study.study import Site, Study

EVENTS: Final = "events"
"""The array that says how many events an analysis has, at a site that must know before it answers (`needs_events`)."""


class State(BaseModel):
    """What the centre asks in one round: all of a request that travels. A site takes the rest from its approved plan."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


class Ring(StrEnum):
    """Where numbers are added: whole counts, or reals in fixed point."""

    COUNTS = "counts"
    REALS = "reals"


@dataclass(frozen=True)
class Shape:
    """Ring and shape of one array of a summary."""

    ring: Ring
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers in the array."""
        return int(np.prod(self.shape, dtype=np.int64))


def counts(*shape: int) -> Shape:
    """An array of counts (int64) of that shape."""
    return Shape(Ring.COUNTS, shape)


def reals(*shape: int) -> Shape:
    """An array of reals (float64) of that shape."""
    return Shape(Ring.REALS, shape)


Summary = Mapping[str, NDArray[Any]]
"""Named arrays, int64 counts or float64 reals: what a site adds to the pool. Pooled, the same names and shapes."""


def arrays_of_part(summary: Summary, part: str) -> Summary:
    """The arrays of one part of an analysis, under their own names; all if the part is the analysis itself and has no name."""
    prefix = f"{part}." if part else ""
    return {
        name.removeprefix(prefix): values
        for name, values in summary.items()
        if name.startswith(prefix)
    }


def one(value: float) -> NDArray[Any]:
    """A single count (of an int) or real (of a float) as an array of shape ()."""
    return np.array(value, dtype=np.int64 if isinstance(value, (int, np.integer)) else np.float64)


Asked = TypeVar("Asked", bound=State)


@dataclass(frozen=True)
class Request(Generic[Spec, Asked]):
    """One question of one analysis.

    Attributes
    ----------
    spec
        The analysis, from the approved plan.
    study
        What both sides know.
    state
        What the centre asks now; it travels.
    memory
        What the centre keeps for the next round; it does not travel.
    verified
        At a site: the sums of earlier rounds that the answer rests on (`rests_on`), from openings that this site checked.
    """

    spec: Spec
    study: Study
    state: Asked
    memory: Any = None
    verified: Summary | None = None

    def checked(self, *names: str) -> Summary:
        """Sums that the answer rests on, by name. Run by a site.

        Raises
        ------
        ProtocolRefusal
            Where this site checked no opening that holds them: it does not take the centre's word for them.
        """
        verified = {} if self.verified is None else self.verified
        missing = [name for name in names if name not in verified]
        if missing:
            raise ProtocolRefusal(
                f"The round asks what rests on {' and '.join(missing)} of analysis {self.spec.id}, but this site was shown no opening of "
                "that sum. The centre must show it first."
            )
        return {name: verified[name] for name in names}


AnyRequest = Request[Any, Any]
"""A question of whatever kind of analysis."""


@dataclass(frozen=True)
class Uses:
    """Variables of the codebook that an analysis uses.

    Attributes
    ----------
    categories, numbers
        Those that a patient must have to be a complete case.
    partial_categories, partial_numbers
        Those that may be missing in a complete case.
    times
        Dates or numbers that say when something happened, and their conditions. A patient in whom it did not happen still counts as a
        complete case; one of whom that is not known does not.
    causes
        Kinds of event of the endpoint that the plan names.
    """

    categories: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    partial_categories: tuple[str, ...] = ()
    partial_numbers: tuple[str, ...] = ()
    times: tuple[Exposure, ...] = ()
    causes: tuple[str, ...] = ()

    @property
    def all_categories(self) -> tuple[str, ...]:
        """Every variable that must be a category of the codebook."""
        return (*self.categories, *self.partial_categories)

    @property
    def all_numbers(self) -> tuple[str, ...]:
        """Every variable that must be a number of the codebook."""
        return (*self.numbers, *self.partial_numbers)


@dataclass(frozen=True)
class Analysed:
    """The patients that an analysis uses, and how many of its population it had to leave out because a value is missing."""

    patients: Patients
    missing: int


def analysed(patients: Patients, request: AnyRequest, uses: Uses) -> Analysed:
    """Complete cases over the variables and the endpoint that the analysis uses, within its population."""
    spec: AnalysisSpec = request.spec

    def choose() -> Analysed:
        chosen = request.study.chosen(patients, spec.population, spec.where)
        complete = chosen & patients.complete(
            (*uses.categories, *uses.numbers), spec.endpoint_name()
        )
        for exposure in uses.times:
            complete &= exposure.known(patients, request.study)
        return Analysed(
            patients.rows(complete), int(np.count_nonzero(chosen)) - int(np.count_nonzero(complete))
        )

    return patients.keep(("analysed", spec.id), choose)


class BlindHalf(ABC, Generic[Spec, Asked]):
    """What a kind of analysis that is one model knows of its computation on shares."""

    @abstractmethod
    def is_counted(self, request: Request[Spec, Asked]) -> bool:
        """Whether a question counts what the computation starts from."""

    @abstractmethod
    def waits(self, request: Request[Spec, Asked]) -> bool:
        """Whether the analysis waits for the computation, so that no round can ask anything of it."""

    @abstractmethod
    def questions(
        self, request: Request[Spec, Asked], pooled: Summary
    ) -> Mapping[str, BlindQuestion]:
        """What is asked of the computation, from the counts of all sites. Run by both sides.

        Raises `ContradictionError` if the counts contradict themselves.
        """

    @abstractmethod
    def rounded_questions(
        self, request: Request[Spec, Asked], facts: Facts, counts: ModelCounts
    ) -> Mapping[str, RoundedQuestion]:
        """What is asked of the computation where the plan releases rounded numbers. Run by both sides."""

    @abstractmethod
    def cohort(self, patients: Patients, request: Request[Spec, Asked]) -> BlindCohort:
        """One site's rows of the model. Run by a site."""


class Estimator(Rounded[Spec, Result], Generic[Spec, Asked, Result]):
    """One kind of analysis, both halves. What a kind need not say has the answer of a simple one.

    Attributes
    ----------
    kind
        Its name in a plan.
    spec
        The model of its entry in a plan.
    state
        The model of what travels to the sites.
    result
        The dataclass of its results, which another kind may have too.
    discloses
        For the person who approves the plan: what the opened sums show.
    """

    kind: ClassVar[str]
    spec: type[Spec]
    state: type[Asked]
    result: type[Result]
    discloses: ClassVar[Disclosed]

    @abstractmethod
    def first(self, spec: Spec, study: Study) -> Request[Spec, Asked]:
        """The first question. Run by the centre."""

    @abstractmethod
    def shapes(self, request: Request[Spec, Asked]) -> Mapping[str, Shape]:
        """Names, rings and shapes of the summary's arrays, in order; a function of the request alone. Run by both sides.

        Raises `ProtocolRefusal` where the request is not one that this estimator asks.
        """

    @abstractmethod
    def summarise(self, patients: Patients, request: Request[Spec, Asked]) -> Summary:
        """Answer the question for one site's patients. Run by a site."""

    @abstractmethod
    def next(
        self, request: Request[Spec, Asked], pooled: Summary
    ) -> Request[Spec, Asked] | Result | WithheldAnalysis:
        """Another question, or the result. Run by the centre on the sum over all sites, through `withholding.stepped`.

        Raises `EstimationError` where there is no result: the analysis is then withheld with that sentence, which holds no patient value.
        """

    def problems(self, spec: Spec, study: Study) -> Iterator[str]:
        """What the kind itself cannot do with this plan and codebook, in words; the names that it uses are known to exist."""
        del spec, study
        return iter(())

    def uses(self, spec: Spec) -> Uses:
        """The variables that an analysis uses."""
        del spec
        return Uses()

    def opened_by(self, spec: Spec, study: Study) -> tuple[str, ...]:
        """Categories for whose levels pooled numbers are opened one by one."""
        del study
        return self.uses(spec).all_categories

    def also_asks(self, spec: Spec) -> tuple[str, ...]:
        """Tests, and kinds of analysis within this one, that a site allows by names of their own."""
        del spec
        return ()

    def is_blind(self, spec: Spec, sites: Sequence[Site]) -> bool:
        """Whether risk sets combine patients of several sites, so that their sums must stay hidden. `sites` is empty if unknown."""
        del spec, sites
        return False

    def question(self, travelled: object) -> Asked:
        """A question as it travelled. Raises `pydantic.ValidationError` if the kind asks no such thing."""
        return self.state.model_validate(travelled)

    def parts(self, request: Request[Spec, Asked]) -> Mapping[str, AnyRequest]:
        """The requests of the analyses that this one is made of, by name; itself without a name if it is one. Run by both sides."""
        return {"": request}

    def with_parts(
        self, request: Request[Spec, Asked], parts: Mapping[str, AnyRequest]
    ) -> Request[Spec, Asked]:
        """The same request, asking these of its parts only. Run by the centre."""
        (only,) = parts.values()
        return only if parts.keys() == {""} else request

    def followed(self, patients: Patients, request: Request[Spec, Asked]) -> Patients:
        """The patients that the parts of an analysis are about: for a landmark analysis, those still followed at the landmark.

        Run by a site.
        """
        del request
        return patients

    def counted(self, request: Request[Spec, Asked]) -> Mapping[str, Hashable]:
        """By part: what its counts depend on, equal for parts that count the same patients in the same way. Run by the centre."""
        del request
        return {}

    def beside_counts(self, request: Request[Spec, Asked]) -> Request[Spec, Asked] | None:
        """The rest of the question, without the counts that another analysis already asks for; None if nothing is left."""
        return request

    def rests_on(self, spec: Spec, study: Study) -> tuple[str, ...]:
        """Names of sums on which later questions of the analysis rest: a site takes them from an opening that it checked."""
        del spec, study
        return ()

    def require_grounds(self, request: Request[Spec, Asked]) -> None:
        """Raise `ProtocolRefusal` unless what is asked follows from sums that this site checked. Run by a site, before its records.

        So the length of a grid, the scale of a column and the number of sites are what all sites counted, and a centre cannot try
        out others to see which of them this site's patients answer.
        """
        del request

    def asked_at_most(self, spec: Spec, study: Study) -> Mapping[str, int]:
        """How often each array may be asked in a run; an array that is not named is asked once."""
        del spec, study
        return {}

    def needs_events(self, request: Request[Spec, Asked]) -> int | None:
        """How many coefficients the model has, if a site must first see that there are enough events for them; else None.

        The site takes the number of events from `EVENTS`, which the kind then rests on.
        """
        del request
        return None

    def contradictions(self, request: Request[Spec, Asked], pooled: Summary) -> Iterator[str]:
        """Where the pooled counts of a round contradict one another, in words. Run by the centre."""
        del request, pooled
        return iter(())

    def everyone(self, request: Request[Spec, Asked], pooled: Summary) -> int | None:
        """Patients of the analysis's population, complete or not; None if the round does not count them."""
        del request, pooled
        return None

    def blind(self) -> BlindHalf[Spec, Asked] | None:
        """What a kind that is one model knows of its computation on shares; None of all others."""
        return None

    def fitted(self, request: Request[Spec, Asked], fits: Fits) -> Result | WithheldAnalysis:
        """The result of an analysis that waits, from its fits on shares. Run by the centre, through `withholding.fitted`.

        Raises `EstimationError` as `next` does.
        """
        del fits
        raise ProtocolRefusal(f"Analysis {request.spec.id} has no model to compute on shares.")

    def analysed(self, patients: Patients, request: Request[Spec, Asked]) -> Analysed:
        """This site's complete cases. Run by a site."""
        return analysed(patients, request, self.uses(request.spec))
