"""Which site calls: the headers of a call say it, so that a body is taken only from a registered site.

A public key is no secret, and says nothing by itself: a node signs the time of each
call with the private one. Flower checks the same again, and that the node is the one of the message.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

KEY_HEADER, TIME_HEADER, SIGNATURE_HEADER = "flwr-public-key", "flwr-timestamp", "flwr-signature"
"""A node's public key (PEM) and its signature, both in base 64, over the time, as ISO 8601 has it."""

EARLIEST, LATEST = -5.0, 305.0
"""Seconds that a signed time may lie back; Flower's own limits."""

Headers = Iterable[tuple[bytes, bytes]]


class Sites:
    """The sites by their registered connection keys.

    Parameters
    ----------
    registered
        Gives the public keys (PEM) of all nodes that are registered now.
    now
        The time.
    """

    def __init__(
        self, registered: Callable[[], Awaitable[Iterable[bytes]]], now: Callable[[], datetime]
    ) -> None:
        self._registered = registered
        self._now = now
        self._keys: dict[bytes, ec.EllipticCurvePublicKey] = {}
        self._changes, self._changes_seen = 1, 0

    def forget(self) -> None:
        """A node was registered, or is no longer: ask again who is."""
        self._changes += 1

    async def known(self, headers: Headers) -> bytes | None:
        """The key of the site that signed these headers; None for a stranger."""
        while self._changes_seen < self._changes:
            changes = self._changes
            self._keys = dict(_readable(await self._registered()))
            self._changes_seen = changes
        try:
            key = b64decode(only(headers, KEY_HEADER), validate=True)
            registered = self._keys[key]
            signed = only(headers, TIME_HEADER)
            age = (self._now() - datetime.fromisoformat(signed.decode("ascii"))).total_seconds()
            signature = b64decode(only(headers, SIGNATURE_HEADER), validate=True)
            registered.verify(signature, signed, ec.ECDSA(SHA256()))
        except (KeyError, ValueError, TypeError, InvalidSignature):
            return None
        return key if EARLIEST < age < LATEST else None


def _readable(keys: Iterable[bytes]) -> Iterable[tuple[bytes, ec.EllipticCurvePublicKey]]:
    for key in keys:
        try:
            read = load_pem_public_key(key)
        except (ValueError, UnsupportedAlgorithm):
            continue  # nobody can sign with it
        if isinstance(read, ec.EllipticCurvePublicKey):
            yield key, read


def only(headers: Headers, name: str) -> bytes:
    """The value of a header that is there once. Raises `ValueError`."""
    (value,) = (value for header, value in headers if header == name.encode("ascii"))
    return value


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)
