"""The inside port's secret: what the centre's own programs show there, and a client that shows it."""

from __future__ import annotations

import hmac
from hashlib import sha256
from pathlib import Path

import httpx

from riskset_common.errors import InputError
from riskset_common.programs.tls import trusting
from riskset_server.centre.config import CentreConfig
from riskset_server.flower.callers import Headers, only

INSIDE_HEADER = "riskset-inside"


def inside_client(centre: CentreConfig, seconds: float) -> httpx.Client:
    """A client for the inside port that waits so long for an answer. It shows the secret to nobody but the centre's certificate.

    This machine's own address is not taken to a proxy, even if the environment names one.
    """
    return httpx.Client(
        verify=trusting(centre.tls.ca.read_bytes()),
        trust_env=False,
        timeout=seconds,
        headers={INSIDE_HEADER: inside_word(read_secret(centre.flower.secret))},
    )


def inside_word(secret: bytes) -> str:
    """What is shown on the inside port: it follows from the secret of centre.yaml, and does not tell it."""
    return hmac.new(secret, b"riskset: inside port", sha256).hexdigest()


def shows(headers: Headers, word: str) -> bool:
    """Whether the headers show this word."""
    try:
        shown = only(headers, INSIDE_HEADER)
    except ValueError:
        return False
    return hmac.compare_digest(shown, word.encode("ascii"))


def read_secret(path: Path) -> bytes:
    """The secret of the centre's own programs.

    Raises
    ------
    InputError
        If it cannot be read, is too short to be one, or can be read by every user of this machine.
    """
    try:
        others_read = path.stat().st_mode & 0o007
        secret = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"flower.secret: {path} cannot be read ({error.strerror}). Give the command as the user who owns the centre."
        ) from error
    if others_read:
        raise InputError(
            f"flower.secret: {path} is open to every user of this machine, who could then start runs. Close it: chmod 600 {path}"
        )
    if len(secret) < 16:  # bytes; a new centre writes 32
        raise InputError(
            f"flower.secret: {path} holds {len(secret)} bytes, which can be guessed; at least 16 are needed. "
            f"Write a new one: head -c 32 /dev/urandom > {path}"
        )
    return secret
