"""A consortium of any size whose secrets follow from a word, so that every run of a test is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from riskset_common.secure.pool import collect_keys, make_request
from riskset_common.secure.protocol import Outcome, Party, Question, run_secure_sum
from riskset_common.secure.roster import Member, Roster
from riskset_common.secure.sections import Section
from riskset_common.secure.session import SiteSession, accept_keys, advertise, report
from riskset_common.secure.setup import Setup
from riskset_common.signing import Identity
from riskset_common.wire import Advertisement, Keys, Report, RoundRequest

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

    @classmethod
    def of(cls, n_sites: int, word: str = "first") -> Consortium:
        identities = [Identity.from_random(secret("identity", i)) for i in range(n_sites)]
        members = tuple(
            Member(site_id=i, name=f"site {i}", study_group="north", public=identity.public)
            for i, identity in enumerate(identities)
        )
        parties = tuple(
            Party(i, identity, secret(word, "ephemeral", i), secret(word, "snapshot", i))
            for i, identity in enumerate(identities)
        )
        centre = Identity.from_random(secret("centre"))
        return cls(centre, Roster(version=1, members=members), parties, word)

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
                party.ephemeral_private,
                party.snapshot_commitment,
                self.roster,
            )
            advertisements.append(advertisement)
        return states, advertisements

    def joined(self) -> tuple[Setup, Keys, dict[int, SiteSession]]:
        states, advertisements = self.advertised()
        setup, keys = collect_keys(self.sid, self.roster, advertisements)
        for i, state in states.items():
            states[i] = accept_keys(state, keys, minimum_sites=1)
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
        questions: bytes = b"{}",
    ) -> RoundRequest:
        return make_request(setup, number, sections(n_counts, n_reals), questions)

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
