"""A site is known by a signature under a registered key, and by nothing less."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from riskset_server.flower.callers import KEY_HEADER, SIGNATURE_HEADER, TIME_HEADER, Sites

KEY, OTHER = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def headers(*, key=KEY, signer=KEY, at: datetime | str = NOW) -> list[tuple[bytes, bytes]]:
    signed = at if isinstance(at, str) else at.isoformat()
    signature = signer.sign(signed.encode(), ec.ECDSA(SHA256()))
    return [
        (KEY_HEADER.encode(), b64encode(pem(key))),
        (TIME_HEADER.encode(), signed.encode()),
        (SIGNATURE_HEADER.encode(), b64encode(signature)),
    ]


def sites(*registered: bytes) -> Sites:
    async def keys() -> list[bytes]:
        return list(registered)

    return Sites(keys, lambda: NOW)


def known(shown: list[tuple[bytes, bytes]], *registered: bytes) -> bytes | None:
    return asyncio.run(sites(*registered).known(shown))


@pytest.mark.parametrize("seconds", [-300, -1, 4])
def test_a_registered_site_that_signed_the_time_is_known(seconds):
    assert pem(KEY) == known(headers(at=NOW + timedelta(seconds=seconds)), pem(OTHER), pem(KEY))


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(headers(signer=OTHER), id="signed by another key"),
        pytest.param(headers(key=OTHER, signer=OTHER), id="not registered"),
        pytest.param(headers(at=NOW - timedelta(seconds=306)), id="signed long ago"),
        pytest.param(headers(at=NOW + timedelta(seconds=6)), id="signed in the future"),
        pytest.param(headers(at="2026-11-30T12:00:00"), id="a time without its zone"),
        pytest.param(headers(at="yesterday"), id="no time"),
        pytest.param(headers() + headers()[:1], id="two keys"),
        pytest.param([*headers()[:1], (SIGNATURE_HEADER.encode(), b"*")], id="no base 64"),
        *(pytest.param(headers()[:n] + headers()[n + 1 :], id=f"without {n}") for n in range(3)),
        pytest.param([], id="nothing"),
    ],
)
def test_everybody_else_is_a_stranger_also_with_the_public_key_of_a_site(shown):
    assert known(shown, pem(KEY)) is None


def test_registered_keys_that_cannot_sign_a_call_are_nobodys():
    of_another_kind = ed25519.Ed25519PrivateKey.generate()

    assert pem(KEY) == known(headers(), b"no key", pem(of_another_kind), pem(KEY))


def test_who_is_registered_is_asked_once_and_again_when_a_node_came_or_went():
    asked: list[bytes] = []

    async def keys() -> list[bytes]:
        asked.append(pem(KEY))
        return asked[1:]

    async def scene() -> list[bytes | None]:
        here = Sites(keys, lambda: NOW)
        answers = [await here.known(headers()), await here.known(headers())]
        here.forget()
        return [*answers, await here.known(headers()), await here.known(headers())]

    assert [None, None, pem(KEY), pem(KEY)] == asyncio.run(scene())
    assert 2 == len(asked)
