"""Who serves in the committee, and what it takes to pass somebody over."""

from __future__ import annotations

import pytest
from tests.common.secure.blind.blind_parties import identity_of, secret
from tests.common.secure.blind.counts.small_counts import count_setup

from riskset_common.errors import ProtocolRefusal, SignatureRefusal
from riskset_common.secure.blind.parties.serving import Candidates

ROSTER = count_setup().roster
CANDIDATES = Candidates(
    session=secret("session"),
    roster=ROSTER,
    participants=(0, 1, 2, 3, 5),
    order=(5, 4, 0, 3, 1),
    size=3,
    threshold=1,
)


def refused(match, error=ProtocolRefusal):
    return pytest.raises(error, match=match)


def words(lost, before=(), signers=(0, 1, 2)):
    return [
        CANDIDATES.pass_over(identity_of(site), site, before, lost)
        for site in signers
        if site != lost
    ]


def test_the_first_candidates_among_the_participants_serve():
    assert (0, 3, 5) == CANDIDATES.committee([]).site_ids


def test_a_candidate_is_passed_over_by_more_than_half_of_all_sites():
    three = words(5)

    assert (0, 1, 3) == CANDIDATES.committee(three).site_ids
    with refused("2 of 5 sites agree"):
        CANDIDATES.committee(three[:2])
    with refused("2 of 5 sites agree"):
        CANDIDATES.committee([*three[:2], three[0]])
    forged = [*three[:2], three[2].model_copy(update={"signature": three[0].signature})]
    with refused("word of site 'site 2'", SignatureRefusal):
        CANDIDATES.committee(forged)
    strangers = words(5, signers=(0, 1, 4))
    with refused("2 of 5 sites agree"):
        CANDIDATES.committee(strangers)


def test_candidates_are_passed_over_one_after_another_until_too_few_are_left():
    first, second = words(5), words(3, (5,))
    with refused("2 candidates are left"):
        CANDIDATES.committee([*first, *second])
    with refused("another time"):
        CANDIDATES.committee(second)


def test_a_site_agrees_to_no_other_than_one_who_would_serve():
    with refused("this site itself"):
        CANDIDATES.pass_over(identity_of(0), 0, (), 0)
    with refused("would not serve"):
        CANDIDATES.pass_over(identity_of(0), 0, (), 1)
    signature = identity_of(0).sign(CANDIDATES.statement(0, 1))
    word = words(5)[0]
    wrong = [
        word.model_copy(
            update={
                "site_id": site,
                "lost": 1,
                "signature": identity_of(site).sign(CANDIDATES.statement(0, 1)),
            }
        )
        for site in (0, 2, 3)
    ]
    assert signature == wrong[0].signature
    with refused("'site 1' is passed over in the committee, but would not serve"):
        CANDIDATES.committee(wrong)
