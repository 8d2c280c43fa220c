from __future__ import annotations

import numpy as np
import pytest

from riskset_common.consortium.roster import Roster
from riskset_common.errors import (
    DataError,
    ProtocolRefusal,
    RisksetError,
    RosterRefusal,
    SignatureRefusal,
)
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.pooling import (
    check_refused,
    check_report,
    collect_keys,
    make_offer,
)
from riskset_common.secure.sums.reporting import report
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.setup import check_advertisement
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    accept_keys,
    advertise,
    blind_channels,
    open_offer,
    refuse,
)


def test_a_report_is_sent_again_byte_by_byte(consortium):
    study = consortium(3)
    setup, _, states = study.joined()
    request = study.request(setup, 2, 1)
    answer = np.array([1, 2]), np.array([0.5])
    party = study.parties[0]

    state, first = report(states[0], request, *answer, identity=party.identity)
    again, second = report(state, request, *answer, identity=party.identity)

    assert first.to_bytes() == second.to_bytes()
    assert state == again


def test_a_node_that_lost_the_report_computes_the_same_bytes_anew(consortium):
    study = consortium(3)
    setup, _, states = study.joined()
    request = study.request(setup, 2, 1)
    answer = np.array([1, 2]), np.array([0.5])
    identity = study.parties[0].identity

    _, first = report(states[0], request, *answer, identity=identity)
    _, second = report(states[0], request, *answer, identity=identity)

    assert first.to_bytes() == second.to_bytes()


def test_keys_are_accepted_again_without_a_change(consortium):
    study = consortium(3)
    _, keys, states = study.joined()

    assert states[0] == accept_keys(states[0], keys, rule=study.rule, minimum_sites=1)


def test_a_strict_site_holds_keys_with_those_it_masks_with(consortium):
    _, _, after = consortium(3).joined()

    assert (1, 2) == tuple(peer.site_id for peer in after[0].peers)


def test_no_secret_shows_when_a_state_is_printed(consortium):
    study = consortium(3)
    before, _ = study.advertised()
    _, _, after = study.joined()
    own = study.parties[0].secrets
    secrets = [own.ephemeral_private, own.self_root]
    for peer in after[0].peers:
        secrets += [peer.mask, peer.to_seal, peer.to_open]
    printed = repr(before[0]) + repr(after[0]) + repr(study.parties[0])

    assert [] == [key for key in secrets if repr(key) in printed or key.hex() in printed]


def test_a_site_advertises_only_with_the_key_that_the_roster_lists(consortium):
    study = consortium(3)
    stranger = Identity.from_random(b"x" * 32)
    with pytest.raises(ProtocolRefusal, match="lists another key for site 'site 1'"):
        advertise(
            stranger,
            1,
            study.sid,
            SessionSecrets(b"e" * 32, b"r" * 32),
            b"s" * 32,
            study.roster,
        )


def test_a_site_reports_only_with_the_key_that_the_roster_lists(consortium):
    study = consortium(3)
    setup, _, states = study.joined()
    with pytest.raises(ProtocolRefusal, match="lists another key for site 'site 0'"):
        report(
            states[0],
            study.request(setup, 0, 0),
            np.empty(0, np.int64),
            np.empty(0),
            identity=study.parties[1].identity,
        )


def test_masking_leaves_the_numbers_of_the_site_alone(consortium):
    study = consortium(3)
    setup, _, states = study.joined()
    counts, reals = np.array([4, 5]), np.array([0.25])
    identity = study.parties[0].identity

    report(states[0], study.request(setup, 2, 1), counts, reals, identity=identity)

    assert ([4, 5], [0.25]) == (counts.tolist(), reals.tolist())


@pytest.mark.parametrize(
    ("offered", "here", "says"),
    [
        (8, 7, "Get roster.yaml and roster.yaml.sig from the centre"),
        (7, 8, "The centre must offer its plan with the newest roster"),
    ],
)
def test_the_refusal_of_another_roster_says_whose_is_older(consortium, offered, here, says):
    study = consortium(2)
    theirs, ours = (Roster(version=each, members=study.roster.members) for each in (offered, here))
    _, offer = make_offer(study.centre, bytes(32), theirs, b"{}", b"{}", 1)
    with pytest.raises(RosterRefusal, match=says):
        open_offer(offer, centre=study.centre.public, roster=ours)


def test_a_session_without_sites_has_no_keys(consortium):
    study = consortium(2)
    with pytest.raises(ProtocolRefusal, match="No site joined"):
        collect_keys(study.centre, study.sid, study.roster, [], study.rule)


def test_a_report_of_a_site_that_did_not_join_is_refused(consortium):
    study = consortium(3)
    _, advertisements = study.advertised()
    setup, _ = collect_keys(study.centre, study.sid, study.roster, advertisements[:2], study.rule)
    full, _, states = study.joined()
    request = study.request(full, 1, 0)
    late = study.reports(states, request, study.zeros(1, 0))[2]
    asked = study.request(setup, 1, 0)
    with pytest.raises(ProtocolRefusal, match="it is not one of the sites that were asked"):
        check_report(setup, setup.initial_set(), study.roster, asked, late)


def test_pooled_arrays_come_by_analysis_and_name(consortium):
    study = consortium(2)
    setup, _, states = study.joined()
    request = study.request(setup, 2, 1)
    answers = {0: (np.array([1, 2]), np.array([0.5])), 1: (np.array([3, 4]), np.array([0.25]))}
    reports = study.reports(states, request, answers)

    pooled = study.pool(setup, request, reports.values())
    arrays = pooled.arrays()

    assert [4, 6] == arrays[("curve", "events")].tolist()
    assert [0.75] == arrays[("cox", "score")].tolist()
    assert {(name, array) for name, of in pooled.by_analysis().items() for array in of} == set(
        arrays
    )


def test_two_sites_have_one_key_for_what_they_send_each_other_of_blind_models(consortium):
    study = consortium(3)
    _, _, states = study.joined()
    keys = {i: blind_channels(state) for i, state in states.items()}

    assert all({0, 1, 2} - {i} == set(to) for i, to in keys.items())
    assert all(keys[i][j] == keys[j][i] for i in keys for j in keys[i])
    assert 3 == len({key for to in keys.values() for key in to.values()})


def test_a_refusal_says_its_kind_and_nothing_else(consortium):
    study = consortium(3)
    error = DataError("row 17: patient 4711 died before birth")

    refused = refuse(study.parties[1].identity, 1, study.sid, 2, error)
    check_refused(study.sid, study.roster, refused)

    assert "data" == refused.wire_code
    assert b"4711" not in refused.to_bytes()


def test_an_unknown_kind_of_refusal_travels_as_failed(consortium):
    class Strange(RisksetError):
        wire_code = "patient 4711"

    study = consortium(3)

    assert "failed" == refuse(study.parties[1].identity, 1, study.sid, 2, Strange()).wire_code


def test_a_refusal_in_anothers_name_is_refused(consortium):
    study = consortium(3)
    refused = refuse(study.parties[1].identity, 1, study.sid, 2, ProtocolRefusal("no"))
    with pytest.raises(SignatureRefusal, match="the refusal of site 'site 2'"):
        check_refused(study.sid, study.roster, refused.model_copy(update={"site_id": 2}))


def test_a_refusal_of_another_session_is_refused(consortium):
    study = consortium(3)
    refused = refuse(study.parties[1].identity, 1, b"o" * 32, 2, ProtocolRefusal("no"))
    with pytest.raises(ProtocolRefusal, match="another session"):
        check_refused(study.sid, study.roster, refused)


def test_an_advertisement_for_another_session_is_refused(consortium):
    study = consortium(3)
    _, advertisements = study.advertised()
    with pytest.raises(ProtocolRefusal, match="joins another session than this one"):
        check_advertisement(b"o" * 32, study.roster, advertisements[0])


def test_a_session_of_fewer_sites_than_the_plan_says_has_no_keys(consortium):
    study = consortium(3)
    _, advertisements = study.advertised()
    rule = Rule("strict", (0, 1, 2), 3)
    with pytest.raises(ProtocolRefusal, match="its plan allows sums over 3 or more only"):
        collect_keys(study.centre, study.sid, study.roster, advertisements[:2], rule)
