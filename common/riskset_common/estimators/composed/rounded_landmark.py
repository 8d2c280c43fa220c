"""A landmark analysis under a release of rounded numbers: two variables more, with which it is an analysis like any other.

Who is followed beyond the landmark, and who had been exposed by then, are categories that each site works out for its patients. Their names
hold that of the analysis, so that two landmarks of one exposure are not taken for one; results name the exposure as exact ones do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar, cast

import numpy as np

from riskset_common.estimators.cohort.exposure import LABELS
from riskset_common.estimators.composed.landmark_cohort import at_landmark, exposed_name
from riskset_common.estimators.composed.parts import PartSpec
from riskset_common.estimators.curves.kaplan_meier import KaplanMeierSpec
from riskset_common.release.cells import Cell, patients_cell
from riskset_common.release.followed import cohort_of
from riskset_common.study.analysis import EndpointSpec
from riskset_common.study.codebook import CategoryVariable
from riskset_common.study.exposure import Exposure
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study

Named = TypeVar("Named")

FOLLOWED, ENDED = "followed", "ended"


def exposure_of(spec: EndpointSpec, exposure: str) -> str:
    """The category that an exposure becomes at the landmark of this analysis."""
    return f"{exposed_name(exposure)}@{spec.id}"


def follow_up_of(spec: EndpointSpec) -> str:
    """The category that says who is followed beyond the landmark of this analysis."""
    return f"follow_up@{spec.id}"


def with_columns(study: Study, spec: EndpointSpec, exposure: str, at: float) -> Study:
    """The study with the two categories of an analysis."""
    codebook, unit = study.codebook, study.plan.time.unit
    label = codebook.variables[exposure].label
    added = {
        exposure_of(spec, exposure): CategoryVariable(
            kind="category", label=f"{label}, by {at:g} {unit}", levels=dict(LABELS)
        ),
        follow_up_of(spec): CategoryVariable(
            kind="category",
            label=f"Follow-up at {at:g} {unit}",
            levels={FOLLOWED: "Followed beyond it", ENDED: "Ended by then"},
        ),
    }
    variables = {**codebook.variables, **added}
    return replace(study, codebook=codebook.model_copy(update={"variables": variables}))


def with_values(
    patients: Patients, study: Study, spec: EndpointSpec, exposure: Exposure, at: float
) -> Patients:
    """A site's patients with the two categories. Whose endpoint is not known counts as followed, and then as missing."""
    exposed, ended = at_landmark(patients, study, spec.endpoint, exposure, at)
    added = {
        exposure_of(spec, exposure.variable): exposed,
        follow_up_of(spec): np.where(ended, 1, 0),
    }
    return replace(patients, categories={**patients.categories, **added}, _kept={})


def inner_rounded(spec: EndpointSpec, inner: PartSpec, exposure: str) -> PartSpec:
    """The analysis of the patients at the landmark, in terms of the two categories."""
    exposed, own = exposed_name(exposure), exposure_of(spec, exposure)
    where = {**inner.where, follow_up_of(spec): [FOLLOWED]}
    if isinstance(inner, KaplanMeierSpec):
        by = tuple(own if name == exposed else name for name in inner.by)
        return inner.model_copy(update={"where": where, "by": by})
    terms = tuple(
        term.model_copy(update={"factor": own}) if term.factor == exposed else term
        for term in inner.terms
    )
    pairs = tuple(
        (own if first == exposed else first, own if second == exposed else second)
        for first, second in inner.interaction
    )
    return inner.model_copy(update={"where": where, "terms": terms, "interaction": pairs})


def ended_cell(study: Study, spec: EndpointSpec) -> Cell:
    """The patients whose follow-up does not span the landmark."""
    cohort = cohort_of(spec)
    beyond = (*cohort.where, (follow_up_of(spec), (ENDED,)))
    return patients_cell(study, replace(cohort, where=tuple(sorted(beyond))))


def renamed(value: Named, old: str, new: str) -> Named:
    """A result with another name of one variable, wherever it stands: as a name, or as the key of a level."""
    found: object = value
    if isinstance(value, str):
        found = new if value == old else value
    elif isinstance(value, tuple):
        found = tuple(renamed(each, old, new) for each in value)
    elif isinstance(value, Mapping):
        found = {renamed(key, old, new): renamed(each, old, new) for key, each in value.items()}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = replace(
            value,
            **{
                field.name: renamed(getattr(value, field.name), old, new)
                for field in dataclasses.fields(value)
            },
        )
    return cast("Named", found)
