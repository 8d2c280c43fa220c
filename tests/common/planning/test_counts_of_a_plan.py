"""What is said of the counts of a plan before it is run."""

from __future__ import annotations

from typing import Any

import pytest
from tests.common.estimators.cohorts import study_of

from riskset_common.planning.committees import rounded_problems
from riskset_common.planning.linked_counts import count_problems, floor_doubts, linked_analyses
from riskset_common.release.tables import algebra

ROUNDED = {"release": "rounded"}


def study_with(*analyses: dict[str, Any]) -> Any:
    named = [{"id": f"a{place}", **each} for place, each in enumerate(analyses)]
    return study_of({}, 5, analyses=named, disclosure=ROUNDED)


def test_analyses_that_show_the_same_counts_are_named_together() -> None:
    study = study_with(
        {"kind": "baseline", "by": "arm", "rows": ["sex"]},
        {"kind": "event_table", "endpoint": "EFS", "population": "women"},
        {"kind": "baseline", "by": "sex", "rows": ["arm"]},
    )
    (sentence,) = linked_analyses(study)

    assert sentence.startswith("analyses a0, a2: ")
    assert "one verdict in all" in sentence


def test_analyses_without_a_count_in_common_are_not_named() -> None:
    study = study_with(
        {"kind": "baseline", "rows": ["arm"]},
        {"kind": "event_table", "endpoint": "EFS", "population": "women"},
    )

    assert [] == list(linked_analyses(study))


def test_a_plan_whose_counts_depend_on_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    analysis = {"kind": "baseline", "by": "sex", "rows": ["hospital"]}
    assert [] == list(count_problems(study_with(analysis)))
    monkeypatch.setattr(algebra, "MOST_STATES", 5)
    (problem,) = rounded_problems(study_with(analysis, {**analysis, "population": "women"}))

    assert problem.startswith("disclosure.release: rounded: hospital")
    assert "6 combinations of values" in problem
    assert problem.endswith("write release: exact.")


@pytest.mark.parametrize(("smallest", "said"), [(1, 0), (2, 1), (4, 1), (5, 0)])
def test_a_floor_that_leaves_few_values_is_doubted(smallest: int, said: int) -> None:
    study = study_of(
        {"kind": "baseline", "rows": ["sex"]},
        5,
        disclosure={"release": "rounded", "minimum_cell": smallest},
    )

    assert said == len(list(floor_doubts(study)))
