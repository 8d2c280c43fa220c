"""An analysis that cannot be carried out is withheld with a sentence, and the others of its plan go on.

What ends a run is a matter of trust: sums that contradict themselves (`ContradictionError`), messages, signatures, a site's policy.
What one analysis cannot be asked or told is a matter of that analysis: its mark and its sentence stand in results.json in its place.
"""

from __future__ import annotations

import dataclasses

from riskset_common.errors import ContradictionError, EstimationError
from riskset_common.estimators.estimator import (
    EVENTS,
    Asked,
    Estimator,
    Request,
    Summary,
)
from riskset_common.estimators.on_shares import Fits
from riskset_common.estimators.rounded import Result, Spec
from riskset_common.release.models import ModelsWait
from riskset_common.results.shown import NO_RESULT, WHEN_ASKED, Withheld, WithheldAnalysis
from riskset_common.study.study import Study


def stepped(
    estimator: Estimator[Spec, Asked, Result], request: Request[Spec, Asked], pooled: Summary
) -> Request[Spec, Asked] | Result | WithheldAnalysis:
    """One step of an analysis, or of a part of one: what it asks next, its result, or why it has none. Run by the centre.

    Raises
    ------
    ContradictionError
        Where the pooled counts cannot all be true.
    """
    try:
        reached = estimator.next(request, pooled)
    except ContradictionError:
        raise
    except EstimationError as error:
        return without_result(estimator, NO_RESULT, str(error))
    if isinstance(reached, Request) and EVENTS in pooled:
        return _unless_too_few(estimator, reached, int(pooled[EVENTS]))
    return reached


def fitted(
    estimator: Estimator[Spec, Asked, Result], request: Request[Spec, Asked], fits: Fits
) -> Result | WithheldAnalysis:
    """The result of an analysis, or of a part of one, that waited for its fits on shares, or why it has none. Run by the centre."""
    try:
        return estimator.fitted(request, fits)
    except EstimationError as error:
        return without_result(estimator, NO_RESULT, str(error))


def fitted_rounded(
    estimator: Estimator[Spec, Asked, Result],
    spec: Spec,
    study: Study,
    waits: ModelsWait,
    fits: Fits,
) -> Result | WithheldAnalysis:
    """The released result of an analysis whose models waited, or why it has none. Run by the centre."""
    try:
        return estimator.fitted_rounded(spec, study, waits, fits)
    except EstimationError as error:
        return without_result(estimator, NO_RESULT, str(error))


def without_result(
    estimator: Estimator[Spec, Asked, Result], rule: str, why: str
) -> WithheldAnalysis:
    """An analysis of which there is no result: each field that results of its kind always have bears the rule, a sentence says why."""
    mark, of = Withheld(rule), _dataclass_of(estimator)
    named = (field.name for field in dataclasses.fields(of) if field.metadata != WHEN_ASKED)
    names = (name for name in named if name not in ("kind", "warnings"))
    return WithheldAnalysis(estimator.kind, dict.fromkeys(names, mark), (why,))


def passed_on(
    estimator: Estimator[Spec, Asked, Result], part: WithheldAnalysis
) -> WithheldAnalysis:
    """An analysis that has no result because its one part has none."""
    mark = next(iter(part.fields.values()))
    return without_result(estimator, mark.rule, " ".join(part.warnings))


def _unless_too_few(
    estimator: Estimator[Spec, Asked, Result], asking: Request[Spec, Asked], events: int
) -> Request[Spec, Asked] | WithheldAnalysis:
    """The next question of a model, unless its coefficients have fewer events than the plan, and so each site, wants for them."""
    coefficients = estimator.needs_events(asking)
    least = asking.study.plan.disclosure.minimum_events_per_term
    if coefficients is None or events >= least * coefficients:
        return asking
    few = f"fewer than {least} events for each of" if least > 1 else "fewer events than"
    return without_result(
        estimator,
        f"minimum_events_per_term {least}",
        f"Not asked: {few} the model's coefficients, of which there are {coefficients}. Ask for fewer terms.",
    )


def _dataclass_of(estimator: Estimator[Spec, Asked, Result]) -> type:
    return estimator.result
