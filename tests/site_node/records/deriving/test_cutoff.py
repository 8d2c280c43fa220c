"""Records as they stood on a day: nothing later had happened, and nobody had been seen later."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.site_node.conftest import SiteFolder

from riskset_common.errors import PlanError
from riskset_common.planning.check import check_plan
from riskset_common.study.codebook import Derived
from riskset_common.study.patients import MISSING, NO_DATE, Patients, date_of
from riskset_common.study.plan import Endpoint
from riskset_common.study.study import Study
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.deriving.cutoff import as_it_stood
from riskset_node.records.deriving.endpoints import derive
from riskset_node.records.findings import Severity
from riskset_node.records.preparing import build_patients, prepare

CUTOFF = "data_cutoff: 2011-06-30\ncensor_at_cutoff: true\nconventions"
NODE = "source: {kind: csv, path: patients.csv}"

ROWS = """
    1,2011-01-01,2011-02-01,,,2012-01-01,male,5
    2,2011-01-01,,2011-06-30,2011-09-01,2011-09-01,female,6
    3,2011-01-01,,2011-07-01,,2011-08-01,female,6
    4,2011-01-01,,,2011-08-01,,female,6
    5,2011-07-01,,,,2012-01-01,male,6
    6,2011-01-01,,,,2011-03-01,male,6
    """
"""No., diagnosis, remission, relapse, death, last contact, sex and age."""


def test_later_events_did_not_happen_and_later_contacts_are_that_day(site: Any) -> None:
    plan = site.PLAN.replace("conventions", CUTOFF)
    prepared = prepare(site.records(ROWS), site.node(NODE), site.study(plan))
    times = prepared.patients.endpoints["EFS"]

    assert [180, 180, 180, 180, MISSING, 59] == times.time.tolist()
    assert [0, 2, 0, 0, MISSING, 0] == times.event.tolist()
    [finding] = prepared.findings
    assert (FindingKind.ORIGIN_AFTER_CUTOFF, Severity.WARNING, ("5",)) == (
        finding.kind,
        finding.severity,
        finding.local_ids,
    )


def test_what_is_derived_and_exposures_are_of_that_day(site: Any) -> None:
    words = site.codebook()
    seen = {"label": "S", "from": "seen", "since": "diagnosed", "cut": {"no": [None, 100], "yes": [100, None]}}  # fmt: skip
    first = {"label": "F", "first_of": {"relapse": {"date": "relapse"}}, "otherwise": "none"}
    derived = {"seen_100": Derived.model_validate(seen), "first": Derived.model_validate(first)}
    codebook = words.model_copy(update={"derived": {**words.derived, **derived}})
    study = site.study(site.PLAN.replace("conventions", CUTOFF))
    patients = build_patients(
        site.records(ROWS), site.node(NODE), replace(study, codebook=codebook)
    )

    assert [1, 1, 1, MISSING, MISSING, 0] == patients.categories["seen_100"].tolist()
    assert [1, 0, 1, 1, 1, 1] == patients.categories["first"].tolist()
    assert NO_DATE == patients.dates["relapse"][2]


def test_without_the_key_a_later_date_is_an_error_that_names_it(site: Any, only: Any) -> None:
    plan = site.PLAN.replace("conventions", "data_cutoff: 2011-12-31\nconventions")
    finding = only(prepare(site.records(ROWS), site.node(NODE), site.study(plan)).findings)

    assert Severity.ERROR == finding.severity
    assert "ask the centre for a plan with censor_at_cutoff: true" in finding.advice


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return SiteFolder(tmp_path_factory.mktemp("site")).study()


days = st.one_of(st.just(NO_DATE), st.integers(15000, 15020))


@given(
    rows=st.lists(st.tuples(st.integers(15000, 15020), days, days, days), min_size=1, max_size=20),
    cutoff=st.integers(14999, 15021),
)
def test_an_endpoint_is_that_of_records_that_a_site_cut_itself(
    uncut: Study, rows: list[tuple[int, ...]], cutoff: int
) -> None:
    censors = {"data_cutoff": date_of(cutoff), "censor_at_cutoff": True}
    study = replace(uncut, plan=uncut.plan.model_copy(update=censors))
    names = ("diagnosed", "relapse", "died", "seen")
    dates = dict(zip(names, np.array(rows, dtype=np.int64).T, strict=True))
    dates["remission"] = np.full(len(rows), NO_DATE)
    patients = Patients(len(rows), dates=dates)
    cut = as_it_stood(patients, date_of(cutoff), ("seen",))
    later = np.maximum(dates["relapse"], dates["died"]) > cutoff
    cut.dates["seen"][(dates["seen"] == NO_DATE) & later] = cutoff
    expected = derive("EFS", uncut, cut).times
    found = derive("EFS", study, patients).times

    assert expected.time.tolist() == found.time.tolist()
    assert expected.event.tolist() == found.event.tolist()
    assert (found.time <= cutoff - dates["diagnosed"])[found.known].all()


def test_a_ready_made_time_cannot_be_censored_at_a_cutoff(site: Any) -> None:
    study = site.study(site.PLAN.replace("conventions", CUTOFF))
    ready = Endpoint.model_validate(
        {"label": "R", "time": {"variable": "age"}, "status": {"variable": "sex", "events": {"m": ["male"]}}}
    )  # fmt: skip
    plan = study.plan.model_copy(update={"endpoints": {**study.plan.endpoints, "R": ready}})

    with pytest.raises(
        PlanError, match=r"endpoints.R: censor_at_cutoff: a ready-made time has no dates"
    ):
        check_plan(replace(study, plan=plan))


def test_a_last_contact_that_is_a_derived_event_too_is_refused(site: Any) -> None:
    study = site.study(site.PLAN.replace("conventions", CUTOFF))
    lost = {"label": "L", "first_of": {"lost": {"date": "seen"}}, "otherwise": "none"}
    codebook = study.codebook.model_copy(
        update={"derived": {**study.codebook.derived, "lost": Derived.model_validate(lost)}}
    )

    with pytest.raises(
        PlanError, match="seen is the last contact of an endpoint and an event of lost"
    ):
        check_plan(replace(study, codebook=codebook))


def test_a_cutoff_that_censors_needs_a_day(site: Any) -> None:
    with pytest.raises(PlanError, match="censor_at_cutoff: there is no data_cutoff"):
        site.study(site.PLAN.replace("conventions", "censor_at_cutoff: true\nconventions"))
