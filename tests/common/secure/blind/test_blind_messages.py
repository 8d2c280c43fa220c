"""What sites, members and centre refuse in a blind model."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np
import pytest
from tests.common.secure.blind.blind_parties import (
    Cohort,
    a_cohort,
    channels_of,
    design_of,
    fit_blind,
    identity_of,
    model_of,
    secret,
    setup_of,
)
from tests.common.secure.blind.blind_session import Session

from riskset_common.errors import (
    DataError,
    EstimationError,
    ProtocolRefusal,
    SignatureRefusal,
)
from riskset_common.primitives.strict_fields import StrictValue
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.arithmetic.field import (
    add,
    constant,
    from_bytes,
    from_integers,
    to_bytes,
)
from riskset_common.secure.blind.cox.digits import EXACT
from riskset_common.secure.blind.cox.newton import adopt, begin
from riskset_common.secure.blind.cox.opened import cox_sums_of, n_opened
from riskset_common.secure.blind.parties.keys import accept_keys
from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.wire.blind_messages import (
    BLIND_MESSAGES,
    BlindAsk,
    BlindBits,
    BlindLost,
    BlindShare,
    BlindStrike,
    BlindWave,
)

Kind = TypeVar("Kind", bound=StrictValue)

N_SITES = 4
COHORT = a_cohort(21, n=40)
SITE = np.arange(40) % N_SITES
MODEL = model_of(COHORT)
SETUP = setup_of(MODEL, N_SITES)


@pytest.fixture
def session() -> Session:
    return Session(SETUP, COHORT)


def refused(match: str, error=ProtocolRefusal):
    return pytest.raises(error, match=match)


def changed(message: Kind, **fields: Any) -> Kind:
    return message.model_copy(update=fields)


# What a site refuses


def test_the_first_question_is_at_zero(session):
    ask = changed(session.centre.ask([]), beta=(0.5, 0.0))
    with refused("at coefficients of 0"):
        session.answer(0, ask)


def test_a_site_answers_coefficients_only_that_more_than_t_members_signed(session):
    session.centre.conclude(_evaluated_everywhere(session))
    ask = session.next_ask()

    assert 3 == len(ask.consents)
    with refused("consent of 1 members"):
        session.answer(0, changed(ask, consents=ask.consents[:1]))
    with refused("consent of 1 members"):
        session.answer(0, changed(ask, consents=(ask.consents[0],) * 2))
    with refused("does not fit", SignatureRefusal):
        session.answer(0, changed(ask, beta=(ask.beta[0] + 1e-9, ask.beta[1])))
    stranger = changed(ask.consents[0], site_id=3)
    with refused("not in the committee"):
        session.answer(0, changed(ask, consents=(stranger, *ask.consents[1:])))
    assert ask.evaluation == len(session.sites[0].answered)
    session.answer(0, changed(ask, consents=ask.consents[:2]))


def test_a_site_answers_evaluations_in_order_and_under_its_own_setup(session):
    ask = session.centre.ask([])
    with refused("Evaluation 0 of model"):
        session.answer(0, changed(ask, evaluation=1))
    with refused("another set-up"):
        session.answer(0, changed(ask, setup=secret("other")))
    with refused("2 columns"):
        session.answer(0, changed(ask, beta=(0.0,)))


def test_a_site_sends_the_same_bytes_again_and_no_others(session):
    ask = session.centre.ask([])
    first = session.answer(0, ask)

    assert first == session.answer(0, ask)
    fewer = design_of(MODEL, COHORT, np.flatnonzero(SITE == 0)[1:])
    assert first == session.answer(0, ask, fewer)


def test_a_site_that_answered_at_other_coefficients_refuses(session):
    ask = session.centre.ask([])
    session.answer(0, ask)
    state = session.sites[0]
    (answered,) = state.answered
    other = answered.sent.model_copy(update={"label": bytes(32)})
    session.sites[0] = dataclasses.replace(
        state, answered=(dataclasses.replace(answered, sent=other),)
    )
    with refused("already answered"):
        session.answer(0, ask)


def test_a_site_refuses_coefficients_beyond_the_bounds():
    model = model_of(COHORT, warm_start=(60.0, 60.0))
    session = Session(setup_of(model, N_SITES), COHORT)
    with refused("Narrow the range", EstimationError):
        session.centre.conclude(session.evaluated())
        session.centre.propose()


def test_a_value_outside_of_its_range_never_enters():
    low = dataclasses.replace(MODEL, lower=(0.0, 0.0))
    with refused("column 1", DataError):
        low.standardised(COHORT.x)
    with refused("range", DataError):
        MODEL.standardised(np.full((1, 2), np.nan))


def test_a_death_at_an_unknown_time_is_refused():
    later = Cohort(COHORT.time + 0.5, COHORT.event, COHORT.x)
    with refused("start a new run", DataError):
        design_of(MODEL, later, np.arange(40))


# What a member refuses


def test_a_member_takes_one_signed_input_of_every_participant(session):
    ask = session.centre.ask([])
    inputs = session.inputs(ask)
    member = session.members[0]
    with refused("one input of each participant"):
        member.begin_evaluation(ask, inputs[:-1])
    with refused("one input of each participant"):
        member.begin_evaluation(ask, [inputs[1], inputs[0], *inputs[2:]])
    with refused("answers another question"):
        member.begin_evaluation(ask, [changed(inputs[0], label=secret(0)), *inputs[1:]])
    moved = to_bytes(add(from_bytes(inputs[0].body), constant(1)))
    with refused("does not fit", SignatureRefusal):
        member.begin_evaluation(ask, [changed(inputs[0], body=moved), *inputs[1:]])
    assert 2 == len(member.begin_evaluation(ask, inputs))
    with refused("still under way"):
        member.begin_evaluation(ask, inputs)


def _begun(session: Session):
    ask = session.centre.ask([])
    inputs = session.inputs(ask)
    return [member.begin_evaluation(ask, inputs) for member in session.members]


def test_a_member_takes_one_sealed_share_of_each_other_member(session):
    waiting = _begun(session)
    mine = [share for sent in waiting[1:] for share in sent if share.receiver == 0]
    member = session.members[0]
    with refused("One share of each other member"):
        member.receive(mine[:1])
    with refused("another opening"):
        member.receive([changed(mine[0], label=secret(0)), mine[1]])
    flipped = bytes([mine[0].body[0] ^ 1]) + mine[0].body[1:]
    with refused("does not open"):
        member.receive([changed(mine[0], body=flipped), mine[1]])
    not_mine = next(share for share in waiting[1] if share.receiver == 2)
    with refused("another opening"):
        member.receive([not_mine, mine[1]])
    assert isinstance(member.receive(mine), list)


def test_a_share_of_another_length_is_refused(session):
    from riskset_common.secure.blind.parties.keys import seal

    waiting = _begun(session)
    mine = [share for sent in waiting[1:] for share in sent if share.receiver == 0]
    label = mine[0].label
    body = seal(channels_of(1, N_SITES)[0], b"share", label, 1, 0, bytes(32))
    short = BlindShare(label=label, sender=1, receiver=0, length=1, body=body)
    with refused("differ in length"):
        session.members[0].receive([short, mine[1]])


def test_no_share_is_taken_while_none_is_awaited(session):
    with refused("no opening is under way"):
        session.members[0].receive([])


def test_members_that_were_sent_different_inputs_open_nothing(session):
    """A centre that lets one member add up other uploads of a site than the others."""
    ask = session.centre.ask([])
    inputs = session.inputs(ask)
    numbers = from_bytes(inputs[3].body)
    forged = to_bytes(add(numbers, constant(1 << 64)))
    statement = SETUP.input_statement(inputs[3].label, 3, forged)
    other = changed(inputs[3], body=forged, signature=identity_of(3).sign(statement))
    waiting = [
        session.members[0].begin_evaluation(ask, inputs),
        session.members[1].begin_evaluation(ask, inputs),
        session.members[2].begin_evaluation(ask, [*inputs[:3], other]),
    ]
    shares = [share for sent in waiting for share in sent]
    with refused("another opening"):
        session.members[0].receive([each for each in shares if each.receiver == 0])


def test_a_member_consents_to_newtons_step_alone(session):
    session.centre.conclude(_evaluated_everywhere(session))
    proposal = session.centre.propose()
    member = session.members[0]
    with refused("not the next step"):
        member.consent(changed(proposal, beta=(proposal.beta[0] + 1e-3, proposal.beta[1])))
    with refused("2 columns"):
        member.consent(changed(proposal, beta=proposal.beta[:1]))
    with refused("another evaluation"):
        member.consent(changed(proposal, evaluation=2))
    with refused("another evaluation"):
        Session(SETUP, COHORT).members[0].consent(Session(SETUP, COHORT).centre.propose())
    nearly = (proposal.beta[0] * (1 + 1e-13), proposal.beta[1])

    assert 0 == member.consent(changed(proposal, beta=nearly)).consent.site_id


def _evaluated_everywhere(session: Session):
    return session.evaluated()


def test_after_the_fit_no_further_evaluation_is_consented_to(session):
    while session.centre.conclude(session.evaluated()) is None:
        pass
    ask = BlindAsk(
        setup=SETUP.hash,
        evaluation=session.members[0]._evaluation,
        beta=(0.1, 0.1),
        consents=(),
    )
    with refused("The fit has ended"):
        session.members[0].consent(ask)


def test_keys_of_all_sites_are_opened_and_checked():
    session = Session(SETUP, COHORT)

    def accept(keys):
        return accept_keys(SETUP, 0, secret("site", 0), channels_of(0, N_SITES), keys)

    with refused("keys of all participants"):
        accept(session.keys[:-1])
    with refused("another set-up"):
        accept([*session.keys[:3], changed(session.keys[3], setup=secret(0))])
    commitments = (secret(1), *session.keys[3].commitments[1:])
    with refused("does not fit", SignatureRefusal):
        accept([*session.keys[:3], changed(session.keys[3], commitments=commitments)])
    signed = identity_of(3).sign(SETUP.keys_statement(3, commitments, session.keys[3].body))
    forged = changed(session.keys[3], commitments=commitments, signature=signed)
    with refused("another key than the one it committed to"):
        accept([*session.keys[:3], forged])


def test_a_box_of_too_few_keys_is_refused():
    from riskset_common.secure.blind.parties.keys import seal

    session = Session(SETUP, COHORT)
    keys = session.keys[3]
    box = seal(channels_of(3, N_SITES)[0], b"keys", SETUP.hash, 3, 0, bytes(32))
    body = box + keys.body[keys.boxes[0] :]
    boxes = (len(box), *keys.boxes[1:])
    signature = identity_of(3).sign(SETUP.keys_statement(3, keys.commitments, body))
    short = changed(keys, body=body, boxes=boxes, signature=signature)
    with refused("bytes of keys in place of"):
        accept_keys(
            SETUP, 0, secret("site", 0), channels_of(0, N_SITES), [*session.keys[:3], short]
        )


class _WrongShares(BlindMember):
    """A member that adds one to every share it sends."""

    def _sealed(self, masked):
        return super()._sealed(masked._replace(share=add(masked.share, constant(1))))


@pytest.mark.parametrize("liar", [0, 4])
def test_a_member_that_sends_wrong_shares_ends_the_run_where_members_are_to_spare(liar):
    cohort = a_cohort(22, n=40)
    model = model_of(cohort)
    session = Session(setup_of(model, 5, (5, 1)), cohort)
    honest = session.members[liar]
    keys, channels = honest._keys, honest._channels
    session.members[liar] = _WrongShares(session.setup, keys, identity_of(liar), liar, channels)
    with refused("contradict"):
        session.evaluated()


# What the centre refuses


def test_the_centre_takes_what_all_members_say(session):
    opened = session.evaluated()
    other = to_bytes(add(from_bytes(opened[2].body), constant(1)))
    with refused("do not all say"):
        session.centre.conclude([*opened[:2], changed(opened[2], body=other)])
    with refused("do not all say"):
        session.centre.conclude(opened[:2])
    with refused("does not fit", SignatureRefusal):
        session.centre.conclude([changed(each, body=other) for each in opened])
    with refused("something else"):
        session.centre.conclude([changed(each, evaluation=1) for each in opened])
    assert session.centre.conclude(opened) is None


def test_what_is_too_large_to_be_a_sum_is_noise():
    noise = from_integers([1 << 200] * n_opened(MODEL))
    with refused("is noise"):
        cox_sums_of(MODEL, EXACT, noise, 0.0)


# What cannot be set up


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"slot_strata": (), "slot_times": (), "deaths": ()}, "at least one event time"),
        ({"slot_strata": (0, 0), "slot_times": (2.0, 1.0), "deaths": (1, 1)}, "in order"),
        ({"slot_strata": (0,), "slot_times": (2.0,), "deaths": (0,)}, "at least one death"),
        ({"n_patients": 1}, "more deaths than patients"),
        ({"lower": (0.0,)}, "for each column"),
        ({"lower": (), "upper": ()}, "for each column"),
        ({"warm_start": (1.0,)}, "for each column"),
        ({"lower": (0.0, float("-inf"))}, "finite"),
        ({"lower": (9.0, 9.0)}, "finite"),
        ({"warm_start": (1.0, 1.0), "convergence": "r"}, "no warm start"),
    ],
)
def test_a_model_must_be_whole(fields, match):
    with refused(match):
        model_of(COHORT, **fields)


def test_a_setup_names_participants_once_and_members_among_them():
    with refused("in order"):
        dataclasses.replace(SETUP, participants=(1, 0, 2, 3))
    with refused("1 members of the committee take no part"):
        dataclasses.replace(SETUP, committee=Committee((0, 1, 7), 1))


@pytest.mark.parametrize(
    "other",
    [
        {"session": secret("other")},
        {"participants": (0, 1, 2)},
        {"committee": Committee((0, 1, 3), 1)},
        {"model": dataclasses.replace(MODEL, max_iterations=39)},
        {"model": dataclasses.replace(MODEL, warm_start=(0.1, 0.1))},
    ],
    ids=lambda other: next(iter(other)),
)
def test_everything_agreed_changes_the_setup(other):
    assert SETUP.hash != dataclasses.replace(SETUP, **other).hash


def test_coefficients_of_another_length_are_no_next_step():
    with refused("2 columns"):
        adopt(begin(MODEL), (0.0,))


# Bytes


def test_each_message_has_one_form_and_is_refused_in_any_other():
    _, outcome = fit_blind(COHORT, SITE, N_SITES)
    kinds = {message.kind: message for message in BLIND_MESSAGES}
    seen: dict[int, bytes] = {}
    for carried in outcome.carried:
        seen.setdefault(carried[3], carried)

    of_counts = {each.kind for each in (BlindBits, BlindWave, BlindLost, BlindStrike)}

    assert set(kinds) - of_counts == set(seen)
    for number, carried in seen.items():
        assert carried == kinds[number].from_bytes(carried).to_bytes()
        for broken in (carried[:-1], carried + b"\0", carried[:8] + b" " + carried[9:]):
            with pytest.raises(ProtocolRefusal):
                kinds[number].from_bytes(broken)
