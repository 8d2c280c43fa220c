"""Problems of a Cox model in a plan: terms that do not fit, and options that are impossible if risk sets cross sites."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from riskset_common.estimators.cohort.exposure import exposure_problems
from riskset_common.estimators.regression.spec import FEWEST_CLUSTERS, CoxSpec
from riskset_common.estimators.regression.terms import term_problems
from riskset_common.study.analysis import twice
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.study import Study

NEEDS_SITES = {
    "robust": "each site's own score",
    "penalty": "each site's own sums over risk sets",
    "offset": "each site's own sums over risk sets",
}
"""Keys that go only with risk sets that lie within sites, and what they need."""


WIDEST_OFFSET: Final = 150.0
"""How far an offset may range: the inverse of exp(-150 - 510), with the largest coefficients that a site answers, is a number yet."""


def model_problems(spec: CoxSpec, study: Study) -> Iterator[str]:
    """Terms that do not fit, and what a model whose risk sets cross sites cannot be."""
    yield from twice("strata", spec.strata)
    yield from term_problems(spec.terms, spec.interaction, study)
    yield from _offset_problems(spec, study)
    yield from _penalty_problems(spec)
    if spec.crosses_sites(study.sites):
        yield from _blind_problems(spec, study)
    for each in spec.exposures:
        yield from exposure_problems(each.variable, spec.endpoint, study)
    yield from _robust_problems(spec, study)
    yield from _interaction_problems(spec)
    yield from _hazard_problems(spec, study)


def _penalty_problems(spec: CoxSpec) -> Iterator[str]:
    if spec.penalty is None:
        return
    for key in ("robust", "interaction_test", "ph_test"):
        if getattr(spec, key) is not None:
            yield f"{key} is not defined under a penalty. Leave {key} or penalty: firth out."
    if spec.convergence == "r":
        yield "convergence: r is the rule of R's coxph, which has no penalty. Leave it or penalty: firth out."


def _offset_problems(spec: CoxSpec, study: Study) -> Iterator[str]:
    if spec.offset is None:
        return
    if spec.offset in (term.number for term in spec.terms):
        yield f"offset {spec.offset} is a term as well. Its coefficient is either 1 or estimated: leave one of them out."
    variable = study.codebook.variables.get(spec.offset)
    if not isinstance(variable, NumberVariable):
        return
    if variable.range is None:
        yield f"offset {spec.offset} has no range in the codebook, which bounds its weight. Write range: [lowest, highest] there."
    elif variable.range[1] - variable.range[0] > WIDEST_OFFSET:
        yield (
            f"offset {spec.offset} ranges over {variable.range[1] - variable.range[0]:g} in the codebook; hazards would differ by a factor "
            f"of e^{variable.range[1] - variable.range[0]:g}, and at most e^{WIDEST_OFFSET:g} can be added up. Give a narrower range, or "
            "another unit."
        )


def _interaction_problems(spec: CoxSpec) -> Iterator[str]:
    if spec.interaction_test is not None and not spec.interaction:
        yield "interaction_test compares the model with one without interactions, but `interaction` is missing."


def _hazard_problems(spec: CoxSpec, study: Study) -> Iterator[str]:
    if spec.baseline_hazard is None:
        return
    if not spec.crosses_sites(study.sites):
        yield (
            "baseline_hazard is one hazard over all sites, but the strata hold site: each site has a hazard of its own. Leave "
            "baseline_hazard out, or site out of the strata."
        )
    yield from spec.baseline_hazard.problems(spec.numbers, study)


def _robust_problems(spec: CoxSpec, study: Study) -> Iterator[str]:
    n = len(study.sites)
    if spec.robust == "site" and 0 < n < FEWEST_CLUSTERS:
        yield (
            f"robust: site takes each site for one observation, and {n} are too few: at least {FEWEST_CLUSTERS} must take part. "
            "From fewer, a site's score could nearly be read back. Leave robust out."
        )


def _blind_problems(spec: CoxSpec, study: Study) -> Iterator[str]:
    for name in spec.numbers:
        variable = study.codebook.variables[name]
        if isinstance(variable, NumberVariable) and variable.range is None:
            yield (
                f"number {name} has no range in the codebook. A model whose strata do not hold site is computed on hidden "
                "numbers, whose size must be bounded in public. State its lowest and highest believable value there "
                "(range: [0, 110]), or write strata: [site]."
            )
    for key, needs in NEEDS_SITES.items():
        if getattr(spec, key) is not None:
            yield (
                f"{key}: {getattr(spec, key)} needs {needs}, which a model whose strata do not hold site has nowhere. "
                f"Leave {key} out, or write strata: [site]."
            )
