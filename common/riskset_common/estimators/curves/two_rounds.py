"""The two rounds that estimators of curves share: the first finds how long the time grid must be, the second counts on it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import Any

from riskset_common.estimators.curves.counts import (
    LENGTHS,
    AskCounts,
    grid_length,
    length_marks,
    length_shapes,
    require_length,
)
from riskset_common.estimators.estimator import (
    Estimator,
    Request,
    Shape,
    Summary,
    counts,
    one,
)
from riskset_common.estimators.rounded import Result, Spec
from riskset_common.study.codebook import BUILT_IN
from riskset_common.study.patients import EndpointTimes, Patients
from riskset_common.study.study import Study


class TwoRounds(Estimator[Spec, AskCounts, Result]):
    """An estimator from counts on the time grid. A kind says what is counted, what is summed besides, and what follows."""

    state = AskCounts

    def first(self, spec: Spec, study: Study) -> Request[Spec, AskCounts]:
        """Ask how long a grid is needed."""
        return Request(spec, study, AskCounts())

    def shapes(self, request: Request[Spec, AskCounts]) -> Mapping[str, Shape]:
        """First round: length of the time grid. Second round: counts per step, further sums, and patients left out."""
        spec, study, asked = request.spec, request.study, request.state
        if asked.n_steps is None:
            return length_shapes()
        counted = self._count_shapes(spec, study, asked.n_steps)
        return asked.unless_counted(
            {**counted, **self._shapes_beside(spec, study), "missing": counts()}
        )

    def summarise(self, patients: Patients, request: Request[Spec, AskCounts]) -> Summary:
        """Count this site's patients, and compute the further sums."""
        spec, study, asked = request.spec, request.study, request.state
        cohort = self.analysed(patients, request)
        times = self._times(cohort.patients, spec, study)
        if asked.n_steps is None:
            return length_marks(times)
        beside = self._beside(cohort.patients, times, spec, study)
        if asked.counted:
            return beside
        counted = self._count(cohort.patients, times, spec, study, asked.n_steps)
        return {**counted, **beside, "missing": one(cohort.missing)}

    def next(
        self, request: Request[Spec, AskCounts], pooled: Summary
    ) -> Request[Spec, AskCounts] | Result:
        """Ask for the counts on a grid that is long enough, then estimate."""
        spec, study = request.spec, request.study
        if request.state.n_steps is None:
            n_steps = grid_length(pooled, self._rows(spec, study))
            return replace(request, state=AskCounts(n_steps=n_steps))
        return self._result(spec, study, pooled)

    def rests_on(self, spec: Spec, study: Study) -> tuple[str, ...]:
        """The lengths that the sites counted, from which the grid follows."""
        del spec, study
        return (LENGTHS,)

    def require_grounds(self, request: Request[Spec, AskCounts]) -> None:
        """The grid is as long as the lengths of all sites give."""
        if request.state.n_steps is not None:
            require_length(request, request.state.n_steps, self._rows(request.spec, request.study))

    def counted(self, request: Request[Spec, AskCounts]) -> Mapping[str, Hashable]:
        """What the counts depend on: patients, grid, and what is counted of them."""
        spec, uses = request.spec, self.uses(request.spec)
        # Whatever a plan says of sites is known of everybody.
        complete = frozenset((*uses.categories, *uses.numbers)) - set(BUILT_IN)
        where = tuple((name, tuple(levels)) for name, levels in sorted(spec.where.items()))
        patients = spec.endpoint_name(), spec.population, where, complete
        return {"": (*patients, request.state.n_steps, self._what(spec, request.study))}

    def beside_counts(self, request: Request[Spec, AskCounts]) -> Request[Spec, AskCounts] | None:
        """The sums of a test, or the person-time, where the plan asks for them."""
        if request.state.n_steps is None:
            return None
        rest = replace(request, state=request.state.model_copy(update={"counted": True}))
        return rest if self.shapes(rest) else None

    def everyone(self, request: Request[Spec, AskCounts], pooled: Summary) -> int | None:
        """Patients by the end of their follow-up, and those left out, once they are counted."""
        if request.state.n_steps is None:
            return None
        with_times = int(pooled["events"].sum()) + int(pooled["censored"].sum())
        return int(pooled["missing"]) + with_times

    @abstractmethod
    def _what(self, spec: Spec, study: Study) -> Hashable:
        """What is counted of the endpoint, and by which groups."""

    @abstractmethod
    def _rows(self, spec: Spec, study: Study) -> int:
        """For how many groups and kinds of event there is a count at each step."""

    @abstractmethod
    def _times(self, patients: Patients, spec: Spec, study: Study) -> EndpointTimes:
        """The times that are counted."""

    @abstractmethod
    def _count_shapes(self, spec: Spec, study: Study, n_steps: int) -> Mapping[str, Shape]:
        """The arrays of counts."""

    @abstractmethod
    def _count(
        self, patients: Patients, times: EndpointTimes, spec: Spec, study: Study, n_steps: int
    ) -> Summary:
        """The site's counts."""

    def _shapes_beside(self, spec: Spec, study: Study) -> Mapping[str, Shape]:
        """The arrays of the further sums, beside the counts."""
        del spec, study
        return {}

    def _beside(
        self, patients: Patients, times: EndpointTimes, spec: Spec, study: Study
    ) -> dict[str, Any]:
        """What the site computes beside its counts."""
        del patients, times, spec, study
        return {}

    @abstractmethod
    def _result(self, spec: Spec, study: Study, pooled: Summary) -> Result:
        """The estimates."""
