"""One small session, and each of its messages with the check that its receiver makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pytest
from tests.common.secure.sums.whole_round import open_round
from tests.common.wire.blind_exchange import (
    ANSWER_OF_A_SITE,
    STEP_TO_A_SITE,
    receive_answer,
    receive_step,
)

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import PolicyRefusal, ProtocolRefusal
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.blind_models import checked_sums
from riskset_common.secure.sums.pooling import (
    check_refused,
    collect_keys,
    make_close,
    make_offer,
    make_request,
)
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND, report
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    accept_keys,
    accept_opening,
    advertise,
    close,
    open_offer,
    refuse,
)
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.blind_steps import BlindBegin, BlindStep
from riskset_common.wire.frame import Message
from riskset_common.wire.from_centre import FromCentre
from riskset_common.wire.messages import (
    Advertisement,
    Close,
    Keys,
    Offer,
    Opening,
    Refused,
    Report,
    RoundRequest,
    UnmaskAnswer,
    UnmaskRequest,
)
from riskset_common.wire.sections import Section


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


Sent = TypeVar("Sent", bound=FromCentre)


@dataclass(frozen=True)
class Exchange:
    """A message as its sender wrote it, and `receive`: read it, and do with it what its receiver does."""

    message: Message
    receive: Callable[[bytes], object]


SITES = 4
"""Three on the committee, who must all answer; the fourth is lost in the round."""


@pytest.fixture(scope="session")
def exchanges() -> dict[str, Exchange]:  # noqa: C901  # one receiver for each kind of message
    centre = Identity.from_random(secret("centre"))
    sites = [Identity.from_random(secret("site", i)) for i in range(SITES)]
    roster = Roster(
        version=3,
        members=tuple(
            Member(site_id=i, name=f"site {i}", study_group="north", public=site.public)
            for i, site in enumerate(sites)
        ),
    )
    rule = Rule("recoverable", (0, 1, 2), 3)
    sid, offer = make_offer(centre, secret("nonce"), roster, b'{"plan":1}', b'{"codebook":1}', 1)
    joined = [
        advertise(
            site,
            i,
            sid,
            SessionSecrets(secret("ephemeral", i), secret("root", i)),
            secret("snapshot", i),
            roster,
        )
        for i, site in enumerate(sites)
    ]
    advertised = [advertisement for _, advertisement in joined]
    setup, keys = collect_keys(centre, sid, roster, advertised, rule)
    states = [accept_keys(state, keys, rule=rule, minimum_sites=2) for state, _ in joined]
    sections = [
        Section(analysis="a", name="d", ring="counts", shape=(2,)),
        Section(analysis="a", name="U", ring="reals", shape=(1,)),
    ]
    request = make_request(centre, setup, None, 1, NO_ROUND, sections, b'{"a":[]}')
    counts, reals = np.array([1, 2]), np.array([0.5])
    reported = [
        report(state, request, counts, reals, identity=site)
        for state, site in zip(states, sites, strict=True)
    ]
    arrived = {i: answer for i, (_, answer) in enumerate(reported) if i < SITES - 1}
    wanted = unmask_requests(centre, setup, request, arrived)
    given = {
        i: answer_unmask(reported[i][0], asked, identity=sites[i])[1] for i, asked in wanted.items()
    }

    def opened(reports: dict[int, Report], answers: dict[int, UnmaskAnswer]) -> Opening:
        return open_round(centre, setup, None, roster, request, reports.values(), answers.values())

    opening = opened(arrived, given)
    refused = refuse(sites[0], 0, sid, 1, PolicyRefusal("no"))
    over = make_close(centre, sid)

    def signed(read: Sent) -> Sent:
        """What a site does first with whatever it is sent."""
        read.require_signed_by(centre.public)
        return read

    def receive_offer(message: bytes) -> object:
        return open_offer(Offer.from_bytes(message), centre=centre.public, roster=roster)

    def receive_advertisement(message: bytes) -> object:
        first = Advertisement.from_bytes(message)
        return collect_keys(centre, sid, roster, [first, *advertised[1:]], rule)

    def receive_keys(message: bytes) -> object:
        return accept_keys(
            joined[0][0], signed(Keys.from_bytes(message)), rule=rule, minimum_sites=2
        )

    def receive_request(message: bytes) -> object:
        """A site that is asked something else answers noise, which the centre refuses."""
        asked = signed(RoundRequest.from_bytes(message))
        changed = report(states[0], asked, counts, reals, identity=sites[0])[1]
        return opened(arrived | {0: changed}, given)

    def receive_report(message: bytes) -> object:
        return opened(arrived | {0: Report.from_bytes(message)}, given)

    def receive_unmask_request(message: bytes) -> object:
        asked = signed(UnmaskRequest.from_bytes(message))
        changed = answer_unmask(reported[0][0], asked, identity=sites[0])[1]
        return opened(arrived, given | {0: changed})

    def receive_unmask_answer(message: bytes) -> object:
        return opened(arrived, given | {0: UnmaskAnswer.from_bytes(message)})

    def receive_opening(message: bytes) -> object:
        return accept_opening(reported[1][0], signed(Opening.from_bytes(message)))

    def receive_refused(message: bytes) -> None:
        check_refused(sid, roster, Refused.from_bytes(message))

    def receive_close(message: bytes) -> object:
        return close(states[0], Close.from_bytes(message), centre=centre.public)

    fixed = [accept_opening(state, opening) for state, _ in reported[: SITES - 1]]
    counting = make_request(centre, setup, (0, 1, 2), 2, opening.label, sections, b'{"a":[]}')
    counted = [
        report(state, counting, counts, reals, identity=site)
        for state, site in zip(fixed, sites, strict=False)
    ]
    deaths = open_round(
        centre, setup, (0, 1, 2), roster, counting, [each for _, each in counted], []
    )

    def receive_begin(message: bytes) -> object:
        begin = signed(BlindBegin.from_bytes(message))
        if begin.sid != sid:
            raise ProtocolRefusal("A site that did not join the session.")
        return [
            checked_sums(counted[1][0], RoundRequest.from_bytes(asked), Opening.from_bytes(shown))
            for asked, shown in begin.counted()
        ]

    return {
        "BlindBegin": Exchange(
            BlindBegin.of(sid, [(counting, deaths)]).signed_by(centre), receive_begin
        ),
        "BlindStep": Exchange(
            STEP_TO_A_SITE.signed_by(centre),
            lambda message: receive_step(signed(BlindStep.from_bytes(message)).to_bytes()),
        ),
        "BlindAnswer": Exchange(ANSWER_OF_A_SITE, receive_answer),
        "Offer": Exchange(offer, receive_offer),
        "Advertisement": Exchange(joined[0][1], receive_advertisement),
        "Keys": Exchange(keys, receive_keys),
        "RoundRequest": Exchange(request, receive_request),
        "Report": Exchange(reported[0][1], receive_report),
        "Refused": Exchange(refused, receive_refused),
        "UnmaskRequest": Exchange(wanted[0], receive_unmask_request),
        "UnmaskAnswer": Exchange(given[0], receive_unmask_answer),
        "Opening": Exchange(opening, receive_opening),
        "Close": Exchange(over, receive_close),
    }
