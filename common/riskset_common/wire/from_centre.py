"""What every message of the centre has: its signature, over all that the message says.

Whoever carries a message may read it, keep it or lose it, and cannot change it: a site drops what the centre that it joined did not sign,
before it looks at anything else.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final, Self

from riskset_common.formats.canonical_json import canonical_json
from riskset_common.primitives.hashing import PREFIX, H
from riskset_common.primitives.signing import Identity, verify
from riskset_common.primitives.strict_fields import Signature
from riskset_common.wire.frame import Message

UNSIGNED: Final = bytes(64)
"""Stands for the signature until the centre signs; no key's signature is this."""


class FromCentre(Message):
    """A message that the centre signs."""

    signature: Signature = UNSIGNED

    def statement(self) -> bytes:
        """What is signed: ``"centre" | H(kind, header without the signature, sha256(body))``."""
        said = self.model_dump(mode="json", exclude={"body", "signature"})
        body = sha256(self.body_bytes()).digest()
        return PREFIX + b"centre" + H(bytes([self.kind]), canonical_json(said), body)

    def signed_by(self, centre: Identity) -> Self:
        """This message with the centre's signature. Run by the centre, for whatever it sends."""
        return self.model_copy(update={"signature": centre.sign(self.statement())})

    def require_signed_by(self, centre: bytes) -> None:
        """Raise `SignatureRefusal` unless the holder of this public key signed the message. Run by a site, before all else."""
        verify(centre, self.signature, self.statement(), f"the centre's {type(self).__name__}")
