"""An analysis made of others: curves and models that advance side by side and are answered together.

Each part is a whole analysis of its own with its own question; the arrays of a part bear its name in front. Rounds are those of
the longest part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.curves.counts import AskCounts
from riskset_common.estimators.curves.kaplan_meier import KaplanMeier, KaplanMeierSpec
from riskset_common.estimators.estimator import Estimator, Request, Shape, State, Summary
from riskset_common.estimators.regression.blind import Fits, blind_result
from riskset_common.estimators.regression.cox import AskCox, Cox
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study

PartSpec = KaplanMeierSpec | CoxSpec
PartRequest = Request[Any, Any]


class AskParts(State):
    """The questions of all unfinished parts, by name: those of curves, and those of models."""

    curves: dict[str, AskCounts] = {}
    models: dict[str, AskCox] = {}

    @classmethod
    def of(cls, requests: Mapping[str, PartRequest], **more: Any) -> Self:
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


def estimator_of_part(spec: AnalysisSpec) -> Estimator[Any, Any, Any]:
    """What computes a part."""
    return Cox() if isinstance(spec, CoxSpec) else KaplanMeier()


def own_part(spec: PartSpec, name: str, **keys: Any) -> PartSpec:
    """A part under a name that no analysis of a plan can have, so that what a site keeps for it is its own; `keys` are those it changes."""
    return spec.model_copy(update={"id": f"{spec.id}/{name}", **keys})


def first_requests(specs: Mapping[str, PartSpec], study: Study) -> dict[str, PartRequest]:
    """The first question of every part."""
    return {name: estimator_of_part(spec).first(spec, study) for name, spec in specs.items()}


def names_rested_on(specs: Mapping[str, PartSpec], study: Study) -> tuple[str, ...]:
    """The sums on which later questions of the parts rest, each behind the name of its part."""
    return tuple(f"{part}.{name}" for part, spec in specs.items() for name in spec.rests_on(study))


def requests_of(
    specs: Mapping[str, PartSpec],
    study: Study,
    asked: AskParts,
    memory: PartsMemory | None,
    verified: Summary | None,
) -> dict[str, PartRequest]:
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
            spec, study, questions[name], kept.of_parts.get(name), of_part(verified or {}, name)
        )
        for name, spec in specs.items()
        if name in questions
    }


def of_part(summary: Summary, part: str) -> Summary:
    """The arrays of one part, under their own names; all where the part is the analysis itself and has no name."""
    prefix = f"{part}." if part else ""
    return {
        name.removeprefix(prefix): values
        for name, values in summary.items()
        if name.startswith(prefix)
    }


def part_shapes(requests: Mapping[str, PartRequest]) -> dict[str, Shape]:
    """Names, rings and shapes of all arrays, each behind the name of its part."""
    return {
        f"{part}.{name}": shape
        for part, request in requests.items()
        for name, shape in estimator_of_part(request.spec).shapes(request).items()
    }


def part_summaries(patients: Patients, requests: Mapping[str, PartRequest]) -> dict[str, Any]:
    """One site's answers to all parts."""
    return {
        f"{part}.{name}": values
        for part, request in requests.items()
        for name, values in estimator_of_part(request.spec).summarise(patients, request).items()
    }


def fitted_parts(
    requests: Mapping[str, PartRequest], fits: Fits, memory: PartsMemory | None
) -> PartsMemory:
    """The memory with the results of the parts that waited to be computed on shares."""
    results = dict((PartsMemory() if memory is None else memory).results)
    for part, request in requests.items():
        results[part] = blind_result(request, fits[part])
    return PartsMemory(results=results)


def advance_parts(
    requests: Mapping[str, PartRequest], pooled: Mapping[str, Any], memory: PartsMemory | None
) -> tuple[dict[str, PartRequest], PartsMemory]:
    """The next question of every part that needs one, and the memory with the results of those that do not."""
    following: dict[str, PartRequest] = {}
    results = dict((PartsMemory() if memory is None else memory).results)
    for part, request in requests.items():
        reached = estimator_of_part(request.spec).next(request, of_part(pooled, part))
        if isinstance(reached, Request):
            following[part] = reached
        else:
            results[part] = reached
    kept = {name: request.memory for name, request in following.items()}
    return following, PartsMemory(kept, results)
