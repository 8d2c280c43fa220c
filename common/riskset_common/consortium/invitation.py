"""The two files by which a site joins: the centre's invitation, and the enrolment that answers it with the site's public keys.

Neither is secret for long: the token is good for one enrolment, and what counts is the fingerprint that is compared by telephone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from riskset_common.errors import InputError
from riskset_common.formats.strict_model import StrictModel
from riskset_common.primitives.signing import fingerprint, public_from_text


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
    """

    invitation: Literal[1] = 1
    site: str
    study_group: str
    address: str
    ca: str
    key: str
    token: str


class Enrolment(StrictModel):
    """Site to centre: its public keys, base64 (Ed25519) and PEM (EC)."""

    enrolment: Literal[1] = 1
    site: str
    token: str
    signing_key: str
    connection_key: str
    release: str

    @property
    def fingerprint(self) -> str:
        """What is read out by telephone; it covers both keys."""
        return fingerprint(public_from_text(self.signing_key) + self.connection_key.encode())


File = TypeVar("File", bound=BaseModel)


def read_file(kind: type[File], path: Path) -> File:
    """Read one of the two files.

    Raises
    ------
    InputError
        Where it is not one.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise InputError(
            f"{path}: is no {kind.__name__.lower()} of riskset. Ask for the file again; it must arrive unchanged."
        ) from error


def write_file(file: BaseModel, path: Path) -> None:
    """Write one of the two files."""
    path.write_text(file.model_dump_json(indent=1) + "\n", encoding="utf-8")
