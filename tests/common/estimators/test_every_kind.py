"""What holds of every kind of analysis, which gets these tests by its line in the catalogue and an example in `analyses.py`.

The first: pooled over any split of the patients it equals one pool. Then: what leaves a site is named in what people approve, has a
shape that says nothing, and is asked no more often than the kind says; and the answers that a kind may give agree with one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.estimators.analyses import ALL, BLIND, COUNTED, STRATIFIED
from tests.common.estimators.cohorts import (
    CODEBOOK,
    Cohort,
    cohorts,
    each_cohort,
    nobody,
    problems_of,
    random_cohort,
    study_of,
    uneven_cohort,
)
from tests.common.estimators.pooling import assert_close, pool, result_of, summary_of
from tests.common.results.kept_types import keeps_types
from tests.examples import examples

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.catalogue import ESTIMATORS, estimator_of
from riskset_common.estimators.estimator import EVENTS, AnyRequest, Estimator, Request, Summary
from riskset_common.rounds.blind_models import waits
from riskset_common.rounds.questions import (
    questions_json,
    read_questions,
    sections_of,
    shapes_of,
)
from riskset_common.rounds.verified_sums import add_verified, check_repeated
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study

N_SITES = 5

some_seed = st.integers(0, 2**32 - 1)


def pooled_with_strata(analysis: dict[str, Any], cohort: Cohort) -> dict[str, Any]:
    """The same strata in one pool, where a variable names the site of each patient; for a test by itself they are then counted there."""
    strata = ["hospital" if name == "site" else name for name in analysis["strata"]]
    if analysis["kind"] not in ("kaplan_meier", "cumulative_incidence"):
        strata.append("site")
    return result_of(analysis | {"strata": strata}, cohort, 1)


def without_names_of_strata(result: Any) -> Any:
    """A result, or a part of one, that does not say what its strata are called."""
    if isinstance(result, dict):
        return {
            key: without_names_of_strata(item) for key, item in result.items() if key != "strata"
        }
    return (
        [without_names_of_strata(item) for item in result] if isinstance(result, list) else result
    )


@pytest.mark.parametrize("analysis", COUNTED.values(), ids=list(COUNTED))
@given(cohort=cohorts(N_SITES))
def test_counts_do_not_depend_on_the_split(analysis: dict[str, Any], cohort: Cohort) -> None:
    pooled = result_of(analysis, cohort, 1)
    split = result_of(analysis, cohort, N_SITES)

    assert pooled == split
    keeps_types(split)


@pytest.mark.parametrize("analysis", STRATIFIED.values(), ids=list(STRATIFIED))
@given(seed=some_seed)
@examples(15)
def test_sites_that_are_strata_equal_one_pool_with_these_strata(
    analysis: dict[str, Any], seed: int
) -> None:
    cohort = random_cohort(seed, n_sites=N_SITES)
    pooled = pooled_with_strata(analysis, cohort)
    split = result_of(analysis, cohort, N_SITES)

    assert_close(without_names_of_strata(pooled), without_names_of_strata(split))
    keeps_types(split)


@pytest.mark.parametrize("analysis", STRATIFIED.values(), ids=list(STRATIFIED))
@given(seed=some_seed)
@examples(10)
def test_sites_of_one_patient_of_none_and_without_events_are_no_trouble(
    analysis: dict[str, Any], seed: int
) -> None:
    cohort = uneven_cohort(seed)
    pooled = pooled_with_strata(analysis, cohort)
    split = result_of(analysis, cohort, N_SITES)

    assert_close(without_names_of_strata(pooled), without_names_of_strata(split))


@given(cohort=cohorts(N_SITES))
def test_a_log_rank_test_within_sites_equals_the_pool_however_few_they_are(cohort: Cohort) -> None:
    analysis = STRATIFIED["log-rank within sites and sexes under left truncation"]
    pooled = pooled_with_strata(analysis, cohort)
    split = result_of(analysis, cohort, N_SITES)

    assert_close(without_names_of_strata(pooled), without_names_of_strata(split))


@pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
@pytest.mark.parametrize("cohort", each_cohort().values(), ids=list(each_cohort()))
def test_there_is_a_result_whoever_the_patients_are(
    analysis: dict[str, Any], cohort: Cohort
) -> None:
    keeps_types(result_of(analysis, cohort, N_SITES))


@pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
def test_the_order_of_the_sites_does_not_matter(analysis: dict[str, Any]) -> None:
    study = study_of(analysis, N_SITES)
    sites = random_cohort(4).patients(study)

    assert_close(pool(study, sites).result, pool(study, sites[::-1]).result)


@pytest.mark.parametrize("kind", ["log-rank", "Cox"])
def test_a_study_group_of_one_site_is_as_good_a_stratum_as_the_site(kind: str) -> None:
    cohort = random_cohort(5)
    by_site = result_of(STRATIFIED[kind], cohort, N_SITES)
    by_group = result_of(STRATIFIED[kind] | {"strata": "study_group"}, cohort, N_SITES)

    assert_close(without_names_of_strata(by_site), without_names_of_strata(by_group))


def test_strata_that_span_sites_are_counted_in_the_pool() -> None:
    analysis = STRATIFIED["log-rank"] | {"strata": ["study_group"]}
    cohort = random_cohort(6)
    halves = cohort.with_values(site=(cohort.site > 1).astype(int))
    over_sites = result_of(analysis, cohort, N_SITES, groups=["a", "a", "b", "b", "b"])
    over_halves = result_of(analysis, halves, 2)

    assert_close(over_halves, over_sites)


EVERY = ALL | BLIND
every_analysis = pytest.mark.parametrize("analysis", EVERY.values(), ids=list(EVERY))


@dataclass(frozen=True)
class Round:
    """A request as a site has it, and the sum of all sites' answers."""

    request: AnyRequest
    pooled: Summary


def rounds(study: Study, sites: list[Patients]) -> Iterator[Round]:
    """Every round of the study's one analysis, until there is a result or it waits to be computed on shares."""
    [spec] = study.plan.analyses
    estimator = estimator_of(spec.kind)
    reached: Any = estimator.first(spec, study)
    verified: dict[str, Summary] = {}
    while isinstance(reached, Request) and not waits(reached):
        asked = questions_json({spec.id: reached})
        [request] = read_questions(study, asked, verified).values()
        answers = [summary_of(patients, study, asked, verified) for patients in sites]
        pooled = {name: np.asarray(sum(each[name] for each in answers)) for name in answers[0]}
        yield Round(request, pooled)
        verified = dict(add_verified(verified, study, {spec.id: pooled}))
        reached = estimator.next(reached, pooled)


def rounds_of(analysis: dict[str, Any]) -> list[Round]:
    """The rounds of a usual cohort of five sites."""
    study = study_of(analysis, N_SITES)
    return list(rounds(study, random_cohort(1).patients(study)))


def named(array: str) -> str:
    """An array as `discloses` names it, with the sort of its part and not its name."""
    sort, _, rest = array.partition(".")
    return f"{sort}.{rest.rpartition('.')[2]}" if rest else array


@every_analysis
def test_all_that_leaves_is_named_in_what_is_approved_and_in_its_ring(
    analysis: dict[str, Any],
) -> None:
    discloses = estimator_of(analysis["kind"]).discloses
    found = {
        named(array): shape.ring.value
        for each in rounds_of(analysis)
        for array, shape in shapes_of(each.request).items()
    }

    assert set() == found.keys() - discloses.arrays
    for ring, always in (("counts", discloses.counts), ("reals", discloses.reals)):
        assert {ring} >= {found.get(array, ring) for each in always for array in each.arrays}


def test_no_phrase_of_what_is_approved_is_long() -> None:
    lines = [line for estimator in ESTIMATORS for line in estimator.discloses.lines]

    assert max(len(line.split()) for line in lines) <= 32


@every_analysis
@given(cohort=cohorts())
@examples(10)
def test_the_shape_of_an_answer_depends_on_the_question_alone(
    analysis: dict[str, Any], cohort: Cohort
) -> None:
    study = study_of(analysis, N_SITES)
    # The longest follow-up there is, so that the grid holds every cohort.
    usual = random_cohort(1).patients(study)
    estimator = estimator_of(analysis["kind"])
    for each in rounds(study, usual):
        shapes = {
            tuple(
                (name, np.asarray(found).shape, np.asarray(found).dtype)
                for name, found in estimator.summarise(patients, each.request).items()
            )
            for patients in (usual[0], nobody().patients(study)[0], *cohort.patients(study))
        }

        assert 1 == len(shapes)


@every_analysis
def test_a_run_asks_no_array_more_often_than_its_kind_says(analysis: dict[str, Any]) -> None:
    [*asked] = rounds_of(analysis)
    sections = [sections_of({"asked": each.request}) for each in asked]
    for number, each in enumerate(asked):
        check_repeated({"asked": each.request}, sections[number], sections[:number])

    with pytest.raises(ProtocolRefusal, match="which is all that the plan allows"):
        check_repeated({"asked": asked[0].request}, sections[0], sections[:1] * 2)


@every_analysis
def test_what_an_analysis_uses_and_opens_is_in_the_codebook(analysis: dict[str, Any]) -> None:
    study = study_of(analysis, N_SITES)
    [spec] = study.plan.analyses
    estimator = estimator_of(spec.kind)
    uses = estimator.uses(spec)

    assert [] == problems_of(spec, study)
    assert set(uses.all_categories) <= {*CODEBOOK.variables, "site", "study_group"}
    assert {*uses.all_numbers, *(each.variable for each in uses.times)} <= CODEBOOK.variables.keys()
    assert {name for each in uses.times for name in each.where} <= CODEBOOK.variables.keys()
    assert set(uses.causes) <= {"relapse", "death"}
    assert set(estimator.opened_by(spec, study)) <= {*uses.all_categories}
    assert set(estimator.also_asks(spec)) <= {"kaplan_meier", "log_rank", "gray", "cox"}


@every_analysis
def test_a_test_that_a_site_allows_by_name_is_asked_for_by_name(analysis: dict[str, Any]) -> None:
    [spec] = study_of(analysis, N_SITES).plan.analyses
    named = {analysis.get("test")} if analysis.get("test") in ("log_rank", "gray") else set()

    assert named <= set(estimator_of(spec.kind).also_asks(spec))


@every_analysis
def test_a_spec_says_its_endpoint_cause_and_groups_whatever_its_kind(
    analysis: dict[str, Any],
) -> None:
    [spec] = study_of(analysis, N_SITES).plan.analyses
    by = analysis.get("by", [])

    assert analysis.get("endpoint") == spec.endpoint_name()
    assert analysis.get("cause") == spec.cause_name()
    assert ((by,) if isinstance(by, str) else tuple(by)) == spec.grouped_by()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: each.kind)
def test_a_key_for_an_endpoint_a_cause_or_groups_is_what_the_spec_says(
    estimator: Estimator[Any, Any, Any],
) -> None:
    says = {"endpoint": "endpoint_name", "cause": "cause_name", "by": "grouped_by"}
    own = {
        key
        for key, name in says.items()
        if getattr(estimator.spec, name) is not getattr(AnalysisSpec, name)
    }

    assert says.keys() & estimator.spec.model_fields.keys() == own


@every_analysis
def test_questions_rest_on_arrays_of_earlier_rounds(analysis: dict[str, Any]) -> None:
    study = study_of(analysis, N_SITES)
    [spec] = study.plan.analyses
    estimator = estimator_of(spec.kind)
    opened = {array for each in rounds_of(analysis) for array in each.pooled}
    needing = {
        name
        for each in rounds_of(analysis)
        for name, part in estimator.parts(each.request).items()
        if estimator_of(part.spec.kind).needs_events(part) is not None
    }
    rests_on = set(estimator.rests_on(spec, study))

    assert rests_on <= opened
    assert {f"{name}.{EVENTS}".lstrip(".") for name in needing} <= rests_on


@every_analysis
def test_the_arrays_of_an_analysis_are_those_of_its_parts(analysis: dict[str, Any]) -> None:
    estimator = estimator_of(analysis["kind"])
    for each in rounds_of(analysis):
        parts = estimator.parts(each.request)
        of_parts = {
            f"{name}.{array}".lstrip("."): shape
            for name, part in parts.items()
            for array, shape in shapes_of(part).items()
        }
        again = estimator.with_parts(each.request, parts)
        counted = estimator.counted(each.request)

        assert of_parts.items() <= shapes_of(each.request).items()
        assert shapes_of(each.request) == shapes_of(again)
        assert counted.keys() <= parts.keys()
        for part in map(parts.__getitem__, counted):
            beside = estimator_of(part.spec.kind).beside_counts(part)
            own = {} if beside is None else shapes_of(beside)

            assert own.items() < shapes_of(part).items()


@every_analysis
def test_honest_sites_contradict_nothing_and_count_everyone_once(analysis: dict[str, Any]) -> None:
    study = study_of(analysis, N_SITES)
    [spec] = study.plan.analyses
    cohort = random_cohort(1).patients(study)
    chosen = sum(int(study.chosen(each, spec.population, spec.where).sum()) for each in cohort)
    estimator = estimator_of(spec.kind)
    counted = set()
    for each in rounds(study, cohort):
        assert [] == list(estimator.contradictions(each.request, each.pooled))
        counted.add(estimator.everyone(each.request, each.pooled))

    assert counted <= {None, chosen}
    assert chosen in counted or spec.kind in ("univariate", "landmark")


@every_analysis
def test_an_analysis_waits_after_its_deaths_were_counted_or_never(analysis: dict[str, Any]) -> None:
    study = study_of(analysis, N_SITES)
    [spec] = study.plan.analyses
    estimator = estimator_of(spec.kind)
    asked = rounds_of(analysis)
    counts = [
        half.is_counted(part)
        for each in asked
        for part in estimator.parts(each.request).values()
        if (half := estimator_of(part.spec.kind).blind()) is not None
    ]

    assert any(counts) is estimator.is_blind(spec, study.sites)
    assert all(
        estimator.followed(patients, each.request).n <= patients.n
        for each in asked
        for patients in random_cohort(1).patients(study)
    )


def test_each_answer_that_a_kind_may_give_is_given_by_some_kind() -> None:
    optional = {
        name
        for name, member in vars(Estimator).items()
        if callable(member) and not name.startswith("_") and name != "analysed"
    }
    given_by_some = {
        name
        for estimator in ESTIMATORS
        for of in type(estimator).__mro__
        for name in vars(of)
        if of is not Estimator and issubclass(of, Estimator)
    }

    assert set() == optional - given_by_some


def test_only_a_kind_with_a_model_has_fits_on_shares() -> None:
    for estimator in ESTIMATORS:
        if type(estimator).fitted is Estimator.fitted:
            assert estimator.blind() is None
            [(_, analysis), *_] = [
                each for each in EVERY.items() if each[1]["kind"] == estimator.kind
            ]
            study = study_of(analysis, N_SITES)
            request = estimator.first(study.plan.analyses[0], study)
            with pytest.raises(ProtocolRefusal, match="no model to compute on shares"):
                estimator.fitted(request, {})


def test_every_kind_of_the_catalogue_has_an_example_here() -> None:
    kinds = [estimator.kind for estimator in ESTIMATORS]

    assert len(set(kinds)) == len(kinds)
    assert set(kinds) == {analysis["kind"] for analysis in EVERY.values()}
    for estimator in ESTIMATORS:
        assert [estimator.kind] == list(estimator.spec.model_fields["kind"].annotation.__args__)


def test_a_variable_may_have_the_name_of_a_number_in_the_summary() -> None:
    renamed = CODEBOOK.model_dump(by_alias=True)
    renamed["variables"]["n"] = renamed["variables"]["sex"]
    codebook = type(CODEBOOK).model_validate(renamed)
    study = study_of({"kind": "baseline", "rows": ["n", "sex"]}, 1)
    study = type(study)(study.plan, codebook, study.sites)
    [patients] = random_cohort(1).patients(study)
    categories = {**patients.categories, "n": patients.categories["sex"]}
    rows = pool(study, [replace(patients, categories=categories)]).result["rows"]

    assert rows[0]["counts"] == rows[2]["counts"]
