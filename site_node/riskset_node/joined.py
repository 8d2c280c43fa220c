"""A session that this site takes part in: the study, its records and patients for it, and where the protocol stands."""

from __future__ import annotations

from dataclasses import dataclass

from riskset_common.patients import Patients
from riskset_common.secure.session import SiteSession
from riskset_common.study import Study
from riskset_node.records import SiteRecords


@dataclass(frozen=True)
class Joined:
    """One session that this site takes part in."""

    study: Study
    records: SiteRecords
    patients: Patients
    session: SiteSession
