from __future__ import annotations

import pytest
from pydantic import ValidationError

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import ProtocolRefusal


def member(
    site_id: int, name: str | None = None, key: int | None = None, group: str = "north"
) -> Member:
    return Member(
        site_id=site_id,
        name=name or f"site {site_id}",
        study_group=group,
        public=bytes([site_id if key is None else key]) * 32,
    )


def test_a_site_is_found_by_its_number():
    roster = Roster(version=1, members=(member(3), member(9)))

    assert member(9) == roster.member(9)
    assert "site 3" == roster.name(3)


def test_a_number_outside_the_roster_is_refused():
    roster = Roster(version=4, members=(member(3),))
    with pytest.raises(ProtocolRefusal, match="Site number 5 is not in roster version 4"):
        roster.member(5)


def test_the_hash_covers_all_that_a_roster_says():
    rosters = [
        Roster(version=1, members=(member(1), member(2))),
        Roster(version=2, members=(member(1), member(2))),
        Roster(version=1, members=(member(1), member(3, key=2))),
        Roster(version=1, members=(member(1), member(2, name="other"))),
        Roster(version=1, members=(member(1), member(2, key=7))),
        Roster(version=1, members=(member(1), member(2, group="south"))),
        Roster(version=1, members=(member(1), member(2, name="site 2n", group="orth"))),
        Roster(version=1, members=(member(1),)),
        Roster(version=1, members=()),
    ]

    assert len(rosters) == len({roster.hash for roster in rosters})
    assert rosters[0].hash == Roster(version=1, members=(member(1), member(2))).hash


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ((member(1), member(1, name="b", key=2)), "one site_id twice"),
        ((member(1), member(2, name="site 1")), "one name twice"),
        ((member(1), member(2, key=1)), "one public twice"),
        ((member(2), member(1)), "not in the order"),
    ],
)
def test_a_roster_that_is_not_one_list_of_sites_is_refused(members, what):
    with pytest.raises(ProtocolRefusal, match=what):
        Roster(version=1, members=members)


def test_a_malformed_member_is_refused_without_being_quoted():
    with pytest.raises(ValidationError) as caught:
        Member(site_id=1, name="site", study_group="north", public=b"secret bytes")

    assert "secret bytes" not in str(caught.value)
