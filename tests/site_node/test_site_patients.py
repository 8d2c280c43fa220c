"""Patients as a plan needs them: who holds the record, derived variables, endpoints, and all findings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.codebook import Codebook, Derived
from riskset_common.errors import DataError, NodeConfigError
from riskset_common.patients import MISSING, Patients
from riskset_common.study import Site, Study
from riskset_node.findings import FindingKind, Severity
from riskset_node.patients import build_patients, derived_codes, prepare

ROWS = """
    1,2010-01-01,2010-02-01,,,2012-01-01,male,5.9
    2,2010-01-02,,2011-01-02,2011-06-01,2011-06-01,female,6
    3,2010-01-02,,,2010-01-05,2010-01-05,,
    """


def test_a_site_has_its_codes_derived_variables_and_endpoints(site):
    study = site.study(sites=("aieop", "dcog", "nopho"))
    patients = build_patients(
        site.records(ROWS), site.node("source: {kind: csv, path: patients.csv}"), study
    )

    assert {
        "site": [1, 1, 1],
        "study_group": [0, 0, 0],
        "sex": [0, 1, MISSING],
        "age_2": [0, 1, MISSING],
        "girl": [MISSING, 0, MISSING],
        "region": [0, 0, 0],
    } == {name: codes.tolist() for name, codes in patients.categories.items()}
    assert [730, 365, 3] == patients.endpoints["EFS"].time.tolist()
    assert [0, 2, 1] == patients.endpoints["EFS"].event.tolist()


def test_only_endpoints_that_an_analysis_follows_are_derived(site):
    plan = site.PLAN.replace("endpoints:\n", "endpoints:\n  OS: {copy: EFS, label: OS}\n")
    node = site.node("source: {kind: csv, path: patients.csv}")

    assert ["EFS"] == list(build_patients(site.records(ROWS), node, site.study(plan)).endpoints)


def test_the_codes_of_site_count_only_the_sites_that_take_part(site):
    records, node = site.records(ROWS), site.node("source: {kind: csv, path: patients.csv}")
    codes = [
        build_patients(records, node, site.study(sites=sites)).categories["site"][0]
        for sites in (("aieop", "dcog"), ("dcog", "nopho"))
    ]

    assert [1, 0] == codes


def test_a_site_that_is_not_in_the_run_is_told(site):
    node = site.node("source: {kind: csv, path: patients.csv}")

    with pytest.raises(
        NodeConfigError, match=r"site 'dcog' is not among the sites of this run \(nopho\)"
    ):
        build_patients(site.records(ROWS), node, site.study(sites=("nopho",)))


def test_two_opinions_about_the_study_group_are_told(site):
    study = site.study()
    other = Study(study.plan, study.codebook, (Site("dcog", "DCOG"),))
    node = site.node("source: {kind: csv, path: patients.csv}")

    with pytest.raises(
        NodeConfigError,
        match=r"node\.yaml says study_group 'NOPHO', the study's list of sites says 'DCOG'",
    ):
        build_patients(site.records(ROWS), node, other)


def test_findings_of_file_and_endpoints_are_raised_together(site):
    rows = "1,2010-01-01,,2009-01-01,,2012-01-01,m,5\n"
    node = site.node("source: {kind: csv, path: patients.csv}")

    with pytest.raises(DataError) as raised:
        build_patients(site.records(rows), node, site.study())

    assert "error: unmapped_code: sex" in str(raised.value)
    assert "error: reversed_dates: relapse lies before diagnosed (1 row, patient 1)" in str(
        raised.value
    )


def test_a_warning_does_not_keep_patients_from_a_plan(site, only):
    rows = "1,2010-01-01,,,2012-02-01,2012-01-01,male,5\n"
    node = site.node("source: {kind: csv, path: patients.csv}")
    prepared = prepare(site.records(rows), node, site.study())
    finding = only(prepared.findings)

    assert (FindingKind.EVENT_AFTER_LAST_CONTACT, Severity.WARNING) == (
        finding.kind,
        finding.severity,
    )
    assert [761] == build_patients(site.records(rows), node, site.study()).endpoints[
        "EFS"
    ].time.tolist()


def test_two_endpoints_with_the_same_dates_tell_one_finding(site, only):
    plan = site.PLAN.replace(
        "endpoints:\n",
        "endpoints:\n  OS: {label: OS, origin: diagnosed, first_of: {death: {date: died}}, censor: seen}\n",
    ).replace("analyses:\n", "analyses:\n  - {id: os, kind: kaplan_meier, endpoint: OS}\n")
    node = site.node("source: {kind: csv, path: patients.csv}")
    records = site.records("1,2010-01-01,,,2009-02-01,2012-01-01,male,5\n")

    assert ("died", "diagnosed") == only(prepare(records, node, site.study(plan)).findings).about


def test_dates_after_the_plans_cutoff_are_told(site, only):
    plan = site.PLAN.replace("conventions", "data_cutoff: 2011-12-31\nconventions")
    node = site.node("source: {kind: csv, path: patients.csv}")
    finding = only(prepare(site.records(ROWS), node, site.study(plan)).findings)

    assert (FindingKind.IMPOSSIBLE_DATE, ("seen",), ("1",)) == (
        finding.kind,
        finding.about,
        finding.local_ids,
    )
    assert "seen lies after the plan's data_cutoff (2011-12-31)" == finding.found


def test_what_is_accepted_in_the_file_stays_accepted_for_the_plan(site):
    accept = "accept: [unmapped_code]"
    records = site.records("1,2010-01-01,,,,2012-01-01,m,5\n", accept)
    node = site.node(f"source: {{kind: csv, path: patients.csv}}\n{accept}")

    assert [MISSING] == build_patients(records, node, site.study()).categories["sex"].tolist()


CUT = Derived.model_validate(
    {
        "from": "age",
        "label": "Age",
        "cut": {"< 6": [None, 6], "6 to < 9": [6, 9], ">= 10": [10, None]},
    }
)
ANY_CODEBOOK = Codebook.model_validate(
    {"codebook": "c", "version": 1, "variables": {"age": {"kind": "number", "label": "Age"}}}
)


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (5.999, 0),
        (6, 1),
        (8.999, 1),
        (9, MISSING),
        (9.999, MISSING),
        (10, 2),
        (-1e300, 0),
        (1e300, 2),
        (np.nan, MISSING),
    ],
)
def test_a_cut_holds_its_lower_bound_and_not_its_upper(age, code):
    patients = Patients(1, numbers={"age": np.array([age])})

    assert [code] == derived_codes(CUT, patients, ANY_CODEBOOK, "G").tolist()


@given(st.lists(st.floats(allow_infinity=False)))
def test_every_number_is_in_one_cut_or_in_none(ages):
    codes = derived_codes(
        CUT,
        Patients(len(ages), numbers={"age": np.array(ages, dtype=np.float64)}),
        ANY_CODEBOOK,
        "G",
    )
    bounds = [(-np.inf, 6), (6, 9), (10, np.inf)]

    assert [
        next((code for code, (low, high) in enumerate(bounds) if low <= age < high), MISSING)
        for age in ages
    ] == codes.tolist()


def test_a_study_group_outside_every_group_is_missing(site):
    derived = site.codebook().derived["region"]
    codes = {
        group: derived_codes(derived, Patients(2), site.codebook(), group).tolist()
        for group in ("COALL", "AIEOP", "SJCRH")
    }

    assert {"COALL": [0, 0], "AIEOP": [1, 1], "SJCRH": [MISSING, MISSING]} == codes
