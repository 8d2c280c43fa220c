"""Who computes blind models: worked out alike by every party, in an order that nobody's name decides."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.common.study.infant_trial import plan_yaml, sites, study

from riskset_common.errors import PlanError
from riskset_common.formats.canonical_json import content_hash
from riskset_common.planning.committees import (
    blind_analyses,
    candidates,
    in_common,
    rounded_problems,
    serving,
)
from riskset_common.study.codebook import Derived
from riskset_common.study.study import Site, Study

TRIAL = study()
NAMES = [site.name for site in sites()]


def with_blind(**blind: object) -> Study:
    return study(plan_yaml() | {"secure": {"blind": blind}})


def test_without_candidates_the_order_is_that_of_a_hash_of_plan_codebook_and_name() -> None:
    begin = content_hash(TRIAL.plan) + content_hash(TRIAL.codebook)
    keys = [hashlib.sha256(begin + name.encode()).digest() for name in candidates(TRIAL)]

    assert sorted(keys) == keys
    assert sorted(NAMES) == sorted(candidates(TRIAL))
    assert sorted(NAMES) != list(candidates(TRIAL))


def test_another_version_of_the_plan_has_another_order() -> None:
    other = study(plan_yaml() | {"version": "9.9.9"})
    codebook = TRIAL.codebook.model_copy(update={"version": 99})

    assert candidates(TRIAL) != candidates(other)
    assert candidates(TRIAL) != candidates(replace(TRIAL, codebook=codebook))


@given(st.sets(st.sampled_from(NAMES), min_size=3))
def test_the_first_candidates_that_are_there_serve(there: set[str]) -> None:
    here = [site for site in TRIAL.sites if site.name in there]
    expected = [name for name in candidates(TRIAL) if name in there][:3]

    assert expected == [site.name for site in serving(TRIAL, here)]


def test_candidates_serve_in_the_order_of_the_plan() -> None:
    five = ["sjcrh", "dcog", "pinda", "arg", "cph", "coall"]
    trial = with_blind(candidates=five, size=5, threshold=2)
    without = [site for site in trial.sites if site.name not in {"dcog", "anzchog"}]

    assert five[:5] == [site.name for site in serving(trial, trial.sites)]
    assert ["sjcrh", "pinda", "arg", "cph", "coall"] == [
        site.name for site in serving(trial, without)
    ]


def test_nobody_serves_whom_the_plan_does_not_name() -> None:
    trial = with_blind(candidates=["sjcrh", "dcog", "pinda"])
    with pytest.raises(PlanError, match=r"of sjcrh, dcog, pinda only sjcrh, pinda is among"):
        serving(trial, [site for site in trial.sites if site.name != "dcog"])


def test_members_of_one_study_group_are_found() -> None:
    a, b, c = Site("a", "North"), Site("b", "South"), Site("c", "North")

    assert [("of one study group, North", ("a", "c"))] == list(in_common(TRIAL, (a, b, c)))
    assert [] == list(in_common(TRIAL, (a, b)))


def test_members_of_one_country_are_found_if_the_codebook_tells_countries() -> None:
    a, b, c = Site("a", "COALL"), Site("b", "BFM"), Site("c", "NOPHO")
    groups = {"Germany": ["COALL", "BFM"], "elsewhere": ["NOPHO"]}
    country = Derived.model_validate({"from": "study_group", "label": "Country", "groups": groups})
    codebook = TRIAL.codebook.model_copy(update={"derived": {"country": country}})

    found = list(in_common(replace(TRIAL, codebook=codebook), (a, b, c)))

    assert [("of one country, Germany", ("a", "b"))] == found


def rounded(n_sites: int, **secure: object) -> Study:
    sites = tuple(Site(f"s{k}", f"g{k}") for k in range(n_sites))
    plan = plan_yaml() | {"disclosure": {"release": "rounded"}, "secure": secure}
    return replace(study(plan), sites=sites)


def test_rounded_results_are_all_computed_on_shares() -> None:
    of = rounded(5)

    assert tuple(each.id for each in of.plan.analyses) == blind_analyses(of.plan, of.sites)


@pytest.mark.parametrize("n_sites", [1, 2])
def test_rounded_results_of_fewer_than_three_sites_are_refused(n_sites: int) -> None:
    said = f"computed on shares by three sites or more; {n_sites} "

    assert [each for each in rounded_problems(rounded(n_sites)) if said in each]
    assert not [each for each in rounded_problems(rounded(3)) if "three sites" in each]


def test_a_wrong_share_must_show_only_where_it_can() -> None:
    shown = with_blind(size=5, threshold=1, checked="required").plan.secure.blind

    assert "required" == shown.checked
    for blind in ({"size": 3}, {"size": 5}, {"size": 5, "threshold": 2}):
        with pytest.raises(PlanError, match="checked: a wrong share shows among five"):
            with_blind(**blind, checked="required")
