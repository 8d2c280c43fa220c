"""Kinds of event of an endpoint: which of them an analysis names as its causes, and what the others count as."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.patients import MISSING, EndpointTimes, Integers, Patients
from riskset_common.study.study import Study


class OneCauseSpec(AnalysisSpec):
    """An analysis of one kind of event, the others being censorings, where it names a `cause`; of any event otherwise."""

    cause: str | None = None

    def cause_name(self) -> str | None:
        """The kind of event, if the plan names one."""
        return self.cause

    @property
    def causes(self) -> tuple[str, ...]:
        """The kind of event, if the plan names one."""
        return () if self.cause is None else (self.cause,)


def other_events(study: Study, endpoint: str, causes: Sequence[str]) -> list[str]:
    """Kinds of event of the endpoint that are not among the causes."""
    return [name for name in study.endpoint(endpoint).events if name not in causes]


def n_kinds(study: Study, endpoint: str, causes: Sequence[str]) -> int:
    """Kinds of event that are told apart: each cause, and all others together where there are any."""
    return len(causes) + bool(other_events(study, endpoint, causes))


def competing_times(
    patients: Patients, study: Study, endpoint: str, causes: Sequence[str]
) -> EndpointTimes:
    """Times of patients whose events are coded by the causes, 1, 2, ..., and any other event by the number after them."""
    return patients.endpoints[endpoint].recoded(_codes(study, endpoint, causes, len(causes) + 1))


def cause_specific_times(patients: Patients, study: Study, spec: OneCauseSpec) -> EndpointTimes:
    """Times of patients to the endpoint of an analysis; where it names a cause, an event of another kind censors.

    The hazard that is then estimated is the cause-specific one (Prentice et al 1978, Biometrics 34:541).
    """
    endpoint = spec.endpoint_name() or ""
    times = patients.endpoints[endpoint]
    if spec.cause is None:
        return times
    return times.recoded(_codes(study, endpoint, (spec.cause,), 0))


def _codes(study: Study, endpoint: str, causes: Sequence[str], other: int) -> Integers:
    """New codes of censored, of each kind of event, and of missing, shape (n_events + 2,)."""
    known = {name: code for code, name in enumerate(causes, start=1)}
    events = [known.get(name, other) for name in study.endpoint(endpoint).events]
    return np.array([0, *events, MISSING], dtype=np.int64)
