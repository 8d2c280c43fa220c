"""A consortium of any size whose secrets follow from a word, so that every run of a test is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.common.secure.sums.whole_round import open_round

from riskset_common.consortium.roster import Member, Roster
from riskset_common.primitives.signing import Identity
from riskset_common.secure.sums.pooling import (
    Pooled,
    collect_keys,
    make_request,
    pooled_of,
)
from riskset_common.secure.sums.protocol import Outcome, Party, Question, run_secure_sum
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND, report
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.setup import Setup
from riskset_common.secure.sums.site_session import (
    SessionSecrets,
    SiteSession,
    accept_keys,
    advertise,
)
from riskset_common.secure.sums.unmasking import answer_unmask
from riskset_common.wire.messages import Advertisement, Keys, Report, RoundRequest, UnmaskAnswer
from riskset_common.wire.sections import Section

Answers = Mapping[int, tuple[NDArray[np.int64], NDArray[np.float64]]]


def secret(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


def sections(n_counts: int, n_reals: int) -> list[Section]:
    return [
        Section(analysis="curve", name="events", ring="counts", shape=(n_counts,)),
        Section(analysis="cox", name="score", ring="reals", shape=(n_reals,)),
    ]


@dataclass(frozen=True)
class Consortium:
    centre: Identity
    roster: Roster
    parties: tuple[Party, ...]
    word: str
    rule: Rule

    @classmethod
    def of(cls, n_sites: int, word: str = "first", rule: Rule | None = None) -> Consortium:
        identities = [Identity.from_random(secret("identity", i)) for i in range(n_sites)]
        members = tuple(
            Member(site_id=i, name=f"site {i}", study_group="north", public=identity.public)
            for i, identity in enumerate(identities)
        )
        parties = tuple(
            Party(
                i,
                identity,
                SessionSecrets(secret(word, "ephemeral", i), secret(word, "root", i)),
                secret(word, "snapshot", i),
            )
            for i, identity in enumerate(identities)
        )
        centre = Identity.from_random(secret("centre"))
        strict = Rule("strict", tuple(range(n_sites)), 1)
        return cls(centre, Roster(version=1, members=members), parties, word, rule or strict)

    @classmethod
    def recoverable(cls, n_sites: int, minimum_sites: int = 2, word: str = "first") -> Consortium:
        """All sites on the committee; any `minimum_sites` of them make a sum."""
        return cls.of(n_sites, word, Rule("recoverable", tuple(range(n_sites)), minimum_sites))

    @property
    def sid(self) -> bytes:
        return secret(self.word, "sid")

    def run(self, rounds: Sequence[Question], minimum_sites: int = 1) -> Outcome:
        return run_secure_sum(
            centre=self.centre,
            nonce=secret(self.word, "nonce"),
            roster=self.roster,
            plan_json=b'{"plan":"trial"}',
            codebook_json=b'{"codebook":"trial"}',
            parties=self.parties,
            rule=self.rule,
            minimum_sites=minimum_sites,
            rounds=rounds,
        )

    def advertised(self) -> tuple[dict[int, SiteSession], list[Advertisement]]:
        states, advertisements = {}, []
        for party in self.parties:
            states[party.site_id], advertisement = advertise(
                party.identity,
                party.site_id,
                self.sid,
                party.secrets,
                party.snapshot_commitment,
                self.roster,
            )
            advertisements.append(advertisement)
        return states, advertisements

    def joined(self) -> tuple[Setup, Keys, dict[int, SiteSession]]:
        states, advertisements = self.advertised()
        setup, keys = collect_keys(self.centre, self.sid, self.roster, advertisements, self.rule)
        for i, state in states.items():
            states[i] = accept_keys(state, keys, rule=self.rule, minimum_sites=1)
        return setup, keys, states

    def reports(
        self,
        states: dict[int, SiteSession],
        requests: RoundRequest | Mapping[int, RoundRequest],
        answers: Answers,
    ) -> dict[int, Report]:
        """Every site's report; `states` are replaced by the ones that follow."""
        written = {}
        for party in self.parties:
            i = party.site_id
            request = requests if isinstance(requests, RoundRequest) else requests[i]
            states[i], written[i] = report(states[i], request, *answers[i], identity=party.identity)
        return written

    def request(
        self,
        setup: Setup,
        n_counts: int,
        n_reals: int,
        *,
        number: int = 1,
        after: bytes = NO_ROUND,
        questions: bytes = b"{}",
        frozen: tuple[int, ...] | None = None,
    ) -> RoundRequest:
        fixed = setup.initial_set() if frozen is None else frozen
        return make_request(
            self.centre, setup, fixed, number, after, sections(n_counts, n_reals), questions
        )

    def pool(
        self,
        setup: Setup,
        request: RoundRequest,
        reports: Sequence[Report],
        answers: Sequence[UnmaskAnswer] = (),
    ) -> Pooled:
        fixed = request.participants if request.profile == "strict" else None
        opening = open_round(self.centre, setup, fixed, self.roster, request, reports, answers)
        return pooled_of(request, opening)

    def identity(self, site_id: int) -> Identity:
        return self.parties[site_id].identity

    def unmasked(
        self,
        setup: Setup,
        states: dict[int, SiteSession],
        request: RoundRequest,
        reports: Mapping[int, Report],
    ) -> dict[int, UnmaskAnswer]:
        """Every member's shares; `states` are replaced by the ones that follow."""
        given = {}
        for member, asked in unmask_requests(self.centre, setup, request, reports).items():
            states[member], given[member] = answer_unmask(
                states[member], asked, identity=self.identity(member)
            )
        return given

    def zeros(self, n_counts: int, n_reals: int) -> Answers:
        return {
            party.site_id: (np.zeros(n_counts, np.int64), np.zeros(n_reals))
            for party in self.parties
        }


@pytest.fixture(scope="session")
def consortium() -> Callable[..., Consortium]:
    return Consortium.of


@pytest.fixture(scope="session")
def question() -> Callable[..., Question]:
    """A question whose answers are given by site: (counts, reals)."""

    def of(answers: Answers, questions: bytes = b"{}") -> Question:
        counts, reals = next(iter(answers.values()))
        return Question(questions, sections(len(counts), len(reals)), answers)

    return of
