"""Tables of characteristics, events, estimates and follow-up."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

from riskset_server.displays.parts.display import Shown
from riskset_server.displays.tables import baseline, estimates, events, follow_up

WITHHELD = {"withheld": "minimum_cell 5"}


def test_characteristics_read_as_in_the_journal(shown: Callable[..., Shown]) -> None:
    assert """\
Characteristic,Low (n = 167),Medium (n = 320),High (n = 164),All (n = 651),P
Sex,,,,,.91
  Male,75 (44.9),142 (44.4),76 (46.3),293 (45.0),
  Female,92 (55.1),178 (55.6),88 (53.7),358 (55.0),
KMT2A status,,,,,< .001
  Germline,167 (100.0),0 (0.0),0 (0.0),167 (26.0),
  t(4;11),0 (0.0),116 (37.2),94 (57.3),210 (32.7),
  t(9;11),0 (0.0),90 (28.9),withheld [a],130 (20.2),
  Other rearranged,0 (0.0),106 (34.0),30 (18.3),136 (21.1),
  Missing,0,8,0,8,
[a] Withheld under the disclosure rule minimum_cell.,,,,,
"NOTE. Values are No. (%); percentages are of the patients in whom the characteristic is known. \
P values are of the chi-square test, two-sided (planned).",,,,,
"Abbreviations: No., number of patients.",,,,,
""" == baseline.make(shown("table1")).csv()


def test_characteristics_without_groups_have_one_column(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    extra = "  - {id: all1, kind: baseline, rows: [sex]}\n"
    result = {
        "kind": "baseline",
        "n": 3,
        "missing": 0,
        "by": None,
        "columns": ["all"],
        "column_n": [3],
        "rows": [
            {"variable": "sex", "level": "male", "counts": [0], "percent": [None], "total": 0, "total_percent": None},
            {"variable": "sex", "level": "female", "counts": [0], "percent": [None], "total": 0, "total_percent": None},
        ],
        "numbers": [],
        "missing_values": {"sex": {"counts": [3], "total": 3}},
        "tests": {},
        "warnings": [],
    }  # fmt: skip
    table = baseline.make(shown("all1", plan=trial.study_plan(extra), results={"all1": result}))

    assert """\
Characteristic,All patients (n = 3)
Sex,
  Male,0
  Female,0
  Missing,3
NOTE. Values are No. (%); percentages are of the patients in whom the characteristic is known.,
"Abbreviations: No., number of patients.",
""" == table.csv()


def test_characteristics_under_disclosure_rules_say_what_was_withheld(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = copy.deepcopy(trial.BASELINE)
    result["rows"][4] |= {"counts": [0, 90, WITHHELD], "percent": [0.0, 28.85, WITHHELD]}
    result["tests"]["kmt2a"] = WITHHELD
    table = baseline.make(shown("table1", results={"table1": result}))
    by_label = {row.label.text: row for row in table.rows}

    assert "withheld" == by_label["t(9;11)"].cells[2].text
    assert "withheld" == by_label["KMT2A status"].cells[-1].text
    assert ["Withheld under the disclosure rule minimum_cell 5."] == [
        footnote.text for footnote in table.footnotes()
    ]


def test_a_group_that_is_not_known_is_counted_in_the_note(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.BASELINE | {"missing": 12, "column_n": [WITHHELD, 320, 164]}
    table = baseline.make(shown("table1", results={"table1": result}))

    assert "12 patients without a known group left out." in table.notes
    assert "Low (n = withheld)" == table.heads[1]
    assert "The number of patients of a column was withheld." in table.notes


def test_first_events_read_as_in_the_journal(shown: Callable[..., Shown]) -> None:
    assert """\
First event,Low (n = 167),Medium (n = 320),High (n = 164),All (n = 651)
Any event,41 (24.6),148 (46.2),105 (64.0),294 (45.2)
  Relapse,31 (18.6),128 (40.0),85 (51.8),244 (37.5)
  Death in CR,9 (5.4),18 (5.6),19 (11.6),46 (7.1)
  Second malignancy,1 (0.6),2 (0.6),1 (0.6),4 (0.6)
No event,126 (75.5),172 (53.8),59 (36.0),357 (54.8)
NOTE. Values are No. (%) of patients by the first event of event-free survival; percentages are of all patients of the column.,,,,
"Abbreviations: No., number of patients.",,,,
""" == events.make(shown("events")).csv()


def test_a_sum_of_events_is_withheld_with_any_of_its_parts(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = copy.deepcopy(trial.EVENTS)
    result["rows"][2] |= {"counts": [WITHHELD] * 3, "percent": [WITHHELD] * 3, "total": WITHHELD}
    table = events.make(shown("events", results={"events": result}))

    assert ["withheld"] * 3 == [cell.text for cell in table.rows[0].cells[:3]]
    assert "294 (45.2)" == table.rows[0].cells[3].text


def test_estimates_read_as_in_the_journal(trial: ModuleType, shown: Callable[..., Shown]) -> None:
    exact = trial.study_plan(disclosure={"release": "exact"})

    assert """\
Group,No.,Events,"Median (95% CI), years","3-year DFS, % (SE)",95% CI,"6-year DFS, % (SE)",95% CI
IB,161,95,2.6 (2.1 to NR),45.3 (4.0),37.3 to 52.9,38.7 (4.1),30.7 to 46.6
ADE+MAE,169,96,2.5 (2.0 to NR),45.8 (4.0),37.8 to 53.5,37.9 (4.2),29.8 to 46.1
"Difference, first − second",,,,−0.5 (5.7),−11.7 to 10.6,0.8 (5.8),−10.7 to 12.2
"NOTE. Confidence intervals are log-log transformed. Log-rank test stratified by sex: χ² = 10.33, 1 df, P = .47 \
(primary, planned). Differences are in percentage points, with Wald intervals.",,,,,,,
"Abbreviations: CI, confidence interval; DFS, disease-free survival; NR, not reached; No., number of patients; \
SE, standard error; df, degrees of freedom.",,,,,,,
""" == estimates.make(shown("dfs_arm", plan=exact)).csv()


def test_limits_that_were_released_rounded_are_whole_percents(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    released = trial.as_released(trial.study_results()["analyses"]["dfs_arm"])
    table = estimates.make(shown("dfs_arm", results={"dfs_arm": released}))

    assert ["37 to 53", "31 to 47"] == [table.rows[0].cells[place].text for place in (4, 6)]
    assert "45.3 (4.0)" == table.rows[0].cells[3].text


def test_a_difference_is_that_of_the_survivals_and_its_error_the_root_of_their_squares(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    groups = trial.study_results()["analyses"]["dfs_arm"]["groups"]
    one, other = (group["at"][1] for group in groups)
    error = (one["std_err"] ** 2 + other["std_err"] ** 2) ** 0.5
    low = one["survival"] - other["survival"] - 1.959964 * error
    row = estimates.make(shown("dfs_arm")).rows[-1]

    assert (
        f"{100 * (one['survival'] - other['survival']):.1f} ({100 * error:.1f})"
        == row.cells[5].text
    )
    assert f"{100 * low:.1f}".replace("-", "−") == row.cells[6].text.split(" to ")[0]


def test_a_difference_of_two_survivals_that_are_shown_is_shown_though_events_are_withheld(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = copy.deepcopy(trial.study_results()["analyses"]["dfs_arm"])
    for group in result["groups"]:
        group["at"][1]["events_to"] = WITHHELD
    row = estimates.make(shown("dfs_arm", results={"dfs_arm": result})).rows[-1]

    assert ["0.8 (5.8)", "−10.7 to 12.2"] == [cell.text for cell in row.cells[5:7]]


def test_several_analyses_stand_below_their_titles_and_share_their_horizons(
    shown: Callable[..., Shown],
) -> None:
    table = estimates.make(shown("efs_risk", "dfs_arm"))

    assert "6-year survival, % (SE)" == table.heads[6]
    assert ["", ""] == [cell.text for cell in table.rows[1].cells[3:5]]
    assert [0, 1, 1, 1, 0, 1, 1, 1] == [row.indent for row in table.rows]


def test_a_group_that_was_withheld_reads_withheld_throughout(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    few = {"LR": trial.cohort(9, 0.5, 3), "HR": trial.cohort(60, 0.4, 6)}
    result = trial.as_released(trial.kaplan_meier_result(few, "risk_group", [2], p_value=0.04))
    table = estimates.make(shown("efs_risk", results={"efs_risk": result}))

    assert {"withheld"} == {cell.text for cell in table.rows[0].cells}
    assert ["withheld"] * 2 == [cell.text for cell in table.rows[2].cells[-2:]]
    assert 1 == len(table.footnotes())
    assert "P = .04" in table.notes[1]


def test_a_test_that_was_withheld_names_its_rule(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result: dict[str, Any] = trial.study_results()["analyses"]["efs_risk"]
    result["test"] = WITHHELD
    table = estimates.make(shown("efs_risk", results={"efs_risk": result}))

    assert (
        "Test of groups: withheld under the disclosure rule minimum_cell 5 (planned)."
        in table.notes
    )


def test_further_quantiles_and_restricted_means_have_columns(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    extra = "  - {id: more, kind: kaplan_meier, endpoint: EFS, rmean: 5, quantiles: [0.25, 0.5]}\n"
    result = trial.kaplan_meier_result({"all": trial.EVERYBODY}, None, [])
    group = result["groups"][0]
    group["quantiles"].append({"p": 0.25, "estimate": 0.75, "lower": 0.6, "upper": None})
    group["rmean"] = {"tau": 5.0, "estimate": 3.25, "std_err": 0.08}
    table = estimates.make(shown("more", plan=trial.study_plan(extra), results={"more": result}))

    assert ("25% quantile (95% CI), years", "Restricted mean to 5 years (SE)") == table.heads[-2:]
    assert ["0.75 (0.60 to NR)", "3.2 (0.08)"] == [cell.text for cell in table.rows[0].cells[-2:]]


def test_a_quantile_stands_only_where_the_plan_asks_for_it(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    extra = "  - {id: more, kind: kaplan_meier, endpoint: EFS, quantiles: [0.25]}\n"
    result = trial.kaplan_meier_result({"all": trial.EVERYBODY}, None, [6])
    quantile = {"p": 0.25, "estimate": 0.75, "lower": 0.6, "upper": 0.9}
    result["groups"][0]["quantiles"] = [quantile]
    subject = shown("efs", "more", plan=trial.study_plan(extra), results={"more": result})

    assert ["", "0.75 (0.60 to 0.90)"] == [
        estimates.make(subject).rows[at].cells[3].text for at in (1, 3)
    ]


def test_follow_up_reads_as_in_the_journal(shown: Callable[..., Shown]) -> None:
    assert """\
Follow-up,No.,Events,"Median, years",95% CI
Overall survival: all patients,651,272,5.3,5.1 to NR
NOTE. Follow-up is estimated by the reverse Kaplan–Meier method.,,,,
"Abbreviations: CI, confidence interval; NR, not reached; No., number of patients.",,,,
""" == follow_up.make(shown("followup")).csv()


def test_range_and_completeness_of_follow_up_have_columns_where_they_are_asked(
    shown: Callable[..., Shown], trial: ModuleType
) -> None:
    plan = trial.study_plan("  - {id: again, kind: follow_up, endpoint: EFS}")
    found = trial.study_results()["analyses"]["followup"]
    withheld = {"withheld": "minimum_cell 5"}
    asked = {
        "range": {"shortest": 0.1, "longest": withheld},
        "completeness": {"observed": 1.0, "potential": 2.0, "ratio": 0.9312, "incomplete": 20},
    }
    results = {"followup": found | asked, "again": found}

    assert """\
Follow-up,No.,Events,"Median, years",95% CI,"Range, years",Completeness
Overall survival: all patients,651,272,5.3,5.1 to NR,0.10 to withheld [a],93.1%
Event-free survival: all patients,651,272,5.3,5.1 to NR,,
[a] Withheld under the disclosure rule minimum_cell 5.,,,,,,
NOTE. Follow-up is estimated by the reverse Kaplan–Meier method. \
Completeness is the person-time observed in percent of that until the closing date or the event.,,,,,,
""" in follow_up.make(shown("followup", "again", plan=plan, results=results)).csv()


def test_an_endpoint_of_one_kind_of_event_has_no_sum(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.EVENTS | {"rows": trial.EVENTS["rows"][:1], "missing": 1}
    table = events.make(shown("events", results={"events": result}))

    assert ["Relapse", "No event"] == [row.label.text for row in table.rows]
    assert [0, 0] == [row.indent for row in table.rows]
    assert "1 patient with missing values left out." == table.notes[1]


def test_a_difference_without_an_error_is_not_estimable(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.study_results()["analyses"]["dfs_arm"] | {"missing": 3}
    result["groups"][0]["at"][0]["std_err"] = None
    table = estimates.make(shown("dfs_arm", results={"dfs_arm": result}))

    assert ["—", "—"] == [cell.text for cell in table.rows[2].cells[3:5]]
    assert table.notes[1].endswith("(primary, planned). 3 patients with missing values left out.")


def test_restricted_means_stand_only_where_the_plan_asks(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    extra = "  - {id: more, kind: kaplan_meier, endpoint: OS, rmean: 5}\n"
    result = trial.kaplan_meier_result({"all": trial.EVERYBODY}, None, [])
    result["groups"][0]["rmean"] = WITHHELD
    subject = shown("efs", "more", plan=trial.study_plan(extra), results={"more": result})

    assert ["", "withheld"] == [estimates.make(subject).rows[at].cells[-1].text for at in (1, 3)]


def test_numbers_stand_in_mean_and_quartiles_where_the_plan_names_them(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    extra = "  - {id: ages, kind: baseline, by: sex, rows: [{number: age, bin_width: 1}, risk_group], test: fisher}\n"
    number = {
        "variable": "age",
        "n": [290, 350, 640],
        "mean": [5.24, 0.512, None],
        "std_dev": [3.11, WITHHELD, 3.2],
        "median": [5.0, 6.0, 5.5],
        "lower_quartile": [2.0, 3.0, 2.5],
        "upper_quartile": [8.0, 9.0, None],
    }
    level = {"variable": "risk_group", "counts": [3, 8], "percent": [1.0, 2.0]}
    result = {
        "kind": "baseline",
        "n": 651,
        "missing": 0,
        "by": "sex",
        "columns": ["male", "female"],
        "column_n": [293, 358],
        "rows": [level | {"level": "LR", "total": 11, "total_percent": 1.7}],
        "numbers": [number],
        "missing_values": {
            "age": {"counts": [3, 8], "total": 11},
            "risk_group": {"counts": [0, 0], "total": 0},
        },
        "tests": {
            "risk_group": {"name": "Fisher's exact", "p_value": None, "statistic": None, "df": None}
        },
        "warnings": [],
    }
    table = baseline.make(shown("ages", plan=trial.study_plan(extra), results={"ages": result}))

    assert """\
Characteristic,Male (n = 293),Female (n = 358),All (n = 651),P
"Age at diagnosis, months",,,,
  Mean (SD),5.2 (3.1),0.5 (withheld) [a],— (3.2) [b],
  Median (IQR),5.0 (2.0 to 8.0),6.0 (3.0 to 9.0),5.5 (2.5 to —) [b],
  Missing,3,8,11,
Risk group,,,,— [b]
  Low,3 (1.0),8 (2.0),11 (1.7),
""" == "".join(line for line in table.csv().splitlines(keepends=True)[:7])
    assert "P values are of the Fisher's exact test, two-sided (planned)." in table.csv()
    assert "IQR, interquartile range" in table.csv()


def test_means_that_are_large_or_small_have_fitting_decimals(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    extra = "  - {id: all2, kind: baseline, rows: [{number: age}]}\n"
    lines = []
    for mean in (0.5, 5.0, 500.0):
        number = {"variable": "age", "n": [9, 9], "mean": [mean] * 2, "std_dev": [mean / 2] * 2}
        result = {"kind": "baseline", "n": 9, "missing": 0, "by": None, "columns": ["all"]}
        result |= {"column_n": [9], "rows": [], "numbers": [number], "tests": {}, "warnings": []}
        result |= {"missing_values": {"age": {"counts": [0], "total": 0}}}
        made = baseline.make(shown("all2", plan=trial.study_plan(extra), results={"all2": result}))
        lines.append(made.csv().splitlines()[2])

    assert ["  Mean (SD),0.50 (0.25)", "  Mean (SD),5.0 (2.5)", "  Mean (SD),500 (250)"] == lines


def test_differences_that_the_plan_asks_for_have_a_row_each(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    extra = (
        "  - {id: more, kind: kaplan_meier, endpoint: EFS, by: risk_group, at: [6], rmean: 5,\n"
        "     contrast: [survival, rmean], test: gehan, pairwise: true}\n"
    )
    result = trial.study_results()["analyses"]["efs_risk"]
    levels = [group["level"] for group in result["groups"]]
    for index, group in enumerate(result["groups"]):
        group["rmean"] = {"tau": 5.0, "estimate": 3.25 - index, "std_err": 0.3}
    result["groups"][2]["rmean"] = WITHHELD
    result["test"]["name"] = "Gehan"
    result["tests"] = {
        "pairwise": [
            {"groups": levels[:2], "statistic": 6.2, "df": 1, "p_value": 0.0128, "p_holm": 0.0312},
            {"groups": levels[1:]}
            | dict.fromkeys(("statistic", "df", "p_value", "p_holm"), WITHHELD),
        ]
    }
    table = estimates.make(shown("more", plan=trial.study_plan(extra), results={"more": result}))
    rows = table.rows[-2:]

    assert ["Difference, Medium − Low", "Difference, High − Low"] == [
        row.label.text for row in rows
    ]
    assert ["−1.0 (0.42), −1.8 to −0.17", "withheld"] == [row.cells[-1].text for row in rows]
    assert "Gehan test: " in table.notes[1]
    assert (
        "Pairs of groups, P adjusted by Holm's method: Low v Medium, P = .03; Medium v High, withheld."
        in table.notes[1]
    )
