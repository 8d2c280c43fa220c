from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from riskset_common.errors import InputError, NodeConfigError, SignatureRefusal
from riskset_common.primitives.signing import (
    Identity,
    fingerprint,
    is_read_out,
    public_from_text,
    public_text,
    read_identity,
    verify,
)

# RFC 8032, section 7.1, test 3.
SECRET = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
PUBLIC = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
SIGNATURE = bytes.fromhex(
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)
MESSAGE = bytes.fromhex("af82")


def test_an_identity_signs_as_the_standard_says():
    identity = Identity.from_random(SECRET)

    assert PUBLIC == identity.public
    assert SIGNATURE == identity.sign(MESSAGE)
    verify(PUBLIC, SIGNATURE, MESSAGE, "the test vector")


def test_a_key_file_gives_the_same_identity_again():
    identity = Identity.from_random(SECRET)
    pem = identity.to_pem()

    assert pem.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert PUBLIC == Identity.from_pem(pem).public


def test_an_identity_does_not_show_its_key():
    identity = Identity.from_random(SECRET)

    assert "Identity()" == repr(identity)


@pytest.mark.parametrize("random", [b"", b"a" * 31, b"a" * 33])
def test_an_identity_needs_exactly_its_random_bytes(random):
    with pytest.raises(InputError, match=f"32 random bytes; {len(random)} were given"):
        Identity.from_random(random)


def test_a_file_that_is_no_usable_key_is_refused():
    pem = Identity.from_random(SECRET).to_pem()
    private = load_pem_private_key(pem, None)
    locked = private.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password")
    )
    for content in (b"", b"no key", pem[:40], locked):
        with pytest.raises(InputError, match="cannot be read"):
            Identity.from_pem(content)


def test_a_key_file_is_read_and_a_broken_one_is_named(tmp_path: Path) -> None:
    good, bad = tmp_path / "centre.key", tmp_path / "broken.key"
    good.write_bytes(Identity.from_random(SECRET).to_pem())
    bad.write_bytes(b"no key")

    assert PUBLIC == read_identity(good).public
    with pytest.raises(InputError, match=r"broken\.key: The identity key cannot be read"):
        read_identity(bad)
    with pytest.raises(InputError, match=r"absent\.key: the key cannot be read"):
        read_identity(tmp_path / "absent.key")


def test_a_key_file_that_a_setting_names_is_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(NodeConfigError, match=r"^identity\.key .*absent\.key: the key cannot"):
        read_identity(tmp_path / "absent.key", "identity.key", NodeConfigError)


def test_a_key_of_another_kind_is_refused():
    other = generate_private_key(SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(InputError, match="Ed25519 keys only"):
        Identity.from_pem(pem)


@pytest.mark.parametrize(
    ("public", "signature", "message"),
    [
        (PUBLIC, SIGNATURE, b"other"),
        (PUBLIC, SIGNATURE[:-1] + b"\0", MESSAGE),
        (PUBLIC, SIGNATURE[:-1], MESSAGE),
        (PUBLIC, b"", MESSAGE),
        (PUBLIC[:-1], SIGNATURE, MESSAGE),
        (bytes(31) + b"\x80", SIGNATURE, MESSAGE),
        (b"\2" + bytes(31), SIGNATURE, MESSAGE),
        (Identity.from_random(b"x" * 32).public, SIGNATURE, MESSAGE),
    ],
)
def test_a_signature_that_does_not_fit_is_refused_by_name(public, signature, message):
    with pytest.raises(SignatureRefusal, match="The signature of the offer does not fit"):
        verify(public, signature, message, "the offer")


def test_a_fingerprint_is_read_out_as_eight_groups_of_five_digits():
    groups = fingerprint(PUBLIC).split(" ")

    assert [5] * 8 == [len(group) for group in groups]
    assert all(group.isdecimal() for group in groups)
    assert fingerprint(PUBLIC) != fingerprint(Identity.from_random(b"x" * 32).public)


@pytest.mark.parametrize(
    ("heard", "same"),
    [
        ("78162 66239 75231 67260 27330 13241 77173 42303", True),
        ("7816266239-7523167260/27330 1324177173.42303", True),
        ("٧٨١٦٢ 66239 75231 67260 27330 13241 77173 42303", True),
        ("78162 66239 75231 67260 27330 13241 77173 42304", False),
        ("78162 66239 75231 67260 27330 13241 77173", False),
        ("78162 66239 75231 67260 27330 13241 77173 42303 0", False),
        ("", False),
    ],
)
def test_a_fingerprint_is_the_one_that_was_read_out_if_all_its_digits_are(heard, same):
    assert same == is_read_out(heard, fingerprint(PUBLIC))


def test_a_fingerprint_never_changes():
    assert "78162 66239 75231 67260 27330 13241 77173 42303" == fingerprint(PUBLIC)


def test_a_public_key_is_written_and_read_as_base64():
    text = Identity.from_random(SECRET).public_text

    assert "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU=" == text
    assert PUBLIC == public_from_text(text)
    assert text == public_text(PUBLIC)


@pytest.mark.parametrize(
    "text", ["", "abc", "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCV=", "é" * 44, "AA==", "A" * 45]
)
def test_text_that_is_no_public_key_is_refused(text):
    with pytest.raises(InputError, match="not a public key"):
        public_from_text(text)
