"""One site's patients as a plan needs them: derived variables, who holds the record, and every endpoint that is analysed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from riskset_common.planning.check import days_asked
from riskset_common.study.patients import EndpointTimes, Patients, day_number
from riskset_common.study.study import Study
from riskset_node.config import NodeConfig
from riskset_node.records.deriving.cutoff import as_it_stood, cutoff_marks
from riskset_node.records.deriving.derived import derive_variables
from riskset_node.records.deriving.endpoints import derive
from riskset_node.records.deriving.first_events import NEVER
from riskset_node.records.deriving.known_days import known_days, uncounted_days
from riskset_node.records.findings import Finding, check_usable
from riskset_node.records.own_site import own_site
from riskset_node.records.site_records import SiteRecords


@dataclass(frozen=True)
class PreparedPatients:
    """Patients with all that a plan needs, and everything found wrong on the way, in the file and in the endpoints."""

    patients: Patients
    findings: tuple[Finding, ...]


def build_patients(records: SiteRecords, config: NodeConfig, study: Study) -> Patients:
    """Prepare the patients for a plan. Raises `DataError` with every finding that is an error."""
    prepared = prepare(records, config, study)
    check_usable(prepared.findings, config.site)
    return prepared.patients


def prepare(records: SiteRecords, config: NodeConfig, study: Study) -> PreparedPatients:
    """Add derived variables, `site`, `study_group` and endpoints, and mark what is wrong with them."""
    site = own_site(config, study.sites, "this run's list of sites")
    recorded = records.patients
    categories = dict(recorded.categories)
    for name, level in (("site", site.name), ("study_group", site.study_group)):
        categories[name] = np.full(recorded.n, study.levels(name).index(level), dtype=np.int64)
    cutoff = study.plan.censored_on
    stood = as_it_stood(recorded, cutoff, study.plan.last_contacts)
    until = NEVER if cutoff is None else day_number(cutoff)
    derived = derive_variables(stood, study.codebook, site.study_group, until)
    categories |= derived.codes | known_days(stood, sorted(days_asked(study)))
    patients = Patients(
        recorded.n,
        categories,
        recorded.numbers,
        recorded.dates,
        approximate=recorded.approximate,
    )
    marks = [*derived.marks, *cutoff_marks(patients, study), *uncounted_days(recorded, study)]
    endpoints: dict[str, EndpointTimes] = {}
    for name in _endpoints_analysed(study):
        built = derive(name, study, patients)
        endpoints[name] = built.times
        marks += built.marks
    findings = [mark.finding(records.local_ids, config.data.accept) for mark in marks]
    return PreparedPatients(
        Patients(
            recorded.n,
            categories,
            recorded.numbers,
            stood.dates,
            endpoints,
            recorded.approximate,
        ),
        # Endpoints that share dates mark the same rows; each finding is kept once.
        (*records.findings, *dict.fromkeys(findings)),
    )


def _endpoints_analysed(study: Study) -> tuple[str, ...]:
    names = (analysis.endpoint_name() for analysis in study.plan.analyses)
    return tuple(dict.fromkeys(name for name in names if name is not None))
