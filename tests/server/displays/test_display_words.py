"""What a reader calls things."""

from __future__ import annotations

from types import ModuleType

import pytest

from riskset_server.displays.parts.words import Words, listed, lower_first, sentence_case
from riskset_server.kinds.kinds import words_of


def test_identifiers_become_words() -> None:
    assert "Death in CR" == sentence_case("death_in_cr")
    assert "Second malignancy" == sentence_case("second_malignancy")


def test_a_word_inside_a_sentence_is_small_unless_it_is_an_abbreviation() -> None:
    assert ["age at diagnosis", "WBC count", "KMT2A status", "B-lineage"] == [
        lower_first(word) for word in ("Age at diagnosis", "WBC count", "KMT2A status", "B-lineage")
    ]


def test_a_person_in_a_method_keeps_the_capital() -> None:
    assert "Cox model" == lower_first("Cox model")
    assert "Gray's test" == lower_first("Gray's test")
    assert "coxal pain" == lower_first("Coxal pain")


def test_lists_are_joined_as_in_a_sentence() -> None:
    assert ["", "a", "a and b", "a, b, and c"] == [
        listed(["a", "b", "c"][:length]) for length in range(4)
    ]


def test_groups_are_named_by_the_labels_of_the_codebook(words: Words) -> None:
    assert "Male, High" == words.group({"sex": "male", "risk_group": "HR"})
    assert "All patients" == words.group({})
    assert "≥ 6" == words.group({"age_6": ">= 6"})
    assert "aieop" == words.group({"site": "aieop"})


def test_columns_of_crossed_groups_are_taken_apart(words: Words) -> None:
    assert "Male, High" == words.column(("sex", "risk_group"), "male / HR")
    assert "High" == words.column(("risk_group",), "HR")
    assert "All patients" == words.column((), "all")


def test_an_interaction_is_named_by_both_even_where_a_level_holds_a_colon(
    trial: ModuleType,
) -> None:
    codebook = trial.study_codebook()
    levels = {"a:b": "A to B", "c": "C"}
    odd = codebook.variables["cd10"].model_copy(update={"levels": levels})
    odd_words = words_of(
        trial.study_plan(),
        codebook.model_copy(update={"variables": codebook.variables | {"cd10": odd}}),
    )

    assert "A to B × Female" == odd_words.term_level("cd10:sex", "a:b:female")
    assert "Female × A to B" == odd_words.term_level("sex:cd10", "female:a:b")
    assert "Immunophenotype × Sex" == odd_words.term("cd10:sex")


def test_an_interaction_with_a_number_is_named_by_the_level_of_the_factor(words: Words) -> None:
    assert "Female" == words.term_level("sex:age", "female")
    assert "Female" == words.term_level("age:sex", "female")
    assert "Age at diagnosis, months" == words.term("age")


def test_the_time_axis_says_since_what(words: Words) -> None:
    assert "Time since diagnosis (years)" == words.time_axis(["EFS", "OS"])
    assert "Time since random assignment (years)" == words.time_axis(["DFS"])
    assert "Time (years)" == words.time_axis(["EFS", "DFS"])


def test_horizons_and_durations_read_in_the_plans_unit(trial: ModuleType, words: Words) -> None:
    days = words_of(trial.study_plan(time={"unit": "days"}), words.codebook)

    assert ("6-year", "365.25-day") == (words.horizon(6.0), days.horizon(365.25))
    assert ("5.3", "0.49", "2.0") == tuple(words.duration(time) for time in (5.3, 0.49, 2.0))
    assert ("270", "1,022.5") == tuple(days.duration(time) for time in (270.0, 1022.5))


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("efs", "Event-free survival"),
        ("efs_risk", "Event-free survival by risk group"),
        ("table1", "Patient characteristics by risk group"),
        ("events", "First events of event-free survival by risk group"),
        ("followup", "Follow-up"),
        ("cox_arm", "Cox model of disease-free survival: randomly assigned (intention to treat)"),
    ],
)
def test_an_analysis_without_a_title_is_named_by_what_it_shows(
    words: Words, name: str, title: str
) -> None:
    assert title == words.title(words.plan.analysis(name))


def test_sites_that_are_grouped_are_named_by_the_variable(trial: ModuleType) -> None:
    extra = "  - {id: among, kind: heterogeneity, endpoint: EFS, terms: [{factor: sex}], by: study_group}\n"
    words = words_of(trial.study_plan(extra), trial.study_codebook())

    assert "Effect among sites on event-free survival by study group" == words.title(
        words.plan.analysis("among")
    )


def test_conditions_stand_behind_the_population(trial: ModuleType) -> None:
    extra = "  - {id: mr, kind: kaplan_meier, endpoint: DFS, population: randomised, where: {risk_group: [MR, HR]}, title: MR}\n"
    words = words_of(trial.study_plan(extra), trial.study_codebook())
    spec = words.plan.analysis("mr")

    assert "Randomly assigned (intention to treat); risk group: Medium or High" == words.population(
        spec
    )
    assert "MR" == words.title(spec)
    assert "planned" == words.planned(spec)
    assert "primary, planned" == words.planned(words.plan.analysis("dfs_arm"))


def test_a_level_that_fits_no_split_stands_as_it_is(words: Words) -> None:
    assert "female" == words.term_level("sex:arm", "female")


def test_an_endpoint_is_shortened_only_by_an_abbreviation(trial: ModuleType) -> None:
    plan = trial.study_plan()
    named = {"to_relapse": plan.endpoints["EFS"].model_copy(update={"label": "Time to relapse"})}
    words = words_of(plan.model_copy(update={"endpoints": named}), trial.study_codebook())

    assert "Time to relapse" == words.short_endpoint("to_relapse")
    assert () == words.endpoint_abbreviation("to_relapse")
    assert "OS" == words.endpoint("OS")
    assert "Time (years)" == words.time_axis(["OS"])
