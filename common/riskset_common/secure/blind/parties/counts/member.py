"""A committee member in a computation of counts: checks each site's uploads, and runs the course on its shares of their sums.

It is a machine that is fed messages and gives messages; whoever carries them sees ciphertext, but for what a wave opened. All it sends
follows from its keys and from what it was sent: a member that stopped is brought back by feeding it the stored messages again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import H, u32
from riskset_common.primitives.signing import Identity
from riskset_common.release.counted import Counted
from riskset_common.release.program import Ask, Opened
from riskset_common.secure.blind.arithmetic.field import Elements, from_bytes, to_bytes
from riskset_common.secure.blind.arithmetic.shares import Arithmetic, Masked, Opening
from riskset_common.secure.blind.expressions.on_shares import OnShares
from riskset_common.secure.blind.expressions.wave import answered_on_shares
from riskset_common.secure.blind.parties.counts.checks import checked, require_passed
from riskset_common.secure.blind.parties.counts.count_setup import CountSetup
from riskset_common.secure.blind.parties.counts.course import (
    Reached,
    Sums,
    course,
    cut,
    first_upload,
)
from riskset_common.secure.blind.parties.counts.gathering import open_present
from riskset_common.secure.blind.parties.counts.layout import Name
from riskset_common.secure.blind.parties.counts.uploads import NUMBERS, Upload
from riskset_common.secure.blind.parties.counts.work import CountWork
from riskset_common.secure.blind.parties.keys import MemberKeys, seal, unseal
from riskset_common.wire.blind_messages import BlindBits, BlindShare, BlindStrike, BlindWave
from riskset_common.wire.frame import Message

Released = TypeVar("Released")


@dataclass(frozen=True)
class MemberBelongings:
    """What a member starts from: who it is, its keys of this computation, and its key with each other site."""

    site_id: int
    identity: Identity
    keys: MemberKeys
    channels: Mapping[int, bytes]


@dataclass(frozen=True, eq=False)
class HiddenSums:
    """A member's shares of the sums of upload 3.

    Attributes
    ----------
    shares
        By part, shape (9, n).
    shapes
        Of the numbers of each part.
    """

    shares: Mapping[Name, Elements]
    shapes: Mapping[Name, tuple[int, ...]]

    def share(self, counted: Sequence[Counted], which: Counted, array: str) -> Elements:
        """The member's share of one array, shape (9, *shape)."""
        name = (counted.index(which), array)
        return self.shares[name].reshape(-1, *self.shapes[name])


class CountMember(Generic[Released]):
    """One member of the committee through the whole computation.

    Attributes
    ----------
    serving
        Sites of the members that serve, without those that were lost.
    reached
        Where the computation ended; None before.
    hidden
        Shares of the sums of upload 3; None before they were checked.
    """

    def __init__(
        self,
        setup: CountSetup,
        work: CountWork[Released],
        own: MemberBelongings,
    ) -> None:
        self.setup = setup
        self.serving = list(setup.committee.site_ids)
        self.reached: Reached[Released] | None = None
        self.hidden: HiddenSums | None = None
        self._own = own
        self._member = setup.committee.member(own.site_id)
        self._chain = H(b"counts-begin", setup.hash, own.keys.commitments)
        self._course = course(setup, work)
        self._awaits: Upload | None = first_upload(self._course)
        self._inputs: list[BlindBits] = []
        self._computation: Opening[None]
        self._waiting: Masked | None = None
        self._bodies: list[bytes] = []
        self._label = bytes(32)
        self._told: list[Message] = []
        self._ended = ""

    def take(self, inputs: Sequence[BlindBits]) -> list[Message]:
        """Take an upload of some participants, in the order of the sites; once all are there, give the first shares to be opened."""
        upload, setup = self._awaits, self.setup
        if upload is None or self._ended:
            raise ProtocolRefusal(self._ended or "An upload arrived while none is awaited.")
        label, here = setup.upload_label(upload.number, self._bodies), len(self._inputs)
        if tuple(message.site_id for message in inputs) != setup.participants[here:][: len(inputs)]:
            raise ProtocolRefusal(
                "An upload is needed of each participant, in the order of the sites. A sum over fewer would, compared with another, show "
                "single sites."
            )
        for message in inputs:
            what = f"upload {upload.number} of the counts after what was opened here"
            setup.check_input(message, label, upload.layout.length, what)
        self._inputs += inputs
        if len(self._inputs) < len(setup.participants):
            return []
        taken, self._inputs = self._inputs, []
        bound = [H(message.signature, message.body) for message in taken]
        start = H(b"counts-phase", self._chain, u32(upload.number), label, *bound)
        arithmetic = Arithmetic(setup.committee, self._member, self._own.keys.committee, start)
        self._awaits, self._computation = None, self._phase(arithmetic, upload, label, taken)
        return self._resumed(None)

    def receive(self, shares: Sequence[BlindShare]) -> list[Message]:
        """Take the other serving members' shares of an opening, in their order; give the next ones, and what a wave opened."""
        if self._waiting is None:
            raise ProtocolRefusal(
                self._ended or "Shares arrived, but no opening of the counts is under way."
            )
        gathered = self._gathered(self._waiting, shares)
        names = {
            member: self.setup.roster.name(site_id)
            for member, site_id in zip(
                self.setup.committee.members, self.setup.committee.site_ids, strict=True
            )
        }
        return self._resumed(open_present(self.setup.committee, gathered, names))

    def lose(self, strikes: Sequence[BlindStrike]) -> None:
        """Go on without a member from this opening on, once more than half of all sites agreed."""
        lost = self.setup.check_strikes(strikes, self.serving)
        if lost == self._own.site_id:
            raise ProtocolRefusal(
                "More than half of the sites go on without this member of the committee. It takes no further part in the counts."
            )
        self.serving.remove(lost)

    @property
    def label(self) -> bytes:
        """Of the chain after the last wave that this member opened."""
        return self._label

    def _phase(
        self, arithmetic: Arithmetic, upload: Upload, label: bytes, inputs: Sequence[BlindBits]
    ) -> Opening[None]:
        """One upload: its checks, then waves until the course asks for the next upload or ends."""
        found = yield from checked(arithmetic, self._own.keys, upload, label, inputs)
        failed, pooled = found
        self._tell(arithmetic, failed)
        try:
            require_passed(self.setup, upload.number, failed)
        except ProtocolRefusal as refused:
            self._ended = str(refused)
            return
        calculator = OnShares(arithmetic)
        try:
            asked = self._course.send(self._sums(calculator, upload, pooled))
            while not isinstance(asked, Upload):
                opened = yield from answered_on_shares(arithmetic, asked)
                self._tell(arithmetic, _joined(opened, asked))
                asked = self._course.send(opened)
            self._awaits = asked
        except StopIteration as end:
            self.reached = end.value
            self._ended = "The computation of counts has ended."
        self._chain = arithmetic.label

    def _sums(self, calculator: OnShares, upload: Upload, pooled: Elements) -> Sums:
        """The sums of an upload on shares, each with the bound that its checked bits prove."""
        layout, n_sites = upload.layout, len(self.setup.participants)
        shares = {name: pooled[:, place] for name, place in layout.number_places.items()}
        if upload.number == NUMBERS:
            shapes = {name: part.shape for name, part in layout.parts.items()}
            self.hidden = HiddenSums(shares, shapes)
        return Sums(
            {
                name: calculator.hidden(
                    shares[name],
                    part.shape,
                    n_sites * part.largest >> part.fraction_bits,
                    part.fraction_bits,
                )
                for name, part in layout.parts.items()
            },
            calculator,
        )

    def _resumed(self, opened: Elements | None) -> list[Message]:
        """Up to the next opening or the end of the phase: what was told on the way, and shares."""
        step = self._computation
        try:
            self._waiting = next(step) if opened is None else step.send(opened)
        except StopIteration:
            self._waiting = None
        told, self._told = self._told, []
        return told if self._waiting is None else [*told, *self._sealed(self._waiting)]

    def _tell(self, arithmetic: Arithmetic, values: Opened) -> None:
        """Sign what a wave opened, for the centre."""
        body, wave = values.astype("<i8").tobytes(), len(self._bodies)
        statement = self.setup.wave_statement(wave, arithmetic.label, body)
        self._bodies.append(body)
        self._label = arithmetic.label
        self._told.append(
            BlindWave(
                setup=self.setup.hash,
                site_id=self._own.site_id,
                wave=wave,
                label=arithmetic.label,
                length=len(values),
                signature=self._own.identity.sign(statement),
                body=body,
            )
        )

    def _sealed(self, masked: Masked) -> list[Message]:
        content, own = to_bytes(masked.share), self._own
        return [
            BlindShare(
                label=masked.label,
                sender=own.site_id,
                receiver=receiver,
                length=masked.share.shape[1],
                body=seal(
                    own.channels[receiver],
                    b"share",
                    masked.label,
                    own.site_id,
                    receiver,
                    content,
                ),
            )
            for receiver in self.serving
            if receiver != own.site_id
        ]

    def _gathered(self, waiting: Masked, messages: Sequence[BlindShare]) -> dict[int, Elements]:
        """The shares of all serving members, the own one among them."""
        own, setup = self._own, self.setup
        others = [each for each in self.serving if each != own.site_id]
        if [message.sender for message in messages] != others:
            raise ProtocolRefusal(
                "One share of each other serving member is needed, in their order."
            )
        shares = {self._member: waiting.share}
        for message in messages:
            if (message.label, message.receiver) != (waiting.label, own.site_id):
                raise ProtocolRefusal(
                    f"The share of {setup.roster.name(message.sender)!r} is for another opening than the one under way: the members were "
                    "sent different uploads, or opened different numbers. Nothing was opened."
                )
            channel = own.channels[message.sender]
            content = unseal(
                channel, b"share", message.label, message.sender, own.site_id, message.body
            )
            shares[setup.committee.member(message.sender)] = from_bytes(content)
        if any(share.shape != waiting.share.shape for share in shares.values()):
            raise ProtocolRefusal("The shares of an opening differ in length.")
        return shares


def _joined(opened: Sequence[Opened], asks: Sequence[Ask]) -> Opened:
    """All values of a wave in order, shape (n,); as many as were asked for."""
    values = [np.ravel(each) for each in opened]
    joined: Opened = np.concatenate(values) if values else np.zeros(0, dtype=np.int64)
    cut(joined, asks)
    return joined
