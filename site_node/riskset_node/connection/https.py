"""HTTPS to the centre and to nobody else: one authority is believed, a proxy may be on the way."""

from __future__ import annotations

import httpx

from riskset_common.programs.tls import trusting


def https_client(ca: bytes, proxy: str | None, read_seconds: float) -> httpx.Client:
    """A client that believes this authority (PEM) only. `proxy` is a URL; None leaves it to the environment."""
    return httpx.Client(
        verify=trusting(ca),
        proxy=proxy,
        timeout=httpx.Timeout(30.0, connect=10.0, read=read_seconds),
    )


def in_words(error: httpx.TransportError) -> str:
    """Why the centre is not reached, for a person."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "its certificate is not signed by the authority in centre.ca"
    return f"it cannot be reached ({type(error).__name__})"
