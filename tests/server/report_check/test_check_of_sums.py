"""Do patients and events add up: every sum of every kind of analysis is checked, because changing it is found."""

from __future__ import annotations

import itertools

import pytest

from riskset_common.estimators.read_back import results_from_json
from riskset_common.results.as_json import as_json
from riskset_server.report.blocks import parts_of
from riskset_server.report.run_files import read_run
from riskset_server.report_check.addition import additions
from riskset_server.report_check.at_risk import growing_curves


def found_in(run) -> list[str]:
    return [str(each) for each in additions(parts_of(run.results, run.plan), run.plan)]


def one_more(found, key) -> None:
    found[key] += 1


def grown(found) -> None:
    found["curve"]["at_risk"][2] = 999


CHANGES = [
    ("log-rank", lambda r: one_more(r["groups"][0], "n"), "log_rank, n of all groups"),
    ("log-rank", lambda r: one_more(r["groups"][1], "events"), "log_rank, events of the curve of B"),
    ("log-rank", lambda r: one_more(r, "events"), "events of all groups"),
    ("cumulative incidence", lambda r: one_more(r["groups"][0]["causes"]["death"], "events"), "events by cause of A"),
    ("cumulative incidence", lambda r: one_more(r["groups"][0], "n"), "n of all groups"),
    ("Cox within sites", lambda r: one_more(r["levels"][0], "n"), "n by level of arm"),
    ("Cox within sites", lambda r: one_more(r["levels"][3], "events"), "events by level of sex"),
    ("Fine-Gray within sites", lambda r: one_more(r["levels"][0], "events"), "events by level of"),
    ("heterogeneity among sites", lambda r: one_more(r["levels"][0], "n"), "n by level of"),
    ("univariate", lambda r: one_more(r["factors"][0]["curves"], "missing"), "arm, known and missing"),
    ("univariate", lambda r: one_more(r["factors"][1]["curves"]["groups"][0], "n"), "sex, n of all groups"),
    ("landmark curves", lambda r: one_more(r, "events"), "events of the landmark's patients"),
    ("landmark curves", lambda r: one_more(r["curves"]["groups"][0], "n"), "n of all groups"),
    ("landmark model within sites", lambda r: one_more(r["model"]["levels"][0], "n"), "n by level of"),
    ("baseline", lambda r: one_more(r["column_n"], 0), "patients by column"),
    ("baseline", lambda r: one_more(r["rows"][0]["counts"], 1), "sex in column B"),
    ("baseline", lambda r: one_more(r["rows"][0], "total"), "sex in all"),
    ("baseline", lambda r: one_more(r["missing_values"]["sex"], "total"), "sex in all"),
    ("event table", lambda r: one_more(r["rows"][0]["counts"], 0), "column male / A"),
    ("event table", lambda r: one_more(r["censored"], "total"), "patients by first event"),
    ("event table", lambda r: one_more(r, "events"), "events by kind"),
    ("flow", lambda r: one_more(r["boxes"][2], "n"), "boxes below"),
    ("flow", lambda r: one_more(r, "n"), "flow, all patients"),
    ("follow-up", lambda r: one_more(r, "missing"), "patients with those left out"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "found"), CHANGES, ids=[f"{name}: {found}" for name, _, found in CHANGES]
)
def test_a_count_that_does_not_add_up_is_found(changed, name, change, found):
    assert any(found in line for line in found_in(changed(name, change)))


def test_patients_without_an_endpoint_are_left_out_of_every_factor(changed):
    def without_endpoint(result) -> None:
        for part in (result, *(factor["curves"] for factor in result["factors"])):
            part["missing"] += 5

    found = found_in(changed("univariate", without_endpoint))

    assert [] == [line for line in found if "known and missing" in line]


def test_a_withheld_count_is_no_wrong_sum(changed):
    withheld = {"withheld": "minimum_cell 5"}
    run = changed("baseline", lambda r: r["rows"][0]["counts"].__setitem__(0, withheld))

    assert [] == found_in(run)


def test_what_is_found_says_the_sum(changed):
    run = changed("event table", lambda r: r.update(events=1))
    total = sum(row["total"] for row in as_json(run.results)["analyses"]["event_table"]["rows"])
    (found,) = found_in(run)

    assert found.startswith("adds up: event_table, events by kind: ")
    assert found.endswith(f" = {total}, not 1")


@pytest.mark.parametrize(
    ("name", "change", "where"),
    [
        ("log-rank", lambda r: grown(r["groups"][0]), "log_rank, A"),
        ("curves", lambda r: r["groups"][0]["at"][1].update(at_risk=999), "curves, all"),
        ("cumulative incidence", lambda r: grown(r["groups"][2]["causes"]["death"]), "cumulative_incidence, C"),
        ("univariate", lambda r: grown(r["factors"][0]["curves"]["groups"][1]), "univariate, B"),
        ("univariate", lambda r: grown(r["all_patients"]["groups"][0]), "univariate, all"),
    ],
)  # fmt: skip
def test_patients_at_risk_that_become_more_are_found(changed, name, change, where):
    run = changed(name, change)
    found = list(growing_curves(parts_of(run.results, run.plan), run.plan))

    assert [where] == [each.where for each in found]
    assert found[0].what.endswith("patients at risk become 999")


def test_numbers_at_risk_at_round_times_that_become_more_are_found(rounded):
    run = read_run(rounded)
    results = as_json(run.results)
    group = results["analyses"]["log_rank"]["groups"][0]
    group["numbers_at_risk"]["at_risk"][1] = 999
    parts = parts_of(results_from_json(results), run.plan)
    found = list(growing_curves(parts, run.plan))

    assert ["log_rank, A"] == [each.where for each in found]


def test_groups_may_grow_where_patients_enter_late(run):
    late = run.results.analyses["stratified_log_rank_under_left_truncation"]
    at_risk = late.groups[0].curve.at_risk

    assert any(after > before for before, after in itertools.pairwise(at_risk))
    assert [] == list(growing_curves(parts_of(run.results, run.plan), run.plan))


def test_the_plans_times_need_not_be_in_order(changed):
    turned = changed("curves", lambda r: r["groups"][0]["at"].reverse())

    assert [] == list(growing_curves(parts_of(turned.results, turned.plan), turned.plan))
