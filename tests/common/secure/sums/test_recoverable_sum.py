"""What a recoverable session promises: exact sums over whoever reported, one set of sites, and nothing of a single one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.common.secure.sums.whole_round import open_round

from riskset_common.errors import ProtocolRefusal, SignatureRefusal
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.opening import unmasked_sum
from riskset_common.secure.sums.pooling import make_close
from riskset_common.secure.sums.recovery import recover_seeds, unmask_requests
from riskset_common.secure.sums.reporting import report
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.site_session import accept_keys, accept_opening, close
from riskset_common.secure.sums.statements import unmask_statement
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.messages import UnmaskRequest


def opened(study, lost=(), *, n_counts=3, n_reals=2):
    """A first round: set-up, states, request, the reports that arrived, and the members' answers."""
    setup, _, states = study.joined()
    request = study.request(setup, n_counts, n_reals)
    reports = study.reports(states, request, study.zeros(n_counts, n_reals))
    arrived = {i: each for i, each in reports.items() if i not in lost}
    return setup, states, request, arrived


def test_a_report_with_deposits_is_sent_again_byte_by_byte(consortium):
    study = consortium(6, "first", Rule("recoverable", (0, 1, 2, 3, 4, 5), 3))
    setup, _, states = study.joined()
    request = study.request(setup, 2, 1)
    answer = np.array([1, 2]), np.array([0.5])

    _, first = report(states[0], request, *answer, identity=study.identity(0))
    _, second = report(states[0], request, *answer, identity=study.identity(0))

    assert 5 * 6 * 48 == first.deposits_length
    assert first.to_bytes() == second.to_bytes()


def test_members_answer_once_more_in_the_same_bytes(consortium):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study, lost=(5,))
    asked = unmask_requests(study.centre, setup, request, arrived)[0]

    state, first = answer_unmask(states[0], asked, identity=study.identity(0))
    again, second = answer_unmask(state, asked, identity=study.identity(0))
    _, anew = answer_unmask(states[0], asked, identity=study.identity(0))

    assert first.to_bytes() == second.to_bytes() == anew.to_bytes()
    assert state == again
    assert (0, 1, 2, 3, 4) == state.frozen


def test_a_second_set_of_sites_is_refused(consortium):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study)
    study.unmasked(setup, states, request, arrived)
    fewer = {i: each for i, each in arrived.items() if i != 3}
    with pytest.raises(ProtocolRefusal, match="there is one set for a session"):
        study.unmasked(setup, states, request, fewer)


def test_too_few_contributors_are_refused(consortium):
    study = recoverable(consortium, 6, minimum_sites=4)
    setup, states, request, arrived = opened(study, lost=(3, 4, 5))
    with pytest.raises(ProtocolRefusal, match="at least 4 must be in it"):
        study.unmasked(setup, states, request, arrived)


def test_a_members_own_minimum_holds_beside_the_rule(consortium):
    study = recoverable(consortium, 6, minimum_sites=3)
    setup, states, request, arrived = opened(study, lost=(4, 5))
    strict = replace(states[0], minimum_sites=5)
    asked = unmask_requests(study.centre, setup, request, arrived)[0]
    with pytest.raises(ProtocolRefusal, match="at least 5 must be in it"):
        answer_unmask(strict, asked, identity=study.identity(0))


def test_a_site_may_not_drop_out_and_contribute_at_once(consortium):
    """The deposits of a dropped pair are asked for beside those of the site itself."""
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study)
    all_there = unmask_requests(study.centre, setup, request, arrived)[0]
    fewer = {i: each for i, each in arrived.items() if i != 5}
    one_lost = unmask_requests(study.centre, setup, request, fewer)[0]
    both = all_there.model_copy(
        update={"envelopes_length": len(one_lost.body), "body": one_lost.body}
    )
    with pytest.raises(ProtocolRefusal, match="never both"):
        answer_unmask(states[0], both, identity=study.identity(0))


def test_deposits_of_another_member_cannot_be_opened(consortium):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study)
    of_another = unmask_requests(study.centre, setup, request, arrived)[1]
    with pytest.raises(ProtocolRefusal, match="A deposit of site number"):
        answer_unmask(states[0], of_another, identity=study.identity(0))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sid": bytes(32)}, "another session"),
        ({"label": bytes(32)}, "another question"),
        ({"round": 2}, "sent no report in round 2"),
    ],
)
def test_a_request_for_other_shares_is_refused(consortium, change, says):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study)
    asked = unmask_requests(study.centre, setup, request, arrived)[0].model_copy(update=change)
    with pytest.raises(ProtocolRefusal, match=says):
        answer_unmask(states[0], asked, identity=study.identity(0))


def test_a_forged_report_is_not_helped_to_open(consortium):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study)
    asked = unmask_requests(study.centre, setup, request, arrived)[0]
    first, *rest = asked.contributors
    forged = first.model_copy(update={"masked": bytes(32)})
    asked = asked.model_copy(update={"contributors": (forged, *rest)})
    with pytest.raises(SignatureRefusal, match="the report of site 'site 0'"):
        answer_unmask(states[0], asked, identity=study.identity(0))


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ((1, 0, 2, 3), "in the order of their numbers"),
        ((0, 0, 1, 2), "in the order of their numbers"),
        ((0, 1, 2, 9), "no site of this session"),
    ],
)
def test_contributors_are_sites_of_the_session_each_once(consortium, chosen, says):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study)
    asked = unmask_requests(study.centre, setup, request, arrived)[0]
    headers = tuple(
        asked.contributors[0].model_copy(update={"site_id": site_id}) for site_id in chosen
    )
    with pytest.raises(ProtocolRefusal, match=says):
        answer_unmask(
            states[0],
            asked.model_copy(update={"contributors": headers}),
            identity=study.identity(0),
        )


def test_who_is_not_on_the_committee_gives_no_shares(consortium):
    study = consortium(6, "first", Rule("recoverable", (0, 1, 2), 2))
    setup, states, request, arrived = opened(study)
    asked = unmask_requests(study.centre, setup, request, arrived)[0]
    with pytest.raises(ProtocolRefusal, match="not on the committee"):
        answer_unmask(states[4], asked, identity=study.identity(4))


def test_a_strict_round_has_no_shares(consortium):
    study = recoverable(consortium, 5)
    setup, states, request, arrived = opened(study)
    answers = study.unmasked(setup, states, request, arrived)
    opening = open_round(
        study.centre, setup, None, study.roster, request, arrived.values(), answers.values()
    )
    states = {i: accept_opening(state, opening) for i, state in states.items()}
    second = study.request(setup, 1, 0, number=2, after=opening.label, frozen=tuple(range(5)))
    reports = study.reports(states, second, study.zeros(1, 0))
    asked = UnmaskRequest(
        sid=setup.sid,
        round=2,
        label=reports[0].label,
        contributors=(),
        envelopes_length=0,
        body=b"",
    )

    assert {0} == {each.deposits_length for each in reports.values()}
    with pytest.raises(ProtocolRefusal, match="is strict"):
        answer_unmask(states[0], asked, identity=study.identity(0))


def test_wrong_shares_are_named_when_the_others_suffice(consortium):
    study = recoverable(consortium, 7)
    setup, states, request, arrived = opened(study)
    answers = study.unmasked(setup, states, request, arrived)
    answers[2] = shares_changed(study, setup, answers[2], tuple(arrived))
    with pytest.raises(ProtocolRefusal, match="Shares of committee member 'site 2' are wrong"):
        study.pool(setup, request, arrived.values(), answers.values())
    del answers[2]

    assert [0, 0, 0] == study.pool(
        setup, request, arrived.values(), answers.values()
    ).counts.tolist()


def test_wrong_shares_are_noticed_when_nobody_is_to_spare(consortium):
    study = recoverable(consortium, 7)
    setup, states, request, arrived = opened(study)
    answers = study.unmasked(setup, states, request, arrived)
    answers[2] = shares_changed(study, setup, answers[2], tuple(arrived))
    enough = [answers[i] for i in range(5)]
    with pytest.raises(ProtocolRefusal, match="do not give the seeds"):
        study.pool(setup, request, arrived.values(), enough)


def test_fewer_answers_than_the_threshold_open_nothing(consortium):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study)
    answers = study.unmasked(setup, states, request, arrived)
    with pytest.raises(ProtocolRefusal, match="4 of the committee answered; 5 must"):
        study.pool(setup, request, arrived.values(), [answers[i] for i in range(4)])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"label": bytes(32)}, ProtocolRefusal, "not of this round"),
        ({"body": b"", "shares_length": 0}, ProtocolRefusal, "sent 0 shares where 6"),
        ({"signature": bytes(64)}, SignatureRefusal, "the shares of site 'site 1'"),
    ],
)
def test_shares_that_do_not_fit_are_refused(consortium, change, error, says):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study)
    answers = study.unmasked(setup, states, request, arrived)
    answers[1] = answers[1].model_copy(update=change)
    with pytest.raises(error, match=says):
        recover_seeds(setup, study.roster, arrived[0].label, arrived, answers.values())


def test_a_report_without_its_deposits_is_refused(consortium):
    study = recoverable(consortium, 6)
    setup, _, request, arrived = opened(study)
    bare = arrived[0].model_copy(update={"deposits_length": 0, "body": arrived[0].masked})
    with pytest.raises(ProtocolRefusal, match="0 bytes of deposits"):
        study.pool(setup, request, [bare])


def test_the_sum_of_all_reports_is_noise_before_it_is_unmasked(consortium):
    study = recoverable(consortium, 6)
    _, _, _, arrived = opened(study, n_counts=60, n_reals=0)
    total = np.zeros(60, np.uint64)
    for each in arrived.values():
        total += np.frombuffer(each.masked, np.uint64)

    assert 60 == len(np.unique(total))
    assert 0 not in total


def test_a_late_report_adds_noise_and_not_its_numbers(consortium):
    """The sum was opened without site 5; its report, held back, does not give its numbers by subtraction."""
    study = recoverable(consortium, 6)
    setup, _, states = study.joined()
    request = study.request(setup, 60, 0)
    reports = study.reports(states, request, study.zeros(60, 0))
    late = reports.pop(5)
    answers = study.unmasked(setup, states, request, reports)
    pooled = study.pool(setup, request, reports.values(), answers.values())
    seeds = recover_seeds(setup, study.roster, late.label, reports, answers.values())
    left = np.frombuffer(late.masked, np.uint64).copy()
    # All pairs' masks of site 5 are known now; its self mask is not.
    pairs = [(5, j) for j in range(5)]
    unmasked, _ = unmasked_sum([left.tobytes()], (60, 0), [], pairs, seeds[5:])

    assert [0] * 60 == pooled.counts.tolist()
    assert 60 == len(np.unique(unmasked))
    assert 0 not in unmasked


def test_bytes_of_a_recoverable_report_are_uniform(consortium):
    study = recoverable(consortium, 4)
    _, _, _, arrived = opened(study, n_counts=60_000, n_reals=20_000)
    for each in arrived.values():
        seen = np.bincount(np.frombuffer(each.body, np.uint8), minlength=256)
        expected = len(each.body) / 256
        chi_square = float(np.sum((seen - expected) ** 2) / expected)

        # 255 degrees of freedom: mean 255, standard deviation 22.6.
        assert 255 - 5 * 22.6 < chi_square < 255 + 5 * 22.6


def test_two_sessions_share_neither_masks_nor_deposits(consortium):
    words = []
    for word in ("first", "second"):
        study = consortium(4, word, Rule("recoverable", (0, 1, 2, 3), 2))
        _, _, _, arrived = opened(study, n_counts=60, n_reals=60)
        words += [np.frombuffer(each.body, np.uint64) for each in arrived.values()]
    together = np.concatenate(words)

    assert len(together) == len(np.unique(together))


def test_later_rounds_are_answered_by_the_frozen_set_only(consortium, question):
    study = recoverable(consortium, 6)
    setup, states, request, arrived = opened(study, lost=(5,))
    answers = study.unmasked(setup, states, request, arrived)
    opening = open_round(
        study.centre, setup, None, study.roster, request, arrived.values(), answers.values()
    )
    states = {i: accept_opening(state, opening) for i, state in states.items()}
    zeros = np.zeros(1, np.int64), np.zeros(0)
    all_again = study.request(setup, 1, 0, number=2, after=opening.label)
    fewer = study.request(setup, 1, 0, number=2, after=opening.label, frozen=(0, 1, 2, 3))
    frozen = study.request(setup, 1, 0, number=2, after=opening.label, frozen=(0, 1, 2, 3, 4))

    for asked in (all_again, fewer):
        with pytest.raises(ProtocolRefusal, match="The set is frozen"):
            report(states[0], asked, *zeros, identity=study.identity(0))
    with pytest.raises(ProtocolRefusal, match="it must be strict"):
        report(
            states[0],
            frozen.model_copy(update={"profile": "recoverable"}),
            *zeros,
            identity=study.identity(0),
        )
    with pytest.raises(ProtocolRefusal, match="not one of those whose sums are opened"):
        report(states[5], frozen, *zeros, identity=study.identity(5))
    reports = {
        i: report(states[i], frozen, *zeros, identity=study.identity(i))[1] for i in range(5)
    }
    with pytest.raises(ProtocolRefusal, match="waits for 1 of 5 sites: site 4"):
        study.pool(setup, frozen, [reports[i] for i in range(4)])

    assert [0] == study.pool(setup, frozen, reports.values()).counts.tolist()


def test_a_round_is_left_out_for_nobody(consortium):
    study = recoverable(consortium, 4)
    setup, _, states = study.joined()
    second = study.request(setup, 1, 0, number=2)
    elsewhere = study.request(setup, 1, 0, after=b"x" * 32)
    for asked in (second, elsewhere):
        with pytest.raises(ProtocolRefusal, match="does not follow on round 0"):
            study.reports(dict(states), asked, study.zeros(1, 0))


def test_a_closed_session_holds_no_keys_and_answers_nothing(consortium):
    study = recoverable(consortium, 4)
    setup, keys, states = study.joined()
    over = make_close(study.centre, study.sid)
    closed = close(states[0], over, centre=study.centre.public)

    assert closed.secrets is None
    assert () == closed.peers
    with pytest.raises(ProtocolRefusal, match="closed and its keys are deleted"):
        report(
            closed,
            study.request(setup, 0, 0),
            np.empty(0, np.int64),
            np.empty(0),
            identity=study.identity(0),
        )
    with pytest.raises(ProtocolRefusal, match="closed and its keys are deleted"):
        accept_keys(closed, keys, rule=study.rule, minimum_sites=1)


def test_only_the_centre_closes_a_session(consortium):
    study = recoverable(consortium, 4)
    _, _, states = study.joined()
    stranger = Identity.from_random(b"x" * 32)
    with pytest.raises(SignatureRefusal, match="the centre's Close"):
        close(states[0], make_close(stranger, study.sid), centre=study.centre.public)
    with pytest.raises(ProtocolRefusal, match="another session"):
        close(states[0], make_close(study.centre, b"o" * 32), centre=study.centre.public)


def recoverable(consortium, n_sites: int, minimum_sites: int = 2):
    return consortium(n_sites, "first", Rule("recoverable", tuple(range(n_sites)), minimum_sites))


def shares_changed(study, setup, answer, contributors):
    """The answer of a member that lies about its first share, and signs it."""
    body = bytes([answer.body[0] ^ 1]) + answer.body[1:]
    statement = unmask_statement(answer.label, answer.site_id, contributors, body)
    signature = study.identity(answer.site_id).sign(statement)
    return answer.model_copy(update={"body": body, "signature": signature})
