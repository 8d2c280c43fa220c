"""The table of a Cox model."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from riskset_common.estimators.regression.fine_gray import FineGraySpec
from riskset_server.displays.figures import forest
from riskset_server.displays.parts.display import Shown
from riskset_server.displays.tables import cox as cox_table

WITHHELD = {"withheld": "minimum_cell 5"}


def test_a_model_reads_as_in_the_journal(shown: Callable[..., Shown]) -> None:
    assert """\
Variable,HR,95% CI,P
KMT2A status,,,< .001
  Germline,1,,
  t(4;11),2.73,1.79 to 4.16,< .001
  t(9;11),2.41,1.57 to 3.71,< .001
  Other rearranged,1.35,0.83 to 2.20,.23
"Age at diagnosis, months",,,
  ≥ 6,1,,
  < 6,1.57,1.23 to 2.00,< .001
Immunophenotype,,,
  B-lineage: CD10+,1,,
  B-lineage: CD10-,1.18,0.90 to 1.54,.23
Sex,,,
  Male,1,,
  Female,1.05,0.83 to 1.33,.68
"Age at diagnosis, months (per unit)",0.95,0.91 to 0.99,.01
"NOTE. n = 576, 268 events; 75 patients with missing values left out. Ties by Breslow's method. \
P values are of Wald tests, two-sided (planned); beside a variable, of all its levels together. \
Tests of the model: likelihood-ratio χ² = 63.51, 7 df, P < .001; Wald χ² = 63.51, 7 df, P < .001; \
score χ² = 63.51, 7 df, P < .001.",,,
"Abbreviations: CI, confidence interval; HR, hazard ratio; df, degrees of freedom.",,,
""" == cox_table.make(shown("cox_all")).csv()


def test_an_exposure_that_begins_during_follow_up_is_said_to(
    shown: Callable[..., Shown], trial: ModuleType
) -> None:
    plan = trial.study_plan(
        """  - {id: cox_smn, kind: cox, endpoint: OS, terms: [{exposure: date_smn}, {factor: arm, reference: IB}],
     interaction: [date_smn, arm], strata: [site]}
"""
    )
    [arm, _, interaction] = trial.study_results()["analyses"]["cox_arm"]["terms"]
    exposed = arm | {"term": "date_smn", "level": "exposed", "reference": "not exposed"}
    names = {"term": "date_smn:arm", "level": "exposed:ADE_MAE", "reference": "not exposed:IB"}
    found = trial.cox_result([exposed, arm, interaction | names], endpoint="OS")
    text = cox_table.make(shown("cox_smn", plan=plan, results={"cox_smn": found})).csv()

    assert (
        """\
Second malignant neoplasm,,,
  Not exposed,1,,
  Exposed,0.88,0.66 to 1.17,.38
Randomised arm,,,
  IB,1,,
  ADE+MAE,0.88,0.66 to 1.17,.38
Second malignant neoplasm × Randomised arm,,,
  Exposed × ADE+MAE,0.95,0.53 to 1.71,.87
"""
        in text
    )
    assert (
        "Patients change from not exposed to exposed with second malignant neoplasm; counts are by exposure at the end of "
        "follow-up."
    ) in text


def test_an_interaction_has_no_reference_row_and_strata_are_named(
    shown: Callable[..., Shown],
) -> None:
    assert """\
Variable,HR,95% CI,P
Randomised arm,,,
  IB,1,,
  ADE+MAE,0.88,0.66 to 1.17,.38
Study groups,,,
  original,1,,
  other,1.36,0.92 to 2.02,.12
Randomised arm × Study groups,,,
  ADE+MAE × other,0.95,0.53 to 1.71,.87
"NOTE. n = 330, 190 events. Ties by Breslow's method. Stratified by study group. P values are of Wald tests, two-sided \
(post hoc). Tests of the model: likelihood-ratio χ² = 63.51, 3 df, P < .001; Wald χ² = 63.51, 3 df, P < .001; \
score χ² = 63.51, 3 df, P < .001.",,,
"Abbreviations: CI, confidence interval; HR, hazard ratio; df, degrees of freedom.",,,
""" == cox_table.make(shown("cox_arm")).csv()


def test_aliased_and_monotone_terms_are_told_apart(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result: dict[str, Any] = trial.cox_result(trial.COX_ARM)
    nothing = dict.fromkeys(("coef", "hazard_ratio", "lower", "upper", "p_value"))
    result["terms"][0] |= nothing | {"aliased": True}
    result["terms"][1] |= {"monotone": True, "hazard_ratio": 1e9, "upper": None}
    lines = cox_table.make(shown("cox_arm", results={"cox_arm": result})).csv().splitlines()

    assert "  ADE+MAE,— [a],— [a],— [a]" == lines[3]
    assert "  other,— [b],— [b],— [b]" == lines[6]
    assert [
        "[a] — No coefficient: the term is constant or follows from earlier terms.,,,",
        "[b] — No finite estimate: the likelihood is monotone in this term or in one that leaves nothing to tell it by.,,,",
    ] == lines[9:11]


def test_events_that_are_withheld_read_withheld_below_the_model(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result: dict[str, Any] = trial.cox_result(trial.COX_ARM, events=WITHHELD, missing=WITHHELD)
    [note] = cox_table.make(shown("cox_arm", results={"cox_arm": result})).notes

    assert note.startswith(
        "n = 576, withheld events; withheld patients with missing values left out."
    )


def test_a_model_that_is_withheld_as_a_whole_has_one_row_and_no_note(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    table = cox_table.make(
        shown("cox_arm", "cox_all", results={"cox_arm": trial.withheld_as_a_whole("cox")})
    )

    assert "All terms,withheld [a],withheld [a],withheld [a]" == table.csv().splitlines()[2].strip()
    assert "Withheld under the disclosure rule minimum_cell 5." == table.footnotes()[0].text
    assert ["Cox model of event-free survival: n = 576"] == [note[:41] for note in table.notes]


def test_a_limit_that_does_not_exist_is_a_dash_with_its_footnote(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result: dict[str, Any] = trial.cox_result(trial.COX_ARM)
    result["terms"][0]["upper"] = None
    table = cox_table.make(shown("cox_arm", results={"cox_arm": result}))

    assert "  ADE+MAE,0.88,0.66 to — [a],.38" == table.csv().splitlines()[3]
    assert "— Not estimable from these patients." == table.footnotes()[0].text


def test_several_models_stand_below_their_titles_and_each_has_its_note(
    shown: Callable[..., Shown],
) -> None:
    table = cox_table.make(shown("cox_arm", "cox_all"))

    assert [0, 1, 2, 2] == [row.indent for row in table.rows[:4]]
    assert "Cox model of event-free survival" == table.rows[9].label.text
    assert "Cox model of event-free survival: n = 576" in table.notes[1]


def test_another_level_of_confidence_is_named(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    table = cox_table.make(
        shown("cox_all", results={"cox_all": trial.cox_result(trial.COX_ALL, level=0.9)})
    )

    assert "90% CI" == table.heads[2]


def test_a_level_without_a_name_of_its_own_is_per_unit(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    rows = [
        trial.cox_row("age", None, None, 0.1, 0.1),
        trial.cox_row("age:sex", "female", "male", 0.1, 0.1),
    ]
    table = cox_table.make(shown("cox_all", results={"cox_all": trial.cox_result(rows)}))

    assert ["Age at diagnosis, months (per unit)", "Age at diagnosis × Sex", "Female"] == [
        row.label.text for row in table.rows
    ]


def test_the_test_of_proportional_hazards_is_said_below_the_model(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    found = {"statistic": 4.2, "df": 1, "p_value": 0.0404}
    terms = {"arm": found, "region": found | {"p_value": 0.6}}
    whole = {"statistic": 5.1, "df": 3, "p_value": 0.165}
    result: dict[str, Any] = trial.cox_result(trial.COX_ARM)
    tested = result | {"ph_test": {"transform": "km", "terms": terms, "global_test": whole}}
    notes = cox_table.make(shown("cox_arm", results={"cox_arm": tested})).csv()

    assert (
        "Test of proportional hazards against the Kaplan–Meier estimate: χ² = 5.10, 3 df, P = .17 "
        "(randomised arm, P = .04; study groups, P = .60)."
    ) in notes


def plan_with_fine_gray(trial: ModuleType) -> Any:
    """The plan of the trial, in which the model cox_arm is a Fine-Gray model."""
    plan = trial.study_plan()
    found = plan.analysis("cox_arm")
    fitted = FineGraySpec.model_validate(
        {"id": "cox_arm", "kind": "fine_gray", "endpoint": "EFS", "cause": "relapse"}
        | {"terms": [term.model_dump() for term in found.terms], "strata": ["study_group"]}
    )
    others = [each for each in plan.analyses if each.id != "cox_arm"]
    return plan.model_copy(update={"analyses": (*others, fitted)})


def test_a_fine_gray_model_names_its_ratio_and_the_competing_events(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result = trial.cox_result(
        trial.COX_ARM,
        kind="fine_gray",
        competing=31,
        censoring="pooled",
        robust={"clustered_by": "patient", "naive_std_err": [0.2] * len(trial.COX_ARM)},
    )
    made = shown(
        "cox_arm",
        plan=plan_with_fine_gray(trial),
        results={"cox_arm": result},
    )
    text, drawn = cox_table.make(made).csv(), forest.draw(made)

    assert text.startswith("Variable,SHR,95% CI,P\n")
    assert "268 events of the cause, 31 competing events;" in text
    assert "Standard errors are robust." in text
    assert "SHR, subdistribution hazard ratio" in text
    assert ("SHR", "subdistribution hazard ratio") in drawn.abbreviations


def test_a_fine_gray_model_that_is_withheld_names_its_ratio_as_well(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    held = {"kind": "fine_gray", "warnings": [], "n": {"withheld": "minimum_at_risk 10"}}
    made = shown("cox_arm", plan=plan_with_fine_gray(trial), results={"cox_arm": held})
    text, drawn = cox_table.make(made).csv(), forest.draw(made)

    assert text.startswith("Variable,SHR,95% CI,P\n")
    assert ("SHR", "subdistribution hazard ratio") in drawn.abbreviations


def test_the_baseline_hazard_is_said_below_the_model_by_stratum(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    numbers = {"cumulative_hazard": 0.7441, "std_err": 0.1075}
    rows = [
        {"stratum": {"arm": level}, "time": time, **numbers}
        for level, time in (("A", 1.0), ("A", 2.5), ("B", 1.0))
    ]
    result: dict[str, Any] = trial.cox_result(trial.COX_ARM)
    given = result | {"baseline_hazard": {"numbers": {"age": 60.0}, "rows": rows}}
    notes = cox_table.make(shown("cox_arm", results={"cox_arm": given})).csv()

    assert notes.count("Cumulative baseline hazard (standard error) at the reference levels") == 2
    assert "0.74 (0.11) up to 1 and 0.74 (0.11) up to 2.5" in notes


def test_an_offset_and_a_penalty_are_named_below_the_model(
    trial: ModuleType, shown: Callable[..., Shown]
) -> None:
    result: dict[str, Any] = trial.cox_result(trial.COX_ARM, offset="age", penalty="firth")
    text = cox_table.make(shown("cox_arm", results={"cox_arm": result})).csv()

    assert "Estimates maximise the likelihood under Firth's penalty." in text
    assert "The coefficient of age at diagnosis, months is set to 1 (offset)." in text
