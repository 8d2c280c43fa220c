"""An analysis made of others under a release of rounded numbers: the programs of its parts side by side, and its models once fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from riskset_common.estimators.composed.parts import PartSpec, estimator_of_part
from riskset_common.estimators.on_shares import Fits
from riskset_common.estimators.withholding import fitted_rounded
from riskset_common.release.counted import Counted
from riskset_common.release.curves.plan_times import Wanted
from riskset_common.release.facts import Facts
from riskset_common.release.given import Given
from riskset_common.release.models import ModelsWait
from riskset_common.release.program import Opened, Program, together
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.study.study import Study


def parts_not_rounded(specs: Mapping[str, PartSpec], study: Study) -> Iterator[str]:
    """What of the parts cannot be computed on shares, each said once."""
    yield from dict.fromkeys(
        problem
        for spec in specs.values()
        for problem in estimator_of_part(spec).not_rounded(spec, study)
    )


def parts_uploads(specs: Mapping[str, PartSpec], study: Study, facts: Facts) -> tuple[Counted, ...]:
    """What the sites count for the parts, each once."""
    return tuple(
        dict.fromkeys(
            counted
            for spec in specs.values()
            for counted in estimator_of_part(spec).uploads(spec, study, facts)
        )
    )


def parts_curves(specs: Mapping[str, PartSpec], study: Study, facts: Facts) -> tuple[Wanted, ...]:
    """The curves of the parts."""
    return tuple(
        each
        for spec in specs.values()
        for each in estimator_of_part(spec).curves(spec, study, facts)
    )


def parts_program(specs: Mapping[str, PartSpec], given: Given) -> Program[ModelsWait]:
    """The parts side by side: the results of those that have one, and the models that wait for their fits."""
    found: Mapping[str, ReleasedResult | ModelsWait] = yield from together(
        {name: estimator_of_part(spec).program(spec, given) for name, spec in specs.items()}
    )
    return ModelsWait(
        {name: each.models[""] for name, each in found.items() if isinstance(each, ModelsWait)},
        {name: each for name, each in found.items() if not isinstance(each, ModelsWait)},
    )


def parts_fitted(
    specs: Mapping[str, PartSpec], study: Study, waits: ModelsWait, fits: Fits
) -> dict[str, ReleasedResult]:
    """The results of all parts, when the models that waited were computed; of one that has no fit, why."""
    of_models = {
        name: fitted_rounded(
            estimator_of_part(specs[name]),
            specs[name],
            study,
            ModelsWait({"": counts}, {}),
            {"": fits[name]},
        )
        for name, counts in waits.models.items()
    }
    return {**waits.parts, **of_models}


def parts_implied(
    specs: Mapping[str, PartSpec], given: Given, results: Mapping[str, ReleasedResult]
) -> dict[str, Opened]:
    """What the parts must have opened, from what was released of each."""
    return {
        f"{name}: {ask}": opened
        for name, spec in specs.items()
        if spec.kind == "cox" or not isinstance(results[name], WithheldAnalysis)
        for ask, opened in estimator_of_part(spec).implied(spec, given, results[name]).items()
    }
