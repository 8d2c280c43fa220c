"""What an estimator is: a question the centre asks, a summary each site answers with, and what follows from the pooled sum.

An estimator never sees another party. The centre calls `first` and `next`, a site calls `summarise`; between the two, arrays of
counts and reals are added up under masks. The arrays' shapes depend on the request alone, never on the patients: that lets them
be masked, and keeps the number of event times or the presence of a level from showing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from riskset_common.errors import ProtocolRefusal
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study


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


def one(value: float) -> NDArray[Any]:
    """A single count (of an int) or real (of a float) as an array of shape ()."""
    return np.array(value, dtype=np.int64 if isinstance(value, (int, np.integer)) else np.float64)


Spec = TypeVar("Spec", bound=AnalysisSpec)
Asked = TypeVar("Asked", bound=State)
Result = TypeVar("Result", covariant=True)


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


class Estimator(Protocol[Spec, Asked, Result]):
    """One kind of analysis, both halves.

    Attributes
    ----------
    kind
        Its name in a plan.
    spec
        The model of its entry in a plan.
    state
        The model of what travels to the sites.
    discloses
        One sentence for the person who approves the plan: what the opened sums show.
    """

    @property
    def kind(self) -> str: ...
    @property
    def spec(self) -> type[Spec]: ...
    @property
    def state(self) -> type[Asked]: ...
    @property
    def discloses(self) -> str: ...

    def first(self, spec: Spec, study: Study) -> Request[Spec, Asked]:
        """The first question. Run by the centre."""
        ...

    def shapes(self, request: Request[Spec, Asked]) -> Mapping[str, Shape]:
        """Names, rings and shapes of the summary's arrays, in order; a function of the request alone. Run by both sides.

        Raises `ProtocolRefusal` where the request is not one that this estimator asks.
        """
        ...

    def summarise(self, patients: Patients, request: Request[Spec, Asked]) -> Summary:
        """Answer the question for one site's patients. Run by a site."""
        ...

    def next(self, request: Request[Spec, Asked], pooled: Summary) -> Request[Spec, Asked] | Result:
        """Another question, or the result. Run by the centre on the sum over all sites."""
        ...


@dataclass(frozen=True)
class Analysed:
    """The patients that an analysis uses, and how many of its population it had to leave out because a value is missing."""

    patients: Patients
    missing: int


def analysed(patients: Patients, request: Request[Any, Any]) -> Analysed:
    """Complete cases over the variables and the endpoint that the analysis uses, within its population."""
    spec: AnalysisSpec = request.spec

    def choose() -> Analysed:
        chosen = request.study.chosen(patients, spec.population, spec.where)
        complete = chosen & patients.complete(
            (*spec.categories(), *spec.numbers()), spec.endpoint_name()
        )
        return Analysed(
            patients.rows(complete), int(np.count_nonzero(chosen)) - int(np.count_nonzero(complete))
        )

    return patients.keep(("analysed", spec.id), choose)
