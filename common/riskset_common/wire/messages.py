"""The messages between centre and sites. `frame.py` says how each is written and read."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import model_validator

from riskset_common.consortium.roster import Roster
from riskset_common.primitives.ring import WORD, Words
from riskset_common.primitives.strict_fields import (
    U32,
    Digest,
    Profile,
    PublicKey,
    Signature,
    SiteId,
    StrictValue,
)
from riskset_common.wire.blind_steps import BlindAnswer, BlindBegin, BlindStep
from riskset_common.wire.frame import Message, MessageWithBody, read_among, require_canonical
from riskset_common.wire.from_centre import FromCentre
from riskset_common.wire.sections import Section, check_sections

WireCode = Literal[
    "approval", "codebook", "data", "failed", "plan", "policy", "protocol", "signature"
]
"""Why a site says no. `data` stands for whatever its own records do not answer; all others are said before a record is touched."""


class Offer(FromCentre, MessageWithBody):
    """Centre to sites: the plan to run, for whom it is, and the nonce that makes this session like no other.

    The body is the plan, then the codebook, each as canonical JSON. `run` is the centre's number of the run, by which people speak of it.
    """

    kind = 1

    nonce: Digest
    run: U32
    roster: Roster
    centre: PublicKey
    plan_length: U32
    codebook_length: U32

    @property
    def body_length(self) -> int:
        """Plan and codebook."""
        return self.plan_length + self.codebook_length

    @property
    def plan_json(self) -> bytes:
        """The plan, canonical JSON."""
        return self.body[: self.plan_length]

    @property
    def codebook_json(self) -> bytes:
        """The codebook, canonical JSON."""
        return self.body[self.plan_length :]

    @model_validator(mode="after")
    def _is_canonical(self) -> Self:
        require_canonical(self.plan_json, "plan")
        require_canonical(self.codebook_json, "codebook")
        return self


class Advertisement(Message):
    """Site to centre: the session key it made, its commitment to its frozen records, its signature (ADV)."""

    kind = 2

    sid: Digest
    site_id: SiteId
    ephemeral: PublicKey
    snapshot: Digest
    signature: Signature


class Keys(FromCentre):
    """Centre to sites: all advertisements, in the order of site numbers, and the rule of recovery (KEYS).

    In a strict session nothing is recovered: the committee is empty and the threshold 0.
    """

    kind = 3

    sid: Digest
    advertisements: tuple[Advertisement, ...]
    committee: tuple[SiteId, ...]
    threshold: U32
    degree: U32


class RoundRequest(FromCentre, MessageWithBody):
    """Centre to sites: the questions of one round and the schema of the answer (REQ). The body is the questions, canonical JSON.

    `after` is the label of the round before, 32 zero bytes in the first: what each site last signed in this session.
    """

    kind = 4

    sid: Digest
    round: U32
    attempt: U32
    participants: tuple[SiteId, ...]
    profile: Profile
    after: Digest
    sections: tuple[Section, ...]
    questions_length: U32

    @property
    def body_length(self) -> int:
        """The questions."""
        return self.questions_length

    @property
    def questions(self) -> bytes:
        """The questions, canonical JSON."""
        return self.body

    @model_validator(mode="after")
    def _is_well_formed(self) -> Self:
        check_sections(self.sections)
        require_canonical(self.questions, "questions")
        return self


class ReportHeader(StrictValue):
    """What a site signed under its report: the hashes of masked numbers, deposits and commitments. Small, and safe to show anybody."""

    site_id: SiteId
    masked: Digest
    deposits: Digest
    commitments: Digest
    signature: Signature


class Report(MessageWithBody):
    """Site to centre: the masked numbers of one round (REP).

    The body is the counts, then the reals (low limbs, high limbs), then the deposits: for each other member of the committee in
    order, 48 sealed bytes for the self seed and for each pair. A strict round has no deposits and no commitments.
    """

    kind = 5

    label: Digest
    site_id: SiteId
    counts_length: U32
    reals_length: U32
    deposits_length: U32
    commitments: tuple[Digest, ...]
    signature: Signature

    @property
    def body_length(self) -> int:
        """One word for a count, two for a real, and the deposits."""
        return self.masked_length + self.deposits_length

    @property
    def masked_length(self) -> int:
        """Bytes of the masked numbers."""
        return masked_bytes(self.counts_length, self.reals_length)

    @property
    def masked(self) -> bytes:
        """The masked numbers."""
        return self.body[: self.masked_length]

    @property
    def deposits(self) -> bytes:
        """All deposits."""
        return self.body[self.masked_length :]


class UnmaskRequest(FromCentre, MessageWithBody):
    """Centre to a committee member: who is in the sum, and the deposits that it is to open (UREQ).

    The body holds, of every other contributor in order, the piece of its self seed and one for each of its peers that dropped out.
    """

    kind = 7

    sid: Digest
    round: U32
    label: Digest
    contributors: tuple[ReportHeader, ...]
    envelopes_length: U32

    @property
    def body_length(self) -> int:
        """The sealed pieces."""
        return self.envelopes_length


class UnmaskAnswer(MessageWithBody):
    """Committee member to centre: its shares (URES).

    The body holds, of every contributor in order, the share of its self seed and one for each of its peers that dropped out.
    """

    kind = 8

    label: Digest
    site_id: SiteId
    shares_length: U32
    signature: Signature

    @property
    def body_length(self) -> int:
        """The shares."""
        return self.shares_length


class Opening(FromCentre, MessageWithBody):
    """Centre to sites: the whole transcript of one round, so that everybody can add it up again.

    The body is the sum, then the masked numbers of each contributor in order. `seeds` are the self seeds of the contributors in
    order, then the seeds of their pairs with sites that dropped out; a strict round has none. `commitments` are those under which
    the contributors signed.
    """

    kind = 9

    sid: Digest
    round: U32
    label: Digest
    contributors: tuple[ReportHeader, ...]
    commitments: tuple[tuple[Digest, ...], ...]
    seeds: tuple[Digest, ...]
    counts_length: U32
    reals_length: U32

    @property
    def body_length(self) -> int:
        """The sum, and as many bytes of every contributor."""
        return self.masked_length * (1 + len(self.contributors))

    @property
    def masked_length(self) -> int:
        """Bytes of one vector."""
        return masked_bytes(self.counts_length, self.reals_length)

    @property
    def vectors(self) -> tuple[memoryview, ...]:
        """The sum, then the masked numbers of each contributor: views of the body, which holds those of all sites."""
        step, body = self.masked_length, memoryview(self.body)
        return tuple(
            body[step * place : step * (place + 1)] for place in range(1 + len(self.contributors))
        )


class Close(FromCentre):
    """Centre to sites: the session is over; what could open its reports is to be deleted."""

    kind = 10

    sid: Digest


class Refused(Message):
    """Site to centre: no, and of what kind; nothing else, because a reason in words could carry a patient's value."""

    kind = 6

    sid: Digest
    site_id: SiteId
    round: U32
    wire_code: WireCode
    signature: Signature


MESSAGES: tuple[type[Message], ...] = (
    Offer,
    Advertisement,
    Keys,
    RoundRequest,
    Report,
    Refused,
    UnmaskRequest,
    UnmaskAnswer,
    Opening,
    Close,
    BlindBegin,
    BlindStep,
    BlindAnswer,
)


def read_message(message: bytes) -> Message:
    """Read a message of any kind that centre and sites exchange."""
    return read_among(MESSAGES, message)


def masked_bytes(counts_length: int, reals_length: int) -> int:
    """Bytes of a vector: one word for a count, two for a real."""
    return WORD.itemsize * (counts_length + 2 * reals_length)


def masked_body(counts: Words, reals: Words) -> bytes:
    """A vector as bytes: counts, low limbs, high limbs."""
    return counts.tobytes() + reals.tobytes()


def words_of(vector: bytes | memoryview, counts_length: int) -> tuple[Words, Words]:
    """Counts, shape (n_counts,), and reals, shape (2, n_reals), of a vector; read-only."""
    words = np.frombuffer(vector, WORD)
    return words[:counts_length], words[counts_length:].reshape(2, -1)
