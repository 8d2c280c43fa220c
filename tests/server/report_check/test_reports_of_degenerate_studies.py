"""A report is made, and agrees with itself, whoever the patients are."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.common.estimators.analyses import ALL
from tests.common.estimators.cohorts import each_cohort
from tests.server.report_check.checked_reports import checked, in_the_open, write_report

ONE_OF_EACH_KIND = tuple({analysis["kind"]: name for name, analysis in ALL.items()}.values())
ROUNDED = tuple({ALL[name]["kind"]: name for name in in_the_open()}.values())

ALL_OF_THEM = [(name, "exact") for name in each_cohort()]
WITH_PATIENTS_ENOUGH = [(name, "rounded") for name in ("all tied", "all alike", "separated")]


@pytest.mark.parametrize(("name", "release"), ALL_OF_THEM + WITH_PATIENTS_ENOUGH)
def test_a_report_is_made_and_agrees_with_itself(tmp_path: Path, name: str, release: str) -> None:
    cohort = each_cohort()[name]
    names = ONE_OF_EACH_KIND if release == "exact" else ROUNDED
    folder = write_report(tmp_path, names, cohort, disclosure={"release": release})

    assert [] == checked(folder)
