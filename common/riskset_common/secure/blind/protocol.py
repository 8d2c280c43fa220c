"""Computations on shares, every party in order: the executable specification, and the driver of its tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from riskset_common.primitives.signing import Identity
from riskset_common.secure.blind.arithmetic.field import Elements
from riskset_common.secure.blind.cox.beside_the_fit import BlindFurther
from riskset_common.secure.blind.parties.centre import BlindCentre
from riskset_common.secure.blind.parties.counts.centre import CountOutcome, conversation
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.count_site import CountSite
from riskset_common.secure.blind.parties.counts.work import CountWork
from riskset_common.secure.blind.parties.keys import accept_keys, make_keys
from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.secure.blind.parties.site import BlindSite, SiteDesign, answer
from riskset_common.survival.regression.newton import CoxFit
from riskset_common.wire.blind_messages import (
    BlindAsk,
    BlindConsent,
    BlindInput,
    BlindKeys,
    BlindOpened,
    BlindShare,
)
from riskset_common.wire.frame import Message


@dataclass(frozen=True)
class BlindParty:
    """A participant: who it is, its patients arranged, the random bytes it drew, and its keys with each other site.

    A member brings its shares of the deaths to a model that has them hidden.
    """

    site_id: int
    identity: Identity = field(repr=False)
    design: SiteDesign = field(repr=False)
    secret: bytes = field(repr=False)
    channels: Mapping[int, bytes] = field(repr=False)
    deaths: Elements | None = field(default=None, repr=False)


@dataclass(frozen=True)
class BlindOutcome:
    """The fit, in standardised covariates, every message as the centre carried it, byte for byte in order, and what else was wanted."""

    fit: CoxFit
    carried: tuple[bytes, ...]
    further: BlindFurther | None = None


def run_blind_cox(setup: BlindSetup, parties: Sequence[BlindParty]) -> BlindOutcome:
    """Run one blind model. Each message passes as the bytes that a transport would carry; all pass through the centre."""
    carried: list[bytes] = []

    # KEYS. Each site makes its input keys, and the members the committee's; sealed for the members that may have them.
    sent = [
        make_keys(setup, party.identity, party.site_id, party.secret, party.channels).to_bytes()
        for party in parties
    ]
    carried += sent
    keys = [BlindKeys.from_bytes(message) for message in sent]
    sites = {party.site_id: BlindSite(setup, party.site_id, party.secret) for party in parties}
    members = [
        BlindMember(
            setup,
            accept_keys(setup, party.site_id, party.secret, party.channels, keys),
            party.identity,
            party.site_id,
            party.channels,
            party.deaths,
        )
        for party in parties
        if party.site_id in setup.committee.site_ids
    ]
    centre, fit = BlindCentre(setup), None

    while fit is None:
        # PROPOSE, CONSENT. But for the start at 0, members sign the coefficients that follow from what they opened.
        proposal = _carried(centre.propose(), carried)
        consents: list[BlindConsent] = []
        if proposal.evaluation > 0:
            consents = [_carried(member.consent(proposal), carried) for member in members]
        ask = _carried(centre.ask(consents), carried)

        # INPUT. Each site sends its sums at the coefficients once, masked; the members see all of them, and their signatures.
        inputs = []
        for party in parties:
            state, message = answer(
                sites[party.site_id], ask, party.design, identity=party.identity
            )
            sites[party.site_id] = state
            inputs.append(_carried(message, carried))

        # SHARES. The members open masked values to one another until the evaluation ends; where it ends the fit, what else is wanted.
        waiting = [member.begin_evaluation(ask, inputs) for member in members]
        opened: list[BlindOpened] = []
        while not opened:
            waiting, opened = _exchange(members, waiting, carried)

        # OPENED. All members say the same to the centre.
        fit = centre.conclude([_carried(message, carried) for message in opened])

    return BlindOutcome(fit, tuple(carried), centre.further)


def _exchange(
    members: Sequence[BlindMember], sent: Sequence[Sequence[BlindShare]], carried: list[bytes]
) -> tuple[list[list[BlindShare]], list[BlindOpened]]:
    """One opening: every member gets the shares that the others sealed for it."""
    shares = [_carried(message, carried) for messages in sent for message in messages]
    waiting, opened = [], []
    for member in members:
        replied = member.receive([each for each in shares if each.receiver == member.site_id])
        if isinstance(replied, BlindOpened):
            opened.append(replied)
        else:
            waiting.append(replied)
    return waiting, opened


Released = TypeVar("Released")


@dataclass(frozen=True)
class CountRun(Generic[Released]):
    """What the counts gave, and every message as the centre carried it, byte for byte in order."""

    outcome: CountOutcome[Released]
    carried: tuple[bytes, ...]


def run_counts(
    setup: CountSetup, work: CountWork[Released], sites: Mapping[int, CountSite[Released]]
) -> CountRun[Released]:
    """Run the computation of counts. Each message passes as the bytes that a transport would carry; all pass through the centre."""
    carried: list[bytes] = []

    def through(messages: Mapping[int, Sequence[Message]]) -> dict[int, list[Message]]:
        return {site: [_through(each, carried) for each in sent] for site, sent in messages.items()}

    # KEYS, UPLOAD 1. Every site makes its keys, and marks its days of events.
    centre = conversation(setup, work)
    next(centre)
    answers = through({site: each.begin() for site, each in sites.items()})
    try:
        while True:
            # Keys and uploads go to the members, shares from member to member, what was opened to every site; each answers what follows.
            letters = through(centre.send(answers).letters)
            answers = through({site: sites[site].answer(sent) for site, sent in letters.items()})
    except StopIteration as end:
        return CountRun(end.value, tuple(carried))


def _through(message: Message, carried: list[bytes]) -> Message:
    carried.append(message.to_bytes())
    return type(message).from_bytes(carried[-1])


Kind = TypeVar("Kind", BlindAsk, BlindConsent, BlindInput, BlindOpened, BlindShare)


def _carried(message: Kind, carried: list[bytes]) -> Kind:
    """A message as its receiver reads it."""
    carried.append(message.to_bytes())
    return type(message).from_bytes(carried[-1])
