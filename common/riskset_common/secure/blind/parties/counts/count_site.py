"""A site in a computation of counts: its uploads, its word on lost members, and the member's part if it is in the committee."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Generic, TypeVar

import numpy as np

from riskset_common.errors import ProtocolRefusal, own_records
from riskset_common.primitives.signing import Identity
from riskset_common.release.counted import Counted
from riskset_common.secure.blind.arithmetic.field import Elements
from riskset_common.secure.blind.arithmetic.random_shares import (
    short_sum_to_bytes,
    short_words,
)
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.course import Reached
from riskset_common.secure.blind.parties.counts.layout import Bits
from riskset_common.secure.blind.parties.counts.member import CountMember, MemberBelongings
from riskset_common.secure.blind.parties.counts.told import ToldCourse, whole
from riskset_common.secure.blind.parties.counts.work import CountWork
from riskset_common.secure.blind.parties.keys import accept_keys, input_keys, make_keys
from riskset_common.study.patients import Patients
from riskset_common.survival.arrays.shapes import FloatArray, IntArray
from riskset_common.wire.blind_messages import (
    BlindBits,
    BlindKeys,
    BlindLost,
    BlindShare,
    BlindStrike,
    BlindWave,
)
from riskset_common.wire.frame import Message

Released = TypeVar("Released")


@dataclass(frozen=True)
class SiteBelongings:
    """Who a site is, and what it draws from.

    Attributes
    ----------
    site_id, identity
        Its number and signing key.
    secret
        32 bytes from the operating system's random source, kept for this session alone.
    channels
        For each other site a key that these two sites alone have.
    """

    site_id: int
    identity: Identity = field(repr=False)
    secret: bytes = field(repr=False)
    channels: Mapping[int, bytes] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Kept(Generic[Released]):
    """What a site has once the computation has ended, from words of more members than may be corrupt."""

    _told: ToldCourse[Released] = field(repr=False)
    _member: CountMember[Released] | None = field(repr=False)

    @property
    def label(self) -> bytes:
        """Of the chain after all that was opened; equal at all parties."""
        return self._told.label

    @property
    def reached(self) -> Reached[Released]:
        """Facts, what was counted, and what is released. A member has it from its own work; another site runs the programs now.

        Raises
        ------
        ProtocolRefusal
            If the waves that this site was shown are not all that were opened, or not what the programs ask for.
        """
        own = None if self._member is None else self._member.reached
        return whole(self._told) if own is None else own

    def share(self, counted: Counted, array: str) -> Elements:
        """This member's share of the sum of one array over all sites, shape (9, *shape), from checked uploads.

        Raises
        ------
        ProtocolRefusal
            If this site is not in the committee.
        """
        if self._member is None or self._member.hidden is None:
            raise ProtocolRefusal(
                "This site holds no shares of the counts: it is not in the committee."
            )
        return self._member.hidden.share(self.reached.counted, counted, array)


class CountSite(Generic[Released]):
    """All of one site's part. It is fed what it is sent, step by step, and gives what it answers; made anew and fed the same, it gives
    the same.

    Parameters
    ----------
    patients
        Gives this site's records.

    Attributes
    ----------
    own_upload
        This site's own numbers in the upload that it gave last, by what they count and array; None after any other answer.
    """

    def __init__(
        self,
        setup: CountSetup,
        work: CountWork[Released],
        patients: Callable[[], Patients],
        own: SiteBelongings,
    ) -> None:
        self.setup = setup
        self._work, self._patients, self._own = work, patients, own
        self._told = ToldCourse(setup, work)
        self._member: CountMember[Released] | None = None
        self._struck: list[int] = []
        self.own_upload: Mapping[tuple[str, str], IntArray | FloatArray] | None = None

    def begin(self) -> list[Message]:
        """Its keys, and upload 1."""
        own = self._own
        keys = make_keys(self.setup, own.identity, own.site_id, own.secret, own.channels)
        return [keys, self._upload()]

    def answer(self, letters: Sequence[Message]) -> list[Message]:
        """Answer what one step brings: keys and uploads of all sites, shares of the other members, waves, or a member that is lost.

        Raises
        ------
        ProtocolRefusal, SignatureRefusal
            For what is not awaited, not signed, or not the same at all members.
        """
        self.own_upload = None
        sorted_ = _Letters.of(letters)
        if sorted_.lost:
            return [self._agree(sorted_.lost)]
        if sorted_.waves:
            return self._waves(sorted_.waves)
        if sorted_.keys:
            self._accept(sorted_.keys)
        for _, strikes in groupby(sorted_.strikes, key=lambda strike: strike.place):
            self._committee().lose(list(strikes))
        if sorted_.inputs:
            return self._committee().take(sorted_.inputs)
        return self._committee().receive(sorted_.shares)

    @property
    def kept(self) -> Kept[Released] | None:
        """What the computation gave; None before its end."""
        return Kept(self._told, self._member) if self._told.is_told else None

    def _upload(self) -> BlindBits:
        """Its own numbers of the upload that comes next, masked; sent once."""
        told, own = self._told, self._own
        upload = told.awaited
        label = self.setup.upload_label(upload.number, told.waves)
        with own_records():
            numbers = upload.own(self._patients())
            bits = upload.layout.bits_of(numbers)
        self.own_upload = upload.named(numbers)
        body = masked(self.setup, own.secret, label, bits)
        told.uploaded()
        return BlindBits(
            label=label,
            site_id=own.site_id,
            length=len(bits),
            signature=own.identity.sign(self.setup.input_statement(label, own.site_id, body)),
            body=body,
        )

    def _waves(self, waves: Sequence[BlindWave]) -> list[Message]:
        """Follow what was opened; then the upload that follows from it, or nothing at the end."""
        for _, words in groupby(waves, key=lambda wave: wave.wave):
            self._told.take(list(words))
        if self._member is not None and self._member.label != self._told.label:
            raise ProtocolRefusal(
                "What this site is told that the members opened is not what it opened itself as one of them."
            )
        return [] if self._told.upload is None else [self._upload()]

    def _agree(self, messages: Sequence[BlindLost]) -> BlindStrike:
        """Sign that the computation goes on without a member; in each place for one alone."""
        if len(messages) != 1 or messages[0].setup != self.setup.hash:
            raise ProtocolRefusal("A step names the members that are lost one at a time.")
        place, lost = messages[0].place, messages[0].lost
        if self._struck[place : place + 1] != [lost]:
            serving = [each for each in self.setup.committee.site_ids if each not in self._struck]
            if place != len(self._struck) or lost == self._own.site_id:
                raise ProtocolRefusal(
                    f"This site does not agree that {self.setup.roster.name(lost)!r} is lost: it agreed to another member before, or it is "
                    "this member itself."
                )
            self.setup.require_enough(serving, lost)
            self._struck.append(lost)
        return self.setup.strike(self._own.identity, self._own.site_id, place, lost)

    def _accept(self, keys: Sequence[BlindKeys]) -> None:
        if self._member is not None:
            raise ProtocolRefusal("The keys of the counts arrived a second time.")
        own = self._own
        accepted = accept_keys(self.setup, own.site_id, own.secret, own.channels, keys)
        belongings = MemberBelongings(own.site_id, own.identity, accepted, own.channels)
        self._member = CountMember(self.setup, self._work, belongings)

    def _committee(self) -> CountMember[Released]:
        if self._member is None:
            raise ProtocolRefusal(
                "This site was sent what is for the committee of the counts before the keys of all sites, or is not in it."
            )
        return self._member


def masked(setup: CountSetup, secret: bytes, label: bytes, bits: Bits) -> bytes:
    """A site's bits under the sum of the short streams of all its input keys, as 12 bytes each."""
    own = np.stack([bits.astype(np.uint64), np.zeros(len(bits), np.uint64)])
    streams = (short_words(key, b"input", label, len(bits)) for key in input_keys(setup, secret))
    return short_sum_to_bytes(itertools.chain([own], streams))


@dataclass(frozen=True)
class _Letters:
    """What a step brings, by kind."""

    keys: tuple[BlindKeys, ...]
    inputs: tuple[BlindBits, ...]
    shares: tuple[BlindShare, ...]
    waves: tuple[BlindWave, ...]
    strikes: tuple[BlindStrike, ...]
    lost: tuple[BlindLost, ...]

    @classmethod
    def of(cls, letters: Sequence[Message]) -> _Letters:
        """Sort them; refused where one is of another kind, or kinds come together that do not belong together."""
        found = cls(
            keys=tuple(each for each in letters if isinstance(each, BlindKeys)),
            inputs=tuple(each for each in letters if isinstance(each, BlindBits)),
            shares=tuple(each for each in letters if isinstance(each, BlindShare)),
            waves=tuple(each for each in letters if isinstance(each, BlindWave)),
            strikes=tuple(each for each in letters if isinstance(each, BlindStrike)),
            lost=tuple(each for each in letters if isinstance(each, BlindLost)),
        )
        kinds = {type(each) for each in letters}
        known = ({BlindKeys, BlindBits}, {BlindBits}, {BlindShare}, {BlindStrike, BlindShare})
        if kinds not in (*known, {BlindWave}, {BlindLost}):
            raise ProtocolRefusal(
                "A step of the counts brings messages that do not belong together, or none."
            )
        return found
