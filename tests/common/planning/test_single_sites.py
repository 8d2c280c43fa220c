"""No plan opens one site's numbers alone, whatever it calls them, unless its release is exact."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.study.infant_trial import STUDY_GROUPS, codebook_yaml, plan_yaml, sites, study

from riskset_common.errors import PlanError, ProtocolRefusal
from riskset_common.planning.check import check_plan
from riskset_common.planning.single_sites import (
    Parting,
    all_parts,
    analyses_to_leave_out,
    parts,
    require_parts,
    small_parts,
)
from riskset_common.study.study import Site, Study

CURVE: dict[str, Any] = {"kind": "kaplan_meier", "endpoint": "OS"}
COX: dict[str, Any] = {
    "kind": "cox",
    "endpoint": "OS",
    "terms": [{"factor": "arm", "reference": "IB"}],
    "strata": ["site"],
}


def asked(*analyses: dict[str, Any], **options: Any) -> Study:
    """The trial with these analyses; `alone` is a derived variable with a level that only DCOG has."""
    codebook = codebook_yaml()
    codebook["derived"]["alone"] = {
        "from": "study_group",
        "label": "Alone",
        "groups": {"one": ["DCOG"], "others": [group for group in STUDY_GROUPS if group != "DCOG"]},
    }
    codebook["derived"]["most"] = {
        "from": "study_group",
        "label": "Most",
        "groups": {"most": [group for group in STUDY_GROUPS if group != "DCOG"]},
    }
    others = [group for group in STUDY_GROUPS if group != "DCOG"]
    codebook["derived"]["two_parts"] = {
        "from": "study_group",
        "label": "Parts of most",
        "groups": {"first": others[:9], "second": others[9:]},
    }
    plan = plan_yaml() | {"displays": [], "disclosure": options.get("disclosure", {})}
    plan["analyses"] = [{"id": f"x{k}"} | each for k, each in enumerate(analyses)]
    if any(each.get("population") == "one_site" for each in analyses):
        plan["populations"]["one_site"] = {"label": "One", "where": {"site": ["dcog"]}}
    plan["endpoints"]["there"] = {
        "label": "Death at one site",
        "origin": "date_diagnosis",
        "first_of": {"death": {"date": "date_death", "where": {"alone": ["one"]}}},
        "censor": "date_last_contact",
    }
    return study(plan, codebook, options.get("parties"))


def exposed(where: dict[str, list[str]]) -> tuple[dict[str, Any], ...]:
    """A model and an analysis at a landmark, whose exposure has conditions."""
    landmark = {"kind": "landmark", "endpoint": "OS", "at": 1, "exposure": "date_sct"}
    return (
        COX | {"terms": [{"exposure": "date_sct", "where": where}]},
        landmark | {"exposure_where": where},
    )


INCIDENCE: dict[str, Any] = {"kind": "cumulative_incidence", "endpoint": "OS"}

ALONE = {
    "curve by site": CURVE | {"by": "site"},
    "curve by study group": CURVE | {"by": ["arm", "study_group"]},
    "curve by a group of one": CURVE | {"by": "alone"},
    "curve of a group that leaves out one": CURVE | {"by": "most"},
    "exposure at one site": exposed({"alone": ["one"]})[0],
    "exposure until a landmark at one site": exposed({"alone": ["one"]})[1],
    "exposure that is unknown at one site": exposed({"two_parts": ["first"]})[0],
    "exposure until a landmark that is unknown at one site": exposed({"two_parts": ["first"]})[1],
    "test within sites by site": CURVE | {"by": "site", "test": "log_rank", "strata": ["study_group"]},
    "test stratified by a group of one": CURVE | {"by": "arm", "test": "log_rank", "strata": "alone"},
    "patients of one site": CURVE | {"where": {"site": ["dcog"]}},
    "patients of all sites but one": CURVE | {"where": {"alone": ["others"]}},
    "population of one site": CURVE | {"population": "one_site"},
    "follow-up of a study group": {"kind": "follow_up", "endpoint": "OS", "where": {"study_group": ["DCOG"]}},
    "events of one site": {"kind": "event_table", "endpoint": "there"},
    "event table by site": {"kind": "event_table", "endpoint": "OS", "by": "site"},
    "baseline by site": {"kind": "baseline", "by": "site", "rows": ["sex"]},
    "site as a characteristic": {"kind": "baseline", "by": "arm", "rows": ["site"]},
    "site as a factor": COX | {"terms": [{"factor": "site", "reference": "dcog"}]},
    "study group as a factor": COX | {"terms": [{"factor": "study_group", "reference": "DCOG"}]},
    "Cox model of one site": COX | {"where": {"site": ["dcog"]}},
    "test within sites in groups that leave out one": CURVE | {"by": "arm", "test": "log_rank", "strata": ["most", "site"]},
    "Gray within sites in such groups": INCIDENCE | {"by": "arm", "test": "gray", "strata": ["most", "site"]},
    "Cox model in such groups": COX | {"strata": ["site", "most"]},
    "heterogeneity in such groups": COX | {"kind": "heterogeneity", "strata": ["most"]},
    "univariate in such groups": {"kind": "univariate", "endpoint": "OS", "factors": ["arm"], "strata": ["site", "most"]},
}  # fmt: skip

TOGETHER = {
    "curve": CURVE,
    "curve by region": CURVE | {"by": "region"},
    "patients of a region": CURVE | {"where": {"region": ["other"]}},
    "test within sites": CURVE | {"by": "arm", "test": "log_rank", "strata": ["site"]},
    "test within study groups": CURVE | {"by": "arm", "test": "log_rank", "strata": ["study_group"]},
    "Cox model": COX,
    "Cox model within study groups": COX | {"strata": ["study_group", "sex"]},
    "Cox model within regions that hold all": COX | {"strata": ["site", "region"]},
    "Cox model with region": COX | {"terms": [{"factor": "region", "reference": "original"}]},
    "all sites by name": CURVE | {"where": {"site": [site.name for site in sites()]}},
}  # fmt: skip


@pytest.mark.parametrize("analysis", ALONE.values(), ids=list(ALONE))
def test_what_shows_one_site_alone_is_refused(analysis: dict[str, Any]) -> None:
    with pytest.raises(
        PlanError, match=r"analysis x0: .+ would show one site's numbers alone \(.*dcog"
    ):
        check_plan(asked(analysis))


@pytest.mark.parametrize("analysis", ALONE.values(), ids=list(ALONE))
def test_an_exact_release_may_show_one_site_alone(analysis: dict[str, Any]) -> None:
    check_plan(asked(analysis, disclosure={"release": "exact"}))


@pytest.mark.parametrize("analysis", TOGETHER.values(), ids=list(TOGETHER))
def test_what_shows_sites_together_is_allowed(analysis: dict[str, Any]) -> None:
    check_plan(asked(analysis))


def test_two_analyses_whose_difference_is_one_site_are_refused() -> None:
    southern = {"where": {"study_group": ["NOPHO", "COALL", "FRALLE", "AIEOP", "EORTC"]}}
    northern = {"where": {"study_group": ["DCOG", *southern["where"]["study_group"]]}}
    for alone in (CURVE | northern, CURVE | southern):
        check_plan(asked(alone))

    with pytest.raises(
        PlanError,
        match=r"analyses: taken together, study_group would show one site's numbers alone \(dcog\)",
    ):
        check_plan(asked(CURVE | northern, CURVE | southern))


def pairs(first: int, second: int) -> tuple[Site, ...]:
    """Sites of two study groups, so many of each."""
    groups = ["DCOG"] * first + ["ARG"] * second
    return tuple(Site(f"site-{k}", group) for k, group in enumerate(groups))


BY_GROUP = [
    CURVE | {"by": "arm", "test": "log_rank", "strata": ["study_group"]},
    CURVE | {"by": "study_group"},
]


def test_a_group_that_many_sites_share_shows_none_of_them() -> None:
    check_plan(asked(*BY_GROUP, parties=pairs(5, 5)))
    check_plan(asked(*BY_GROUP, parties=pairs(3, 4), disclosure={"minimum_sites": 3}))


def test_a_part_of_fewer_sites_than_the_plan_asks_for_is_refused() -> None:
    said = r"study_group would show the numbers of 4 sites \(study_group: ARG: site-5, site-6, site-7, site-8\)"
    with pytest.raises(PlanError, match=said) as refused:
        check_plan(asked(*BY_GROUP, parties=pairs(5, 4)))

    assert "needs 5 (disclosure.minimum_sites). Join the sites" in str(refused.value)


def test_no_plan_may_ask_for_parts_of_two() -> None:
    with pytest.raises(
        PlanError, match=r"disclosure.minimum_sites: a number of at least 3 was expected"
    ):
        asked(CURVE, disclosure={"minimum_sites": 2})


def test_a_region_is_refused_where_only_one_of_its_sites_takes_part() -> None:
    few = sites(("DCOG", "COALL", "NOPHO", "BFM-A", "BFM-G", "ARG"))

    with pytest.raises(PlanError, match=r"region would show one site's numbers alone \(arg\)"):
        check_plan(asked(CURVE | {"by": "region"}, parties=few))


@pytest.mark.parametrize("name", ["site", "study_group"])
def test_before_the_sites_are_known_what_is_built_in_is_refused(name: str) -> None:
    with pytest.raises(PlanError, match=f"{name} would show one site's numbers alone"):
        check_plan(asked(CURVE | {"by": name}, parties=()))


def test_before_the_sites_are_known_a_group_of_sites_is_allowed() -> None:
    check_plan(asked(CURVE | {"by": "region"}, parties=()))


@pytest.mark.parametrize(("name", "near"), [("site", "dcog"), ("study_group", "DCOG")])
def test_a_site_that_does_not_take_part_cannot_be_a_condition(name: str, near: str) -> None:
    with pytest.raises(
        PlanError, match=f"where: '{near}x' is not a level of {name}. Did you mean '{near}'"
    ):
        check_plan(asked(CURVE | {"where": {name: [f"{near}x"]}}))


def of_group(group: str, lost: int) -> list[Site]:
    """Six sites of each of two groups, without so many of one group."""
    own = [site for site in pairs(6, 6) if site.study_group == group]
    return [site for site in pairs(6, 6) if site not in own[:lost]]


@pytest.mark.parametrize(
    "analysis", [CURVE | {"by": "study_group"}, CURVE | {"where": {"study_group": ["ARG"]}}]
)
@pytest.mark.parametrize("group", ["DCOG", "ARG"])
def test_the_rule_holds_over_the_sites_that_are_in_the_sum(
    analysis: dict[str, Any], group: str
) -> None:
    trial = asked(analysis, parties=pairs(6, 6))

    require_parts(trial, trial.sites)
    require_parts(trial, of_group(group, 1))
    for lost in (2, 3, 4, 5):
        with pytest.raises(
            ProtocolRefusal, match=f"{6 - lost} of the 6 sites of .*, and 5 are needed"
        ):
            require_parts(trial, of_group(group, lost))
    # No number of a part is in a sum without the part, and the others are not parted by it.
    require_parts(trial, of_group(group, 6))


def test_what_an_exact_release_sums_may_be_of_one_site() -> None:
    trial = asked(
        CURVE | {"by": "study_group"}, parties=pairs(6, 6), disclosure={"release": "exact"}
    )

    require_parts(trial, of_group("ARG", 5))
    assert () == all_parts(trial)


def test_the_analyses_to_leave_out_are_those_without_which_no_part_is_too_small() -> None:
    trial = asked(
        CURVE,
        CURVE | {"by": "study_group"},
        CURVE | {"where": {"site": [f"site-{k}" for k in range(6)]}},
        CURVE | {"where": {"site": ["site-0", "site-1", *(f"site-{k}" for k in range(6, 10))]}},
        parties=pairs(6, 6),
        disclosure={"minimum_sites": 3},
    )  # fmt: skip
    assert ("x3",) == analyses_to_leave_out(trial, trial.sites)
    assert ("x1", "x2", "x3") == analyses_to_leave_out(trial, of_group("ARG", 4))


TRIAL = study()
names = [site.name for site in sites()]


@given(st.lists(st.lists(st.sampled_from(names), unique=True), max_size=4))
def test_parts_hold_every_site_once_and_any_answer_is_a_sum_of_parts(
    asked_of: list[list[str]],
) -> None:
    found = parts(TRIAL, [Parting("site", tuple(chosen)) for chosen in asked_of])

    assert sorted(names) == sorted(name for part in found for name in part.names)
    for chosen in asked_of:
        for part in found:
            assert set(part.names) & set(chosen) in (set(), set(part.names))


@given(
    st.lists(st.lists(st.sampled_from(names), unique=True, min_size=1), min_size=1, max_size=4),
    st.lists(st.sampled_from(names), unique=True, min_size=1),
)
def test_no_sum_that_is_opened_and_no_difference_of_two_is_of_too_few_sites(
    asked_of: list[list[str]], there: list[str]
) -> None:
    trial = asked(*(CURVE | {"where": {"site": chosen}} for chosen in asked_of))
    in_sum = [site for site in trial.sites if site.name in there]
    sums = [set(there), *(set(chosen) & set(there) for chosen in asked_of)]
    shown = [one - other for one in sums for other in (*sums, set())]
    if any(0 < len(each) < 5 and each != set(there) for each in shown):
        assert small_parts(trial, in_sum)
    elif len(asked_of) == 1:
        require_parts(trial, in_sum)


def test_a_refusal_names_a_part_once_and_three_of_the_analyses_that_part_it_off() -> None:
    trial = asked(*[CURVE | {"by": "study_group"}] * 5, parties=pairs(6, 6))
    with pytest.raises(ProtocolRefusal) as refused:
        require_parts(trial, of_group("ARG", 2))

    assert str(refused.value).endswith(
        "because the sites are parted by x0, x1, x2 and 2 more. It waits for site-6, site-7."
    )
