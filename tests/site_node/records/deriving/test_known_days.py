"""How well days are known, and plans that do not count those that a site set itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.common.estimators.pooling import pool

from riskset_common.planning.check import check_plan, days_counted, variables_read
from riskset_common.study.patients import MISSING, NO_DATE, UNKNOWN_DAY, Patients
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.deriving.known_days import known_days
from riskset_node.records.findings import Severity
from riskset_node.records.preparing import build_patients, prepare

NODE = "source: {kind: csv, path: patients.csv}"
COUNTED = "analyses:\n  - {id: days, kind: baseline, rows: [diagnosed.day, relapse.day]}"

ROWS = """
    1,2011-01-01,,2011-03-15,,2012-01-01,male,5
    2,2011-01-15,,2011-06-30,,2011-09-01,female,6
    3,2011-01-01,,,,2011-08-01,female,6
    """


def recorded(site: Any) -> Any:
    """The records, of which two days were completed."""
    records = site.records(ROWS)
    rows = {"relapse": np.array([True, False, False]), "diagnosed": np.array([False, True, False])}
    return replace(records, patients=replace(records.patients, approximate=rows))


def test_a_day_is_known_approximate_unknown_or_of_nothing() -> None:
    patients = Patients(
        4,
        dates={"relapse": np.array([10, 20, UNKNOWN_DAY, NO_DATE])},
        numbers={"time": np.array([1.0, np.nan, 2.0, 3.0])},
        approximate={"relapse": np.array([False, True, False, False])},
    )
    found = known_days(patients, ["relapse", "time"])

    assert [0, 1, 2, MISSING] == found["relapse.day"].tolist()
    assert [0, MISSING, 0, 0] == found["time.day"].tolist()


def test_a_plan_that_does_not_count_approximate_days_is_refused(site: Any, only: Any) -> None:
    finding = only(prepare(recorded(site), site.node(NODE), site.study()).findings)

    assert (FindingKind.UNCOUNTED_DAYS, Severity.ERROR, ("1", "2")) == (
        finding.kind,
        finding.severity,
        finding.local_ids,
    )
    assert "rows: [relapse.day, diagnosed.day]" in finding.advice


def test_an_order_that_hangs_on_a_completed_day_is_told_so(site: Any) -> None:
    found = [
        prepare(records, site.node(NODE), site.study()).findings
        for rows in ["1,2011-01-20,,2011-01-15,,2012-01-01,male,5"]
        for plain in [site.records(rows)]
        for records in [
            plain,
            replace(
                plain,
                patients=replace(plain.patients, approximate={"relapse": np.array([True])}),
            ),
        ]
    ]
    advice = [
        finding.advice
        for findings in found
        for finding in findings
        if finding.kind == FindingKind.REVERSED_DATES
    ]

    assert [False, True] == ["Days of relapse were completed" in each for each in advice]


def test_a_plan_that_counts_them_has_their_number(site: Any) -> None:
    plan = site.PLAN.replace("analyses:", COUNTED)
    study = site.study(plan)
    check_plan(replace(study, sites=()))
    patients = build_patients(recorded(site), site.node(NODE), study)
    alone = study.plan.model_copy(update={"analyses": study.plan.analyses[:1]})
    result = pool(replace(study, plan=alone), [patients]).result

    assert {"diagnosed", "relapse"} == days_counted(study)
    assert variables_read(site.study()) == variables_read(study)
    assert {
        ("diagnosed.day", "known"): 2,
        ("diagnosed.day", "approximate"): 1,
        ("diagnosed.day", "unknown"): 0,
        ("relapse.day", "known"): 1,
        ("relapse.day", "approximate"): 1,
        ("relapse.day", "unknown"): 0,
    } == {(row["variable"], row["level"]): row["total"] for row in result["rows"]}


def test_a_condition_leaves_approximate_days_out_but_does_not_count_them(site: Any) -> None:
    plan = site.PLAN.replace(
        "analyses:", COUNTED + "\n  - {copy: efs, id: exact, where: {relapse.day: [known]}}"
    )
    study = site.study(plan)
    patients = build_patients(recorded(site), site.node(NODE), study)

    assert [False, True, False] == study.chosen(patients, None, {"relapse.day": ["known"]}).tolist()
    only_chosen = site.PLAN.replace(
        "by: sex, test: log_rank", "where: {relapse.day: [known], diagnosed.day: [known]}"
    )
    assert set() == days_counted(site.study(only_chosen))


@pytest.mark.parametrize("name", ["sex.day", "nothing.day", "relapse."])
def test_only_dates_and_numbers_have_days(site: Any, name: str) -> None:
    codebook = site.codebook()

    assert codebook.with_day(name) is None
    assert codebook.levels(name) is None


def test_a_day_has_labels(site: Any) -> None:
    codebook = site.codebook()

    assert "Date of relapse: day" == codebook.label("relapse.day")
    assert "Approximate" == codebook.level_label("relapse.day", "approximate")
