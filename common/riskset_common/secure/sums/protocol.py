"""The whole protocol, every party in order: the executable specification of a secure sum, and the driver of its tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from riskset_common.consortium.roster import Roster
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.pooling import (
    Pooled,
    checked_by_site,
    collect_keys,
    make_close,
    make_offer,
    make_request,
    open_checked,
    pooled_of,
)
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND, report
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.setup import Setup
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    SiteSession,
    accept_keys,
    accept_opening,
    advertise,
    close,
    open_offer,
)
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.from_centre import FromCentre
from riskset_common.wire.messages import (
    Advertisement,
    Close,
    Keys,
    Offer,
    Opening,
    Report,
    RoundRequest,
    UnmaskAnswer,
    UnmaskRequest,
)
from riskset_common.wire.sections import Section

Sent = TypeVar("Sent", bound=FromCentre)


@dataclass(frozen=True, slots=True)
class Party:
    """A site as the protocol sees it: who it is, and the random bytes it drew for this session."""

    site_id: int
    identity: Identity = field(repr=False)
    secrets: SessionSecrets = field(repr=False)
    snapshot_commitment: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """One round: what is asked, how the answer is laid out, and each site's true numbers (counts, reals) by site number.

    `lost` are sites whose report does not arrive, `silent` committee members who report but do not help to open.
    """

    questions: bytes
    sections: Sequence[Section]
    answers: Mapping[int, tuple[NDArray[np.int64], NDArray[np.float64]]]
    lost: frozenset[int] = frozenset()
    silent: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rounds opened, and every message that the centre received and published, byte for byte in order."""

    pooled: tuple[Pooled, ...]
    received: tuple[bytes, ...]
    published: tuple[bytes, ...]
    sites: Mapping[int, SiteSession]


def run_secure_sum(
    *,
    centre: Identity,
    nonce: bytes,
    roster: Roster,
    plan_json: bytes,
    codebook_json: bytes,
    parties: Sequence[Party],
    rule: Rule,
    minimum_sites: int,
    rounds: Sequence[Question],
) -> Outcome:
    """Run one session. Each message passes as the bytes that a transport would carry.

    Parameters
    ----------
    rule
        Who may open what, by the plan.
    minimum_sites
        What every site's own policy asks for.
    """
    received: list[bytes] = []

    # Offer. The centre signs the session that plan, codebook, roster and nonce define;
    # each site computes the session for itself.
    sid, offered = make_offer(centre, nonce, roster, plan_json, codebook_json, 1)
    offer = Offer.from_bytes(offered.to_bytes())
    sids = [open_offer(offer, centre=centre.public, roster=roster) for _ in parties]

    # ADV. Each site makes a session key, signs it, and commits to its frozen records.
    states = {}
    for party, own_sid in zip(parties, sids, strict=True):
        states[party.site_id], advertised = advertise(
            party.identity,
            party.site_id,
            own_sid,
            party.secrets,
            party.snapshot_commitment,
            roster,
        )
        received.append(advertised.to_bytes())

    # KEYS. The centre shows everybody the same list; each site checks all of it and the rule,
    # and derives keys with the others.
    joined = [Advertisement.from_bytes(message) for message in received]
    setup, listed = collect_keys(centre, sid, roster, joined, rule)
    keys = _received(Keys, listed, centre)
    for site_id, state in states.items():
        states[site_id] = accept_keys(state, keys, rule=rule, minimum_sites=minimum_sites)

    # Rounds. The first opening fixes the set of sites; later rounds are answered by exactly that set.
    pooled, published = [], []
    frozen, after = setup.initial_set(), NO_ROUND
    for number, question in enumerate(rounds, start=1):
        asked = make_request(
            centre, setup, frozen, number, after, question.sections, question.questions
        )
        opening, arrived = _run_round(
            centre, setup, frozen, roster, parties, states, asked, question
        )
        received += arrived
        published.append(opening.to_bytes())
        pooled.append(pooled_of(asked, opening))
        frozen, after = pooled[-1].participants, opening.label

    # Close. Nothing is kept that could open a report.
    over = _received(Close, make_close(centre, sid), centre)
    states = {
        site_id: close(state, over, centre=centre.public) for site_id, state in states.items()
    }
    return Outcome(tuple(pooled), tuple(received), tuple(published), states)


def _received(kind: type[Sent], message: Sent, centre: Identity) -> Sent:
    """A message as a site reads it: from the bytes that a transport carried, and dropped unless the centre signed it."""
    read = kind.from_bytes(message.to_bytes())
    read.require_signed_by(centre.public)
    return read


def _run_round(
    centre: Identity,
    setup: Setup,
    frozen: tuple[int, ...] | None,
    roster: Roster,
    parties: Sequence[Party],
    states: dict[int, SiteSession],
    asked: RoundRequest,
    question: Question,
) -> tuple[Opening, list[bytes]]:
    """One round: `states` are replaced by the ones that follow. The opening, and what the centre received."""
    here = {
        party.site_id: party
        for party in parties
        if party.site_id in asked.participants and party.site_id not in question.lost
    }

    # REQ, REP. One question to all, one masked report from each.
    request = _received(RoundRequest, asked, centre)
    received = []
    for i, party in here.items():
        states[i], answer = report(
            states[i], request, *question.answers[i], identity=party.identity
        )
        received.append(answer.to_bytes())
    reports = [Report.from_bytes(message) for message in received]

    checked = checked_by_site(setup, frozen, roster, asked, reports)
    answers = []
    if asked.profile == "recoverable":
        by_site = {number: each.report for number, each in checked.items()}
        answers = _gather_shares(centre, setup, here, states, asked, by_site, question.silent)
        received += [answer.to_bytes() for answer in answers]

    # Opening. The centre publishes the sum and all it was made of; every site adds it up again.
    opened = open_checked(centre, setup, frozen, roster, asked, checked, answers)
    opening = _received(Opening, opened, centre)
    for site_id in here:
        states[site_id] = accept_opening(states[site_id], opening)
    return opening, received


def _gather_shares(
    centre: Identity,
    setup: Setup,
    here: Mapping[int, Party],
    states: dict[int, SiteSession],
    asked: RoundRequest,
    reports: Mapping[int, Report],
    silent: frozenset[int],
) -> list[UnmaskAnswer]:
    """UREQ, URES: in a recoverable round the committee gives away its shares, of each site's self seed where its report is in the sum,
    of its pairs' seeds where it is not. `states` are replaced by the ones that follow.
    """
    answers = []
    for member, wanted in unmask_requests(centre, setup, asked, reports).items():
        if member in silent:
            continue
        request = _received(UnmaskRequest, wanted, centre)
        states[member], given = answer_unmask(
            states[member], request, identity=here[member].identity
        )
        answers.append(UnmaskAnswer.from_bytes(given.to_bytes()))
    return answers
