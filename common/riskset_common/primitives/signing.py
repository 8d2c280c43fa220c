"""Identities: the Ed25519 key by which a site or the centre is known, and what it signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from riskset_common.errors import InputError, SignatureRefusal

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key. Whoever holds it can speak in the owner's name; it stays on the owner's machine."""

    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_random(cls, random: bytes) -> Self:
        """Make an identity of 32 random bytes, which the caller draws from the operating system."""
        if len(random) != KEY_BYTES:
            raise InputError(
                f"An identity is made of {KEY_BYTES} random bytes; {len(random)} were given."
            )
        return cls(Ed25519PrivateKey.from_private_bytes(random))

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read the content of a key file: PEM, PKCS #8, not encrypted."""
        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise InputError(
                "The identity key cannot be read: it is not an unencrypted private key in PEM form (PKCS #8). "
                "Restore the key file from where it was made, or make a new identity and have it entered in the roster."
            ) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise InputError(
                "The identity key is of another kind; riskset signs with Ed25519 keys only."
            )
        return cls(private)

    def to_pem(self) -> bytes:
        """The content of a key file. It is not encrypted: the file's permissions protect it."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    @property
    def public_text(self) -> str:
        """The public key in base64, as rosters and configuration files write it."""
        return public_text(self.public)

    def sign(self, message: bytes) -> bytes:
        """Ed25519 signature (RFC 8032), 64 bytes; the same message gives the same signature."""
        return self._private.sign(message)


def read_identity(path: Path, where: str = "", error: type[InputError] = InputError) -> Identity:
    """Read a key file.

    Parameters
    ----------
    where
        The setting that names the file, for messages.
    error
        The error to raise.

    Raises
    ------
    InputError
        Or the kind given, naming setting and file, if the file cannot be read or holds no key of this kind.
    """
    named = f"{where} {path}" if where else str(path)
    try:
        return Identity.from_pem(path.read_bytes())
    except OSError as unread:
        raise error(
            f"{named}: the key cannot be read ({unread.strerror}). Check the path and its permissions."
        ) from unread
    except InputError as unfit:
        raise error(f"{named}: {unfit}") from unfit


def verify(public: bytes, signature: bytes, message: bytes, what: str) -> None:
    """Raise SignatureRefusal naming `what`, unless the holder of this public key signed exactly this message."""
    try:
        _verified(public, signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureRefusal(
            f"The signature of {what} does not fit its content and the key {fingerprint(public)}. "
            "It was changed on its way, or signed with another key: compare the key's fingerprint by telephone."
        ) from None


@lru_cache(maxsize=4096)
def _verified(public: bytes, signature: bytes, message: bytes) -> None:
    """Raise unless they belong together. What was found right once is not worked out again: a round's headers come two or three times."""
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


def fingerprint(public: bytes) -> str:
    """Eight groups of five digits to read out by telephone: 132 bits of the key's SHA-256, in digits every language has."""
    number = int.from_bytes(hashlib.sha256(b"riskset/fingerprint/" + public).digest()) % 10**40
    digits = f"{number:040d}"
    return " ".join(digits[start : start + 5] for start in range(0, 40, 5))


def is_read_out(heard: str, known: str) -> bool:
    """Whether what was heard on the telephone is this fingerprint; grouping and the script of the digits do not count."""
    digits = (unicodedata.decimal(mark, None) for mark in heard)
    return "".join(str(digit) for digit in digits if digit is not None) == known.replace(" ", "")


def public_text(public: bytes) -> str:
    """Write a public key as base64 text."""
    return base64.b64encode(public).decode("ascii")


def public_from_text(text: str) -> bytes:
    """Read a public key of 32 bytes from base64 text."""
    try:
        public = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        public = b""
    if len(public) != KEY_BYTES or public_text(public) != text:
        raise InputError(
            "This is not a public key: 32 bytes in base64, 44 characters ending in '=', are needed. Copy it again in full."
        )
    return public
