"""The two files by which a site joins: the centre's invitation, and the enrolment that answers it with the site's public keys.

Neither is secret for long: the token is good for one enrolment, and what counts are the fingerprints that both sides compare by
telephone. Whoever carries a file can change it, so every field has a type, which is checked when a file is made and when it is read.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from pydantic import AfterValidator, BaseModel, model_validator

from riskset_common.errors import InputError, SignatureRefusal
from riskset_common.formats.addresses import AddressText
from riskset_common.formats.names import LineText, SiteName
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import validate
from riskset_common.primitives.signing import Identity, fingerprint, public_from_text, verify

LONGEST_CODEBOOK = 1 << 17
"""Bytes of a codebook that travels in an invitation: some ten times that of a trial of 18 study groups."""

LONGEST_FILE = 1 << 19
"""Bytes of one of the two files: a codebook of which every character is escaped, and some fifty times what the rest needs."""


def authority_text(pem: bytes) -> str:
    """The certificates of an authority in PEM form and nothing beside them, so that a fingerprint covers all that is believed.

    Raises
    ------
    InputError
        Where there is none, or one that cannot be read.
    """
    try:
        certificates = x509.load_pem_x509_certificates(pem)
        return "".join(each.public_bytes(Encoding.PEM).decode("ascii") for each in certificates)
    except ValueError as error:
        raise InputError("the authority is no certificate in PEM form.") from error


def centre_fingerprint(key: str, ca: str) -> str:
    """What the centre reads out by telephone; it covers the key with which it signs (base64) and its authority for TLS (PEM)."""
    return fingerprint(public_from_text(key) + authority_text(ca.encode()).encode())


def _authority(text: str) -> str:
    try:
        plain = authority_text(text.encode())
    except InputError:
        plain = ""
    if not plain or plain != text:
        raise ValueError("holds something else than certificates in PEM form.")
    return text


def _signing_key(text: str) -> str:
    try:
        public_from_text(text)
    except InputError as error:
        raise ValueError(str(error)) from error
    return text


def _connection_key(text: str) -> str:
    try:
        key = load_pem_public_key(text.encode())
    except ValueError:
        key = None
    if (
        not isinstance(key, ec.EllipticCurvePublicKey)
        or key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode() != text
    ):
        raise ValueError("is no public EC key in PEM form.")
    return text


def _token(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", text):
        raise ValueError("is no token: it has letters, digits, - and _, and 128 of them at most.")
    return text


def _codebook(text: str) -> str:
    if len(text.encode()) > LONGEST_CODEBOOK:
        raise ValueError(
            f"is longer than {LONGEST_CODEBOOK >> 10} KiB. Send the codebook beside the invitation, and invite without it."
        )
    return text


def _signed(text: str) -> bytes:
    """What the centre signs, so that the signature says nothing of anything else."""
    return b"riskset/codebook of an invitation/1\n" + text.encode()


def codebook_signature(text: str, centre: Identity) -> str:
    """The centre's signature of a codebook in an invitation, base64."""
    return base64.b64encode(centre.sign(_signed(text))).decode("ascii")


AuthorityText = Annotated[str, AfterValidator(_authority)]
SigningKeyText = Annotated[str, AfterValidator(_signing_key)]
ConnectionKeyText = Annotated[str, AfterValidator(_connection_key)]
Token = Annotated[str, AfterValidator(_token)]


class Invitation(StrictModel):
    """Centre to site.

    Attributes
    ----------
    address
        `host:port` of the centre.
    ca
        The authority that signed the centre's certificate, PEM.
    key
        The centre's Ed25519 public key, base64.
    token
        By which the enrolment is known to answer this invitation.
    codebook, codebook_signature
        The study's codebook as YAML, and its signature by `key` (base64); None where the centre sends it in another way. A codebook
        that `key` did not sign is refused; whether `key` is the centre's is what the fingerprint says.
    """

    invitation: Literal[1] = 1
    site: SiteName
    study_group: LineText
    address: AddressText
    ca: AuthorityText
    key: SigningKeyText
    token: Token
    codebook: Annotated[str, AfterValidator(_codebook)] | None = None
    codebook_signature: str | None = None

    @model_validator(mode="after")
    def _codebook_is_the_centres(self) -> Self:
        if self.codebook is None and self.codebook_signature is None:
            return self
        try:
            signature = base64.b64decode(self.codebook_signature or "", validate=True)
            verify(
                public_from_text(self.key), signature, _signed(self.codebook or ""), "the codebook"
            )
        except (binascii.Error, ValueError, SignatureRefusal) as error:
            raise ValueError(
                "codebook: is not signed by the key of this invitation, so it was changed on its way."
            ) from error
        return self

    @property
    def fingerprint(self) -> str:
        """The centre's, which its people read out by telephone."""
        return centre_fingerprint(self.key, self.ca)


class Enrolment(StrictModel):
    """Site to centre: its public keys, base64 (Ed25519) and PEM (EC)."""

    enrolment: Literal[1] = 1
    site: SiteName
    token: Token
    signing_key: SigningKeyText
    connection_key: ConnectionKeyText
    release: LineText

    @property
    def fingerprint(self) -> str:
        """The site's, which is read out by telephone; it covers both keys."""
        return fingerprint(public_from_text(self.signing_key) + self.connection_key.encode())


File = TypeVar("File", Invitation, Enrolment)


def made(kind: type[File], fields: Mapping[str, str]) -> File:
    """Make one of the two files of its fields. Raises `InputError` with every field that is not of its type."""
    return validate(kind, fields, kind.__name__.lower(), InputError)


def read_file(kind: type[File], path: Path) -> File:
    """Read one of the two files.

    Raises
    ------
    InputError
        Where it is not one, with every field that is not of its type.
    """
    name = kind.__name__.lower()
    again = "Ask for the file again; it must arrive unchanged."
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
        fields = json.loads(content) if len(content) <= LONGEST_FILE else None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Check the path.") from error
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or name not in fields:
        raise InputError(f"{path}: is no {name} of riskset. {again}")
    try:
        return validate(kind, fields, str(path), InputError)
    except InputError as error:
        raise InputError(
            f"{error}\n{path}: is no {name} of riskset that can be used, and nothing was made of it. {again}"
        ) from error


def write_file(file: BaseModel, path: Path) -> None:
    """Write one of the two files. Raises `InputError` where it cannot be written."""
    try:
        path.write_text(file.model_dump_json(indent=1, exclude_none=True) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}). Choose another folder."
        ) from error
