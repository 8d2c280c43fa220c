"""All parties of one blind model, driven step by step, so that a test can change any message on its way."""

from __future__ import annotations

import numpy as np
from tests.common.secure.blind.blind_parties import (
    Cohort,
    channels_of,
    identity_of,
    parties_of,
    secret,
)

from riskset_common.primitives.signing import Identity
from riskset_common.secure.blind.parties.centre import BlindCentre
from riskset_common.secure.blind.parties.keys import MemberKeys, accept_keys, make_keys
from riskset_common.secure.blind.parties.member import BlindMember
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.secure.blind.parties.site import BlindSite, answer
from riskset_common.survival.regression.slot_sums import SlotDesign
from riskset_common.wire.blind_messages import BlindAsk, BlindInput, BlindOpened


class Session:
    """All parties of one model, driven step by step."""

    def __init__(self, setup: BlindSetup, cohort: Cohort):
        self.setup = setup
        self.n_sites = len(setup.participants)
        site = np.arange(len(cohort.time)) % self.n_sites
        self.parties = parties_of(setup.model, cohort, site, self.n_sites)
        self.sites = {i: BlindSite(setup, i, secret("site", i)) for i in setup.participants}
        self.keys = [
            make_keys(setup, identity_of(i), i, secret("site", i), channels_of(i, self.n_sites))
            for i in setup.participants
        ]
        self.members = [self.member(i) for i in setup.committee.site_ids]
        self.centre = BlindCentre(setup)

    def member(self, i: int) -> BlindMember:
        return BlindMember(*self.belongings(i))

    def belongings(self, i: int) -> tuple[BlindSetup, MemberKeys, Identity, int, dict[int, bytes]]:
        """What a member starts from."""
        channels = channels_of(i, self.n_sites)
        keys = accept_keys(self.setup, i, secret("site", i), channels, self.keys)
        return self.setup, keys, identity_of(i), i, channels

    def answer(self, i: int, ask: BlindAsk, design: SlotDesign | None = None) -> BlindInput:
        party = self.parties[i]
        self.sites[i], message = answer(
            self.sites[i], ask, design or party.design, identity=party.identity
        )
        return message

    def inputs(self, ask: BlindAsk) -> list[BlindInput]:
        return [self.answer(i, ask) for i in self.setup.participants]

    def next_ask(self) -> BlindAsk:
        proposal = self.centre.propose()
        if proposal.evaluation == 0:
            return self.centre.ask([])
        return self.centre.ask([member.consent(proposal) for member in self.members])

    def evaluated(self) -> list[BlindOpened]:
        """One evaluation, up to what the members say."""
        ask = self.next_ask()
        inputs = self.inputs(ask)
        waiting = [member.begin_evaluation(ask, inputs) for member in self.members]
        while True:
            shares = [share for sent in waiting for share in sent]
            replies = [
                member.receive([each for each in shares if each.receiver == member.site_id])
                for member in self.members
            ]
            opened = [reply for reply in replies if isinstance(reply, BlindOpened)]
            if opened:
                return opened
            waiting = [reply for reply in replies if not isinstance(reply, BlindOpened)]
