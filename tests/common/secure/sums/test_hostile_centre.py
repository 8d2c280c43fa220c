"""A hostile centre that drops, repeats, reorders and forges, against honest sites that are restarted at will.

An oracle collects every share that any honest member ever gives away. However the messages are played, for no site of any round may
it come to hold as many shares of the self seed as open it together with as many of one of the pairs' seeds; no member may speak for
two sets of sites; no round may be answered in two ways.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.common.secure.sums.whole_round import open_round

from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import Refusal
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.contributors import dropped_pairs, header_of
from riskset_common.secure.sums.deposits import SEALED_BYTES
from riskset_common.secure.sums.pooling import collect_keys, make_request, pooled_of
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND, report
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    accept_keys,
    accept_opening,
    advertise,
)
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.messages import Opening, Report, RoundRequest
from riskset_common.wire.sections import Section

N_SITES, MINIMUM = 6, 3
SITES = st.integers(0, N_SITES - 1)
SUBSETS = st.sets(SITES, min_size=1)
SECTIONS = [Section(analysis="a", name="d", ring="counts", shape=(2,))]
QUESTIONS = [b'{"a":1}', b'{"a":2}']


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


class HostileCentre(RuleBasedStateMachine):
    """Every rule is one thing that a centre may do; a site's refusal is as good as an answer."""

    @initialize()
    def join(self) -> None:
        self.identities = [Identity.from_random(secret("site", i)) for i in range(N_SITES)]
        members = tuple(
            Member(site_id=i, name=f"site {i}", study_group="north", public=each.public)
            for i, each in enumerate(self.identities)
        )
        self.roster = Roster(version=1, members=members)
        self.rule = Rule("recoverable", tuple(range(N_SITES)), MINIMUM)
        sid, advertised = secret("sid"), []
        states = []
        for i, identity in enumerate(self.identities):
            secrets = SessionSecrets(secret("ephemeral", i), secret("root", i))
            state, advertisement = advertise(
                identity, i, sid, secrets, secret("snapshot"), self.roster
            )
            states.append(state)
            advertised.append(advertisement)
        self.joined = states
        self.centre = Identity.from_random(secret("centre"))
        self.setup, self.keys = collect_keys(self.centre, sid, self.roster, advertised, self.rule)
        self.states = [
            accept_keys(state, self.keys, rule=self.rule, minimum_sites=MINIMUM) for state in states
        ]
        # Reports by label and site; requests by label; what each site sent by kind and round; sets of sites by member;
        # members by label and site of whose self seed they gave a share; members by label and pair likewise.
        self.reports: dict[bytes, dict[int, Report]] = defaultdict(dict)
        self.requests: dict[bytes, RoundRequest] = {}
        self.sent: dict[tuple[str, int, int], set[bytes]] = defaultdict(set)
        self.spoke_for: dict[int, set[tuple[int, ...]]] = defaultdict(set)
        self.self_shares: dict[tuple[bytes, int], set[int]] = defaultdict(set)
        self.pair_shares: dict[tuple[bytes, int, int], set[int]] = defaultdict(set)
        self.openings: list[Opening] = []

    @rule(sites=SUBSETS, question=st.sampled_from(QUESTIONS))
    def ask_what_is_next(self, sites, question) -> None:
        """Ask some sites a round that follows on what each has answered; a split of the question is a lie like any other."""
        for site in sites:
            state = self.states[site]
            number = len(state.answered) + 1
            after = state.answered[-1].label if state.answered else NO_ROUND
            self._ask(site, number, question, state.frozen, after)

    @rule(
        site=SITES,
        number=st.integers(1, 3),
        question=st.sampled_from(QUESTIONS),
        frozen=st.none() | SUBSETS,
        after=st.integers(0, 3),
    )
    def ask_anything(self, site, number, question, frozen, after) -> None:
        """Ask any site any round, with any set, after any round."""
        labels = [NO_ROUND, *self.requests]
        chosen = None if frozen is None else tuple(sorted(frozen))
        self._ask(site, number, question, chosen, labels[min(after, len(labels) - 1)])

    @rule(site=SITES, which=st.integers(0, 5))
    def ask_again(self, site, which) -> None:
        """A request that some site was asked before."""
        if self.requests:
            asked = list(self.requests.values())[which % len(self.requests)]
            self._report(site, asked)

    def _ask(self, site, number, question, frozen, after) -> None:
        asked = make_request(self.centre, self.setup, frozen, number, after, SECTIONS, question)
        self._report(site, asked)

    def _report(self, site, asked) -> None:
        try:
            state, answer = report(
                self.states[site],
                asked,
                np.array([site, 1]),
                np.empty(0),
                identity=self.identities[site],
            )
        except Refusal:
            return
        self.states[site] = state
        self.reports[answer.label][site] = answer
        self.requests[answer.label] = asked
        self.sent["report", site, asked.round].add(answer.to_bytes())

    @rule(site=SITES)
    def restart(self, site) -> None:
        """The node works its session out again from what it stored: the messages and its secrets."""
        state = self.states[site]
        joined = self.joined[site]
        again = accept_keys(joined, self.keys, rule=self.rule, minimum_sites=MINIMUM)
        self.states[site] = replace(
            again, frozen=state.frozen, answered=state.answered, unmasked=state.unmasked
        )

        assert self.states[site] == state

    @rule(member=SITES, chosen=SUBSETS)
    def ask_for_another_set(self, member, chosen) -> None:
        """A well-formed request for any part of those who reported."""
        for label, asked in self.requests.items():
            arrived = {i: r for i, r in self.reports[label].items() if i in chosen or i == member}
            if asked.profile == "recoverable":
                wanted = unmask_requests(self.centre, self.setup, asked, arrived)
                if member in wanted:
                    self._give(member, wanted[member])

    @rule(
        member=SITES,
        chosen=SUBSETS,
        label=st.integers(0, 5),
        envelopes_of=SITES,
        lie=st.sampled_from(["no", "label", "both kinds", "shorter"]),
    )
    def ask_for_shares(self, member, chosen, label, envelopes_of, lie) -> None:
        """Say that any set of sites reported, hand on anybody's envelopes, and forge."""
        labels = [each for each, asked in self.requests.items() if asked.profile == "recoverable"]
        if not labels:
            return
        label = labels[min(label, len(labels) - 1)]
        arrived = {i: each for i, each in self.reports[label].items() if i in chosen}
        wanted = unmask_requests(self.centre, self.setup, self.requests[label], arrived)
        if not wanted:
            return
        asked = wanted.get(envelopes_of) or wanted.get(member) or next(iter(wanted.values()))
        if lie == "label":
            asked = asked.model_copy(update={"label": labels[-1]})
        if lie == "both kinds":
            extra = asked.body + asked.body[:SEALED_BYTES]
            asked = asked.model_copy(update={"body": extra, "envelopes_length": len(extra)})
        if lie == "shorter":
            asked = asked.model_copy(update={"contributors": asked.contributors[:-1]})
        self._give(member, asked)

    @rule(member=SITES)
    def ask_honestly(self, member) -> None:
        """The request that the protocol asks for, so that the interesting states are reached."""
        for label, asked in self.requests.items():
            if asked.profile == "recoverable":
                wanted = unmask_requests(self.centre, self.setup, asked, self.reports[label])
                if member in wanted:
                    self._give(member, wanted[member])

    def _give(self, member, asked) -> None:
        try:
            state, answer = answer_unmask(
                self.states[member], asked, identity=self.identities[member]
            )
        except Refusal:
            return
        self.states[member] = state
        contributors = state.unmasked[-1].contributors
        self.sent["shares", member, asked.round].add(answer.to_bytes())
        self.spoke_for[member].add(contributors)
        for j in contributors:
            self.self_shares[asked.label, j].add(member)
        for j, i in dropped_pairs(self.setup, contributors):
            self.pair_shares[asked.label, i, j].add(member)

    @rule(site=SITES, which=st.integers(0, 3), lie=st.booleans())
    def show_opening(self, site, which, lie) -> None:
        """Open a round from what the members gave, and show it to a site, perhaps changed."""
        for label, asked in list(self.requests.items()):
            try:
                frozen = None if asked.profile == "recoverable" else asked.participants
                answers = [
                    unmasked.answer
                    for state in self.states
                    for unmasked in state.unmasked
                    if unmasked.answer.label == label
                ]
                chosen = next(iter(self.spoke_for.values()), {()})
                among = next(iter(chosen)) if frozen is None else frozen
                arrived = [each for i, each in self.reports[label].items() if i in among]
                opening = open_round(
                    self.centre, self.setup, frozen, self.roster, asked, arrived, answers
                )
            except Refusal:
                continue
            self.openings.append(opening)
            pooled = pooled_of(asked, opening)

            assert sum(pooled.participants) == pooled.counts[0]
            assert len(pooled.participants) == pooled.counts[1]
        if not self.openings:
            return
        shown = self.openings[-1 - which % len(self.openings)]
        if lie:
            body = bytes([shown.body[0] ^ 1]) + shown.body[1:]
            shown = shown.model_copy(update={"body": body})
        try:
            self.states[site] = accept_opening(self.states[site], shown)
        except Refusal:
            return

        assert not lie

    @rule(question=st.sampled_from(QUESTIONS), lie=st.booleans())
    def play_a_round(self, question, lie) -> None:
        """A whole round as it should be, as far as what went before allows it; the opening perhaps changed."""
        self.ask_what_is_next(sites=range(N_SITES), question=question)
        for member in range(N_SITES):
            self.ask_honestly(member=member)
        for site in range(N_SITES):
            self.show_opening(site=site, which=len(self.openings), lie=lie)

    @rule(site=SITES)
    def forge_a_header(self, site) -> None:
        """Put a report that nobody signed among the contributors."""
        for label, asked in self.requests.items():
            arrived = self.reports[label]
            if asked.profile != "recoverable" or site not in arrived:
                continue
            wanted = unmask_requests(self.centre, self.setup, asked, arrived)[site]
            forged = header_of(arrived[site]).model_copy(update={"masked": bytes(32)})
            headers = tuple(
                forged if each.site_id == site else each for each in wanted.contributors
            )
            try:
                answer_unmask(
                    self.states[site],
                    wanted.model_copy(update={"contributors": headers}),
                    identity=self.identities[site],
                )
            except Refusal:
                continue
            raise AssertionError("a forged report was helped to open")

    @invariant()
    def nobody_answers_in_two_ways(self) -> None:
        if hasattr(self, "sent"):
            assert all(len(each) <= 1 for each in self.sent.values())

    @invariant()
    def no_member_speaks_for_two_sets(self) -> None:
        if hasattr(self, "spoke_for"):
            assert all(len(each) <= 1 for each in self.spoke_for.values())
            assert all(len(c) >= MINIMUM for each in self.spoke_for.values() for c in each)

    @invariant()
    def no_site_can_be_opened(self) -> None:
        """Never t members' shares of b_i together with t members' shares of one of its pairs in the same round."""
        if not hasattr(self, "self_shares"):
            return
        t = self.rule.threshold
        for (label, i, _), members in self.pair_shares.items():
            assert not (len(members) >= t and len(self.self_shares[label, i]) >= t)
            assert not members & self.self_shares[label, i]


HostileCentre.TestCase.settings = settings(stateful_step_count=30)
TestHostileCentre = HostileCentre.TestCase
