"""roster.yaml, which people write and read, and roster.yaml.sig, which gathers the signatures of the governance keys."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BeforeValidator, Field, ValidationError

from riskset_common.consortium.governance import SignedRoster, sign_roster, unsigned
from riskset_common.consortium.roster import Member, Roster
from riskset_common.errors import InputError
from riskset_common.formats.names import LineText
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import read_yaml, validate
from riskset_common.primitives.signing import Identity, public_from_text


def _key(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return public_from_text(text)
    except InputError as error:
        raise ValueError(str(error)) from error


class WrittenMember(StrictModel):
    """One site: its number, which never changes hands, its names, and its public key in base64."""

    site_id: int = Field(ge=0, lt=2**32)
    name: LineText
    study_group: LineText
    public: Annotated[bytes, BeforeValidator(_key)]


class WrittenRoster(StrictModel):
    """The sites of a consortium. A change of any kind makes a new version."""

    roster: int = Field(ge=1, lt=2**32)
    sites: tuple[WrittenMember, ...] = Field(min_length=1)


def signatures_path(path: Path) -> Path:
    """Where a roster's signatures lie: beside it."""
    return path.with_name(path.name + ".sig")


def read_roster(path: Path) -> SignedRoster:
    """Read a roster and the signatures beside it; whether they suffice is for `check_roster` to say.

    Raises
    ------
    InputError
        Where one of the two cannot be read, or the signatures are of another roster.
    """
    written = validate(WrittenRoster, read_yaml(path), str(path), InputError)
    ordered = sorted(written.sites, key=lambda member: member.site_id)
    members = tuple(Member.model_validate(member.model_dump()) for member in ordered)
    roster = Roster(version=written.roster, members=members)
    beside = signatures_path(path)
    if not beside.exists():
        return unsigned(roster)
    try:
        signed = SignedRoster.model_validate_json(beside.read_bytes())
    except ValidationError:
        raise InputError(
            f"{beside}: not the signatures of a roster. Make them with `riskset roster sign`."
        ) from None
    if signed.roster.hash != roster.hash:
        raise InputError(
            f"{beside}: the signatures are of roster version {signed.roster.version} with other content than {path.name} has now. "
            "Restore what was signed, or raise the version, delete the signatures and have it signed again."
        )
    return signed


def write_roster(roster: Roster, path: Path) -> None:
    """Write a roster to be signed; signatures of another that lay there before are deleted.

    Raises
    ------
    InputError
        Where it cannot be written.
    """
    sites = [
        {
            "site_id": member.site_id,
            "name": member.name,
            "study_group": member.study_group,
            "public": base64.b64encode(member.public).decode("ascii"),
        }
        for member in roster.members
    ]
    text = yaml.safe_dump(
        {"roster": roster.version, "sites": sites}, sort_keys=False, allow_unicode=True
    )
    try:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            signatures_path(path).unlink(missing_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from error


def add_signature(path: Path, identity: Identity) -> SignedRoster:
    """Sign the roster in a file; the signature joins those beside it."""
    signed = sign_roster(read_roster(path), identity)
    signatures_path(path).write_text(signed.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return signed
