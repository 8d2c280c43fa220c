"""The messages of computations on shares, in the frame of `frame.py`: kinds 32 to 41. Vectors have 32 bytes an element, below p."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from riskset_common.primitives.strict_fields import (
    ELEMENT_BYTES,
    SHORT_BYTES,
    U32,
    Digest,
    Signature,
    SiteId,
    StrictValue,
)
from riskset_common.wire.frame import Message, MessageWithBody

SEAL_BYTES = 16
"""What AES-GCM adds."""
WHOLE_BYTES = 8
"""A whole number that was opened."""

Coefficient = Annotated[float, Field(allow_inf_nan=False)]


class BlindKeys(MessageWithBody):
    """Site to members: its keys, sealed for each member that is not itself, and a commitment to each key in the clear.

    `commitments` has one digest for each subset of the committee (the site's input keys), then one for each subset whose smallest
    member the site is (the committee's keys). The body holds the boxes in the order of members; `boxes` are their lengths.
    """

    kind = 32

    setup: Digest
    site_id: SiteId
    commitments: tuple[Digest, ...]
    boxes: tuple[U32, ...]
    signature: Signature

    @property
    def body_length(self) -> int:
        """All boxes."""
        return sum(self.boxes)

    def box(self, place: int) -> bytes:
        """One box."""
        start = sum(self.boxes[:place])
        return self.body[start : start + self.boxes[place]]


class Consent(StrictValue):
    """A member's signature under the coefficients of an evaluation."""

    site_id: SiteId
    signature: Signature


class BlindAsk(Message):
    """Centre to sites and members: the coefficients of an evaluation, standardised, and the consents of members to them.

    The first evaluation is at 0 and needs none.
    """

    kind = 33

    setup: Digest
    evaluation: U32
    beta: tuple[Coefficient, ...]
    consents: tuple[Consent, ...]


class BlindInput(MessageWithBody):
    """Site to members, by way of the centre: its numbers, masked. The signature covers the whole."""

    kind = 34

    label: Digest
    site_id: SiteId
    length: U32
    signature: Signature

    @property
    def body_length(self) -> int:
        """One element for each number."""
        return ELEMENT_BYTES * self.length


class BlindBits(MessageWithBody):
    """Site to members, by way of the centre: bits of its counts, each under a mask of 92 bits. The signature covers the whole."""

    kind = 41

    label: Digest
    site_id: SiteId
    length: U32
    signature: Signature

    @property
    def body_length(self) -> int:
        """Twelve bytes for each bit."""
        return SHORT_BYTES * self.length


class BlindShare(MessageWithBody):
    """Member to member, by way of the centre: a masked share to be opened, sealed for its receiver."""

    kind = 35

    label: Digest
    sender: SiteId
    receiver: SiteId
    length: U32

    @property
    def body_length(self) -> int:
        """One element for each number, and the seal."""
        return ELEMENT_BYTES * self.length + SEAL_BYTES


class BlindOpened(MessageWithBody):
    """Member to centre: what an evaluation opened (log-likelihood, score, information), the same from every member."""

    kind = 36

    setup: Digest
    site_id: SiteId
    evaluation: U32
    length: U32
    signature: Signature

    @property
    def body_length(self) -> int:
        """One element for each number."""
        return ELEMENT_BYTES * self.length


class BlindConsent(Message):
    """Member to centre: its consent to the coefficients of an evaluation."""

    kind = 37

    setup: Digest
    evaluation: U32
    consent: Consent


class BlindWave(MessageWithBody):
    """Member to centre, and by way of the centre to sites: what one wave of the computation of counts opened, signed.

    `label` binds all that was opened up to here. The body holds whole numbers of 8 bytes, little endian, in the order in which the wave
    asked for them.
    """

    kind = 38

    setup: Digest
    site_id: SiteId
    wave: U32
    label: Digest
    length: U32
    signature: Signature

    @property
    def body_length(self) -> int:
        """Eight bytes for each number."""
        return WHOLE_BYTES * self.length


class BlindLost(Message):
    """Centre to sites: a member of the committee no longer answers. `place` counts the members that were lost before."""

    kind = 39

    setup: Digest
    place: U32
    lost: SiteId


class BlindStrike(Message):
    """Site to members, by way of the centre: it agrees that the computation goes on without a member. Signed once for each place."""

    kind = 40

    setup: Digest
    site_id: SiteId
    place: U32
    lost: SiteId
    signature: Signature


BLIND_MESSAGES: tuple[type[Message], ...] = (
    BlindKeys,
    BlindAsk,
    BlindInput,
    BlindBits,
    BlindShare,
    BlindOpened,
    BlindConsent,
    BlindWave,
    BlindLost,
    BlindStrike,
)
