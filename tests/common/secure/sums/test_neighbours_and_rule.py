from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.secure.sums.neighbours import Graph, company_for, degree_for
from riskset_common.secure.sums.rule import Rule, Terms, rule_for


def roster(n_sites: int) -> Roster:
    members = tuple(
        Member(site_id=i, name=f"site {i}", study_group="north", public=i.to_bytes(32, "little"))
        for i in range(n_sites)
    )
    return Roster(version=1, members=members)


def test_everybody_masks_with_everybody_up_to_200_sites():
    assert 199 == degree_for(200)
    assert 120 == degree_for(201)
    assert 40 == company_for(120)


@given(st.integers(5, 60), st.integers(1, 12), st.binary(min_size=32, max_size=32))
def test_neighbours_are_mutual_and_as_many_as_the_degree(n_sites, half, setup):
    degree = min(2 * half, (n_sites - 1) // 2 * 2)
    graph = Graph(range(n_sites), degree, setup)
    for i in range(n_sites):
        neighbours = graph.neighbours(i)

        assert degree == len(set(neighbours))
        assert i not in neighbours
        assert sorted(neighbours) == list(neighbours)
        assert all(i in graph.neighbours(j) for j in neighbours)


def test_the_ring_follows_from_the_setup_and_not_from_the_order_of_names():
    one = Graph(range(50), 6, b"1" * 32)
    other = Graph(range(50), 6, b"2" * 32)

    assert [one.neighbours(i) for i in range(50)] != [other.neighbours(i) for i in range(50)]
    assert one.neighbours(7) == Graph(range(50), 6, b"1" * 32).neighbours(7)


def test_a_site_whose_neighbours_dropped_out_is_not_opened():
    graph = Graph(range(40), 9 * 2, b"1" * 32)
    target = 11
    around = graph.neighbours(target)
    lonely = [i for i in range(40) if i not in around[:-5]]
    enough = [i for i in range(40) if i not in around[:-6]]
    graph.require_company(enough)
    with pytest.raises(ProtocolRefusal, match="Only 5 of the 18 peers of site number 11"):
        graph.require_company(lonely)


@pytest.mark.parametrize(
    ("n_sites", "minimum", "threshold"),
    [(1, 1, 1), (3, 3, 3), (5, 5, 4), (6, 5, 5), (7, 5, 5), (18, 13, 13), (31, 22, 21)],
)
def test_the_default_rule(n_sites, minimum, threshold):
    rule = rule_for(roster(n_sites))

    assert (minimum, threshold) == (rule.minimum_sites, rule.threshold)


@pytest.mark.parametrize("n_sites", [1, 2, 3, 4, 5])
def test_small_sessions_are_strict(n_sites):
    terms = rule_for(roster(n_sites)).terms(range(n_sites))

    assert Terms((), 0, n_sites - 1) == terms
    assert "strict" == terms.profile


def test_eighteen_sites_are_recoverable_and_thirteen_of_them_are_not():
    rule = rule_for(roster(18))

    assert Terms(tuple(range(18)), 13, 17) == rule.terms(range(18))
    assert Terms(tuple(range(14)), 13, 13) == rule.terms(range(14))
    assert "strict" == rule.terms(range(13)).profile


def test_a_strict_plan_is_strict_at_any_size():
    assert "strict" == rule_for(roster(60), profile="strict").terms(range(60)).profile


@given(st.integers(3, 50))
def test_no_two_openings_of_a_round_can_find_members_enough(m):
    """With up to 2t - m - 1 corrupted members, who answer twice, the honest ones do not suffice for two openings."""
    t = Rule("recoverable", tuple(range(m)), 2).threshold
    c = 2 * t - m - 1

    assert t <= m
    assert 0 <= c < t
    assert 2 * (t - c) > m - c


def test_a_named_committee_counts_all_who_are_named():
    rule = rule_for(roster(60), committee=[3, 1, 2, 8, 9, 10, 11], minimum_sites=40)

    assert 5 == rule.threshold
    assert Terms((1, 2, 3, 8, 9), 5, 41) == rule.terms({1, 2, 3, 8, 9, *range(20, 57)})
    assert "strict" == rule.terms({1, 2, 3, 8, *range(20, 60)}).profile


def test_a_large_roster_is_strict_until_a_committee_is_named():
    assert "recoverable" == rule_for(roster(50)).terms(range(50)).profile
    assert "strict" == rule_for(roster(51)).terms(range(51)).profile
    named = rule_for(roster(51), committee=range(7))

    assert Terms(tuple(range(7)), 5, 50) == named.terms(range(51))


def test_a_committee_of_two_is_refused():
    with pytest.raises(ProtocolRefusal, match="A committee of 2 could open single reports"):
        rule_for(roster(9), committee=[1, 2, 2])


def test_a_committee_of_strangers_is_refused():
    with pytest.raises(ProtocolRefusal, match="Site number 99 is not in roster"):
        rule_for(roster(9), committee=[1, 2, 99])
