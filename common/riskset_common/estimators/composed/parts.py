"""An analysis made of others: curves and models that advance side by side and are answered together.

Each part is a whole analysis of its own with its own question; the arrays of a part bear its name in front. Rounds are those of
the longest part.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self, TypeVar

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.curves.counts import AskCounts
from riskset_common.estimators.curves.kaplan_meier import KaplanMeier, KaplanMeierSpec
from riskset_common.estimators.disclosed import GRID_LENGTH, LIKELIHOOD, ON_SHARES, SPREADS, shows
from riskset_common.estimators.estimator import (
    AnyRequest,
    Estimator,
    Request,
    Shape,
    State,
    Summary,
    arrays_of_part,
)
from riskset_common.estimators.on_shares import Fits
from riskset_common.estimators.regression.cox import Cox
from riskset_common.estimators.regression.questions.reading import CoxQuestion
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.estimators.rounded import Result, Spec
from riskset_common.estimators.withholding import fitted, stepped
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study

PartSpec = KaplanMeierSpec | CoxSpec


def _named(arrays: str) -> tuple[str, ...]:
    return tuple(f"model.{array}" for array in arrays.split())


OF_MODEL_PART: Final = (
    shows("patients and events of the model in total", *_named("n events")),
    shows("patients and events by level of each factor", *_named("by_level")),
    shows("patients left out of the model", *_named("missing")),
)
"""What is shown of every part that is a model."""

OF_MODEL_PART_WHEN: Final = {
    "the strata of a model hold site": (
        shows(SPREADS, *_named("exponents")),
        shows(
            LIKELIHOOD,
            *_named("log_likelihood score information"),
        ),
    ),
    "the strata of a model do not hold site": (
        shows("deaths at each step of the time grid by stratum", *_named("deaths")),
        shows(GRID_LENGTH, *_named("lengths")),
        shows(ON_SHARES),
    ),
}
"""What is shown of it besides."""


class AskParts(State):
    """The questions of all unfinished parts, by name: those of curves, and those of models."""

    curves: dict[str, AskCounts] = {}
    models: dict[str, CoxQuestion] = {}

    @classmethod
    def of(cls, requests: Mapping[str, AnyRequest], **more: Any) -> Self:
        """What travels of the requests of some parts, whose names begin with `curve.` or `model.`."""
        asked: dict[str, dict[str, State]] = {"curve": {}, "model": {}}
        for name, request in requests.items():
            sort, _, part = name.partition(".")
            asked[sort][part] = request.state
        return cls.model_validate({"curves": asked["curve"], "models": asked["model"], **more})

    def by_part(self) -> dict[str, State]:
        """The question of each part by its full name."""
        curves: dict[str, State] = {f"curve.{name}": asked for name, asked in self.curves.items()}
        return curves | {f"model.{name}": asked for name, asked in self.models.items()}


@dataclass(frozen=True)
class PartsMemory:
    """What the centre keeps between two rounds: each unfinished part's own memory, and the results of the finished ones."""

    of_parts: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)


OF_PARTS: Final[Mapping[str, Estimator[Any, Any, Any]]] = {
    each.kind: each for each in (KaplanMeier(), Cox())
}


def estimator_of_part(spec: AnalysisSpec) -> Estimator[Any, Any, Any]:
    """What computes a part."""
    return OF_PARTS[spec.kind]


def own_part(spec: PartSpec, name: str, **keys: Any) -> PartSpec:
    """A part under a name that no analysis of a plan can have, so that what a site keeps for it is its own; `keys` are those it changes."""
    return spec.model_copy(update={"id": f"{spec.id}/{name}", **keys})


def first_requests(specs: Mapping[str, PartSpec], study: Study) -> dict[str, AnyRequest]:
    """The first question of every part."""
    return {name: estimator_of_part(spec).first(spec, study) for name, spec in specs.items()}


def names_rested_on(specs: Mapping[str, PartSpec], study: Study) -> tuple[str, ...]:
    """The sums on which later questions of the parts rest, each behind the name of its part."""
    return tuple(
        f"{part}.{name}"
        for part, spec in specs.items()
        for name in estimator_of_part(spec).rests_on(spec, study)
    )


def requests_of(
    specs: Mapping[str, PartSpec],
    study: Study,
    asked: AskParts,
    memory: PartsMemory | None,
    verified: Summary | None,
) -> dict[str, AnyRequest]:
    """The requests of the parts that are asked; `verified` is what a site checked, its names as in `names_rested_on`.

    Raises
    ------
    ProtocolRefusal
        Where a question is about a part that the analysis does not have.
    """
    questions = asked.by_part()
    unknown = sorted(set(questions) - set(specs))
    if unknown:
        raise ProtocolRefusal(
            f"The round asks about {unknown[0][:64]!r}, which is no part of the analysis. The centre must run this release."
        )
    kept = PartsMemory() if memory is None else memory
    # In the plan's order: a question that has travelled is sorted by name.
    return {
        name: Request(
            spec,
            study,
            questions[name],
            kept.of_parts.get(name),
            arrays_of_part(verified or {}, name),
        )
        for name, spec in specs.items()
        if name in questions
    }


def part_shapes(requests: Mapping[str, AnyRequest]) -> dict[str, Shape]:
    """Names, rings and shapes of all arrays, each behind the name of its part."""
    return {
        f"{part}.{name}": shape
        for part, request in requests.items()
        for name, shape in estimator_of_part(request.spec).shapes(request).items()
    }


def part_summaries(patients: Patients, requests: Mapping[str, AnyRequest]) -> dict[str, Any]:
    """One site's answers to all parts."""
    return {
        f"{part}.{name}": values
        for part, request in requests.items()
        for name, values in estimator_of_part(request.spec).summarise(patients, request).items()
    }


def fitted_parts(
    requests: Mapping[str, AnyRequest], fits: Fits, memory: PartsMemory | None
) -> PartsMemory:
    """The memory with the results of the parts that waited to be computed on shares; of a part that has no fit, why."""
    results = dict((PartsMemory() if memory is None else memory).results)
    for part, request in requests.items():
        results[part] = fitted(estimator_of_part(request.spec), request, {"": fits[part]})
    return PartsMemory(results=results)


def advance_parts(
    requests: Mapping[str, AnyRequest], pooled: Mapping[str, Any], memory: PartsMemory | None
) -> tuple[dict[str, AnyRequest], PartsMemory]:
    """The next question of every part that needs one, and the memory with the results of those that do not, or why they have none."""
    following: dict[str, AnyRequest] = {}
    results = dict((PartsMemory() if memory is None else memory).results)
    for part, request in requests.items():
        own = arrays_of_part(pooled, part)
        reached = stepped(estimator_of_part(request.spec), request, own)
        if isinstance(reached, Request):
            following[part] = reached
        else:
            results[part] = reached
    kept = {name: request.memory for name, request in following.items()}
    return following, PartsMemory(kept, results)


AskedParts = TypeVar("AskedParts", bound=AskParts)


class Composed(Estimator[Spec, AskedParts, Result]):
    """An estimator made of parts."""

    def require_grounds(self, request: Request[Spec, AskedParts]) -> None:
        """Those of every part that is asked."""
        for part in self.parts(request).values():
            estimator_of_part(part.spec).require_grounds(part)

    def with_parts(
        self, request: Request[Spec, AskedParts], parts: Mapping[str, AnyRequest]
    ) -> Request[Spec, AskedParts]:
        """The same request, asking these of its parts only."""
        rest = request.state.model_dump(exclude=set(AskParts.model_fields))
        return replace(request, state=type(request.state).of(parts, **rest))


def counted_by_parts(requests: Mapping[str, AnyRequest]) -> dict[str, Hashable]:
    """What the counts of each part depend on, if it has any."""
    return {
        part: counts
        for part, request in requests.items()
        for counts in estimator_of_part(request.spec).counted(request).values()
    }
