"""Patients as a plan needs them: who holds the record, derived variables, endpoints, and all findings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from riskset_common.errors import DataError, NodeConfigError
from riskset_common.study.codebook import Derived
from riskset_common.study.patients import MISSING
from riskset_common.study.study import Site, Study
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Severity
from riskset_node.records.preparing import build_patients, prepare

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
        NodeConfigError, match="'dcog' is not in this run's list of sites, which holds nopho"
    ):
        build_patients(site.records(ROWS), node, site.study(sites=("nopho",)))


def test_two_opinions_about_the_study_group_are_told(site):
    study = site.study()
    other = Study(study.plan, study.codebook, (Site("dcog", "DCOG"),))
    node = site.node("source: {kind: csv, path: patients.csv}")

    with pytest.raises(
        NodeConfigError,
        match="of site 'dcog' says 'NOPHO', this run's list of sites says 'DCOG'",
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


def test_a_recorded_level_that_differs_from_the_rule_stops_a_run_unless_accepted(site):
    words = site.codebook().model_copy(
        update={
            "derived": {
                "boy": Derived.model_validate(
                    {
                        "label": "Sex",
                        "rules": {"female": {"age_2": ["< 6"]}, "male": {"age_2": [">= 6"]}},
                        "recorded": "sex",
                    }
                ),
                **site.codebook().derived,
            }
        }
    )
    study, records = replace(site.study(), codebook=words), site.records(ROWS)
    accepted = site.node("source: {kind: csv, path: patients.csv}\naccept: [derived_differs]")

    with pytest.raises(
        DataError,
        match=r"derived_differs: boy \(Sex\) follows from the record otherwise than sex says",
    ):
        build_patients(records, site.node("source: {kind: csv, path: patients.csv}"), study)
    assert [0, 1, MISSING] == build_patients(records, accepted, study).categories["boy"].tolist()
