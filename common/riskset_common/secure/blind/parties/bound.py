"""What every computation on shares is bound to: session, roster, participants, committee. And the statements that sites sign under it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from riskset_common.consortium.roster import Roster
from riskset_common.errors import ProtocolRefusal
from riskset_common.primitives.hashing import PREFIX, H, u32
from riskset_common.primitives.signing import verify
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.wire.blind_messages import BlindBits, BlindInput


@dataclass(frozen=True)
class BoundSetup(ABC):
    """One computation within a session. Every party makes it for itself from what it knows.

    Attributes
    ----------
    session
        SETUP_HASH of the session, 32 bytes.
    roster
        The sites' signing keys.
    participants
        The frozen set of sites whose patients are analysed, in order; the same in every upload.
    committee
        Who computes; its members are participants.
    """

    session: bytes
    roster: Roster
    participants: tuple[int, ...]
    committee: Committee

    def __post_init__(self) -> None:
        if list(self.participants) != sorted(set(self.participants)):
            raise ProtocolRefusal("The participants must be listed once each, in order.")
        strangers = set(self.committee.site_ids) - set(self.participants)
        if strangers:
            raise ProtocolRefusal(
                f"{len(strangers)} members of the committee take no part in the analysis. Members are chosen among the participants."
            )

    @property
    @abstractmethod
    def hash(self) -> bytes:
        """32 bytes over all of it."""

    def keys_statement(self, site_id: int, commitments: Iterable[bytes], boxes: bytes) -> bytes:
        """What a site signs under its keys."""
        return (
            PREFIX
            + b"blind-keys"
            + H(self.hash, u32(site_id), *commitments, sha256(boxes).digest())
        )

    def input_statement(self, label: bytes, site_id: int, body: bytes) -> bytes:
        """What a site signs under its input."""
        return PREFIX + b"blind-input" + H(label, u32(site_id), sha256(body).digest())

    def check_input(
        self, message: BlindInput | BlindBits, label: bytes, length: int, what: str
    ) -> None:
        """Raise unless a site sent exactly so many numbers under this label, and signed them."""
        name = self.roster.name(message.site_id)
        if message.label != label or message.length != length:
            raise ProtocolRefusal(
                f"The input of site {name!r} answers another question than {what}."
            )
        statement = self.input_statement(label, message.site_id, message.body)
        public = self.roster.member(message.site_id).public
        verify(public, message.signature, statement, f"the input of site {name!r}")
