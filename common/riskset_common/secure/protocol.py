"""The whole protocol, every party in order: the executable specification of a secure sum, and the driver of its tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from riskset_common.secure.pool import (
    Pooled,
    collect_keys,
    make_offer,
    make_request,
    pool_reports,
)
from riskset_common.secure.roster import Roster
from riskset_common.secure.sections import Section
from riskset_common.secure.session import accept_keys, advertise, open_offer, report
from riskset_common.signing import Identity
from riskset_common.wire import Advertisement, Keys, Offer, Report, RoundRequest


@dataclass(frozen=True, slots=True)
class Party:
    """A site as the protocol sees it: who it is, and the random bytes it drew for this session."""

    site_id: int
    identity: Identity = field(repr=False)
    ephemeral_private: bytes = field(repr=False)
    snapshot_commitment: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """One round: what is asked, how the answer is laid out, and each site's true numbers (counts, reals) by site number."""

    questions: bytes
    sections: Sequence[Section]
    answers: Mapping[int, tuple[NDArray[np.int64], NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rounds opened, and every message that the centre received, byte for byte in the order of arrival."""

    pooled: tuple[Pooled, ...]
    received: tuple[bytes, ...]


def run_secure_sum(
    *,
    centre: Identity,
    nonce: bytes,
    roster: Roster,
    plan_json: bytes,
    codebook_json: bytes,
    parties: Sequence[Party],
    minimum_sites: int,
    rounds: Sequence[Question],
) -> Outcome:
    """Run one session of profile S. Each message passes as the bytes that a transport would carry."""
    received: list[bytes] = []

    # Offer. The centre signs the session that plan, codebook, roster and nonce define;
    # each site computes the session for itself.
    sid, offered = make_offer(centre, nonce, roster, plan_json, codebook_json)
    offer = Offer.from_bytes(offered.to_bytes())
    sids = [open_offer(offer, centre=centre.public, roster=roster) for _ in parties]

    # ADV. Each site makes a session key, signs it, and commits to its frozen records.
    states = {}
    for party, own_sid in zip(parties, sids, strict=True):
        states[party.site_id], advertised = advertise(
            party.identity,
            party.site_id,
            own_sid,
            party.ephemeral_private,
            party.snapshot_commitment,
            roster,
        )
        received.append(advertised.to_bytes())

    # KEYS. The centre shows everybody the same list; each site checks all of it,
    # freezes the set, and derives a key with each other site.
    joined = [Advertisement.from_bytes(message) for message in received]
    setup, listed = collect_keys(sid, roster, joined)
    keys = Keys.from_bytes(listed.to_bytes())
    for site_id, state in states.items():
        states[site_id] = accept_keys(state, keys, minimum_sites=minimum_sites)

    # REQ, REP. One question to all, one masked report from each; only the sum over all can be read.
    pooled = []
    for number, question in enumerate(rounds, start=1):
        asked = make_request(setup, number, question.sections, question.questions)
        request = RoundRequest.from_bytes(asked.to_bytes())
        answers = []
        for party in parties:
            counts, reals = question.answers[party.site_id]
            states[party.site_id], answer = report(
                states[party.site_id], request, counts, reals, identity=party.identity
            )
            answers.append(answer.to_bytes())
        received += answers
        reports = [Report.from_bytes(message) for message in answers]
        pooled.append(pool_reports(setup, roster, request, reports))

    return Outcome(tuple(pooled), tuple(received))
