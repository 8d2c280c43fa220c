"""The agreement between the two ends of the Flower engine: the envelope of a message, and the only app whose runs are admitted.

The envelope says nothing that anyone trusts. The message inside is signed, masked and bound to its round; the rest helps to carry it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from riskset_common.errors import ProtocolRefusal

APP_SHA256 = "09176893a670e65129b641bc187e40b3c1dc31274556b9df8c28974689e17657"
"""SHA-256 of the Flower app (deploy/flower-app) of this release. No site and no centre executes it."""

MESSAGE_TYPE = "query.riskset"
RECORD = "riskset"
"""Name of the one record in a Flower message."""

Field = bytes | str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What travels in one Flower message.

    Attributes
    ----------
    message
        The bytes between centre and site; empty where the protocol wants no reply.
    release
        The release of whoever sends it.
    stream
        `host:port` at which the centre takes streams for this run; empty where it takes none.
    token
        32 bytes by which the stream of this run and node is known; empty without a stream.
    """

    message: bytes
    release: str
    stream: str = ""
    token: bytes = b""

    def fields(self) -> dict[str, Field]:
        """The fields of the record."""
        return {
            "message": self.message,
            "release": self.release,
            "stream": self.stream,
            "token": self.token,
        }

    @classmethod
    def read(cls, fields: Mapping[str, object]) -> Self:
        """Read the record of a Flower message; refuse any other shape."""
        message, release = fields.get("message"), fields.get("release")
        stream, token = fields.get("stream"), fields.get("token")
        if not (
            len(fields) == 4
            and isinstance(message, bytes)
            and isinstance(release, str)
            and isinstance(stream, str)
            and isinstance(token, bytes)
        ):
            raise ProtocolRefusal(
                "The Flower message is not an envelope of riskset. Bring centre and sites to one release."
            )
        return cls(message, release, stream, token)
