"""One small session, and each of its messages with the check that its receiver makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from riskset_common.errors import PolicyRefusal
from riskset_common.secure.pool import (
    check_refused,
    collect_keys,
    make_offer,
    make_request,
    pool_reports,
)
from riskset_common.secure.roster import Member, Roster
from riskset_common.secure.sections import Section
from riskset_common.secure.session import accept_keys, advertise, open_offer, refuse, report
from riskset_common.signing import Identity
from riskset_common.wire import Advertisement, Keys, Message, Offer, Refused, Report, RoundRequest


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


@dataclass(frozen=True)
class Exchange:
    """A message as its sender wrote it, and `receive`: read it, and do with it what its receiver does."""

    message: Message
    receive: Callable[[bytes], object]


@pytest.fixture(scope="session")
def exchanges() -> dict[str, Exchange]:
    centre = Identity.from_random(secret("centre"))
    sites = [Identity.from_random(secret("site", i)) for i in range(2)]
    roster = Roster(
        version=3,
        members=tuple(
            Member(site_id=i, name=f"site {i}", study_group="north", public=site.public)
            for i, site in enumerate(sites)
        ),
    )
    sid, offer = make_offer(centre, secret("nonce"), roster, b'{"plan":1}', b'{"codebook":1}')
    joined = [
        advertise(site, i, sid, secret("ephemeral", i), secret("snapshot", i), roster)
        for i, site in enumerate(sites)
    ]
    setup, keys = collect_keys(sid, roster, [advertisement for _, advertisement in joined])
    states = [accept_keys(state, keys, minimum_sites=2) for state, _ in joined]
    sections = [
        Section(analysis="a", name="d", ring="counts", shape=(2,)),
        Section(analysis="a", name="U", ring="reals", shape=(1,)),
    ]
    request = make_request(setup, 1, sections, b'{"a":[]}')
    counts, reals = np.array([1, 2]), np.array([0.5])

    def answers(asked: RoundRequest) -> list[Report]:
        pairs = zip(states, sites, strict=True)
        return [report(state, asked, counts, reals, identity=site)[1] for state, site in pairs]

    reports = answers(request)
    refused = refuse(sites[0], 0, sid, 1, PolicyRefusal("no"))

    def receive_offer(message: bytes) -> object:
        return open_offer(Offer.from_bytes(message), centre=centre.public, roster=roster)

    def receive_advertisement(message: bytes) -> object:
        others = [joined[1][1]]
        return collect_keys(sid, roster, [Advertisement.from_bytes(message), *others])

    def receive_keys(message: bytes) -> object:
        return accept_keys(joined[0][0], Keys.from_bytes(message), minimum_sites=2)

    def receive_request(message: bytes) -> object:
        """A site that is asked something else answers noise, which the centre refuses."""
        changed = report(
            states[0], RoundRequest.from_bytes(message), counts, reals, identity=sites[0]
        )[1]
        return pool_reports(setup, roster, request, [changed, reports[1]])

    def receive_report(message: bytes) -> object:
        return pool_reports(setup, roster, request, [Report.from_bytes(message), reports[1]])

    def receive_refused(message: bytes) -> None:
        check_refused(sid, roster, Refused.from_bytes(message))

    return {
        "Offer": Exchange(offer, receive_offer),
        "Advertisement": Exchange(joined[0][1], receive_advertisement),
        "Keys": Exchange(keys, receive_keys),
        "RoundRequest": Exchange(request, receive_request),
        "Report": Exchange(reports[0], receive_report),
        "Refused": Exchange(refused, receive_refused),
    }
