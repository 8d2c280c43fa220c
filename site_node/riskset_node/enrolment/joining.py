"""Joining a consortium: from the centre's invitation to this site's keys, node.yaml, and the enrolment that goes back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from riskset_common.consortium.governance import Governance
from riskset_common.consortium.invitation import Enrolment, Invitation, made, write_file
from riskset_common.errors import InputError, Refusal
from riskset_common.primitives.signing import Identity, is_read_out, public_from_text
from riskset_common.programs.command_line import version_of
from riskset_common.programs.screen import one_line
from riskset_common.programs.secret_files import closed_folder, write_new
from riskset_common.study.codebook import codebook_in

NODE_FILE = "node.yaml"
CODEBOOK_FILE = "codebook.yaml"
"""The study's codebook as it came with the invitation; commands that are told of no other read this one."""

_HEAD = """\
# This site. Fill in `data`: where the patients stand, the column with this site's own ids of them (`patient`), and how the variables
# are written there (docs/node.md). To have it proposed: riskset-node data draft FILE --in {folder}
# Under `centre`, `plans` names the plans that this site agreed to, and the node answers no other. Each is one line:
# - {{plan: SHA-256, codebook: SHA-256}}, as `riskset plan check` prints them.
# `roster` names the keys of the consortium's governance, of which `needed` must have signed the roster. They are read out or handed
# over by their holders, never by the centre. When the roster came, lay roster.yaml and roster.yaml.sig beside this file.
# Then: riskset-node doctor {file}; riskset-node start {file}
"""

_DATA_TO_FILL_IN = """\
data:
  source:
    kind: csv
    path: patients.csv
  patient: patient_id
  # columns: one line for each variable of the codebook, variable: column; what has the variable's name needs no line
"""

_ROSTER_TO_FILL_IN = """\
# Fill in, because the node does not start without it: take each # away, and write one line for each key, as its holder gave it.
#roster:
#  path: roster.yaml
#  governance:
#  - KEY OF 44 CHARACTERS, WHICH ENDS IN =
#  needed: 1
"""


def join_folder(
    invitation: Invitation,
    folder: Path,
    *,
    governance: Sequence[str] = (),
    needed: int = 1,
    centre_read_out: str | None = None,
    random: Callable[[int], bytes],
) -> Enrolment:
    """Make this site's folder: two keys, the centre's authority, the codebook if one came, node.yaml, and the enrolment to send back.

    The private keys are made here and stay here. Nothing is written outside of the folder, and over no file.

    Parameters
    ----------
    governance, needed
        The keys (Ed25519, base64) of which so many must sign the roster. They come from their holders: the invitation, which is the
        centre's, holds none. Without them they are to be written into node.yaml before the node can start.
    centre_read_out
        The centre's fingerprint as it was heard on the telephone; None where it is compared afterwards.

    Raises
    ------
    Refusal
        Where what was heard is not the fingerprint of the centre in the invitation. Nothing is written then.
    InputError
        Where a governance key is none, the codebook is none, the folder holds a node already, or it cannot be written.
    """
    _check_centre(invitation, centre_read_out)
    _check_governance(governance, needed)
    if invitation.codebook is not None:
        codebook_in(invitation.codebook, "the codebook in the invitation")
    _check_empty(folder, invitation)
    closed_folder(folder)
    identity = Identity.from_random(random(32))
    connection = ec.generate_private_key(ec.SECP384R1())
    write_new(folder / "site.key", identity.to_pem())
    write_new(
        folder / "connection.key",
        connection.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    write_new(folder / "ca.pem", invitation.ca.encode("ascii"))
    if invitation.codebook is not None:
        write_new(folder / CODEBOOK_FILE, invitation.codebook.encode())
    public = connection.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    enrolment = made(
        Enrolment,
        {
            "site": invitation.site,
            "token": invitation.token,
            "signing_key": identity.public_text,
            "connection_key": public.decode(),
            "release": version_of("riskset-node"),
        },
    )
    write_file(enrolment, folder / f"{invitation.site}.enrolment")
    # Last, because it is what makes the folder a node's.
    write_new(
        folder / NODE_FILE, _node_yaml(invitation, folder, governance, needed).encode("utf-8")
    )
    return enrolment


def _check_empty(folder: Path, invitation: Invitation) -> None:
    """Raise if a file that is to be written is there already; also one that is only a link."""
    if os.path.lexists(folder / NODE_FILE):
        raise InputError(
            f"{folder / NODE_FILE}: is there already. Its keys are entered in the roster; choose another folder for a new node."
        )
    for name in (
        "site.key",
        "connection.key",
        "ca.pem",
        CODEBOOK_FILE,
        f"{invitation.site}.enrolment",
    ):
        if os.path.lexists(folder / name) and (name != CODEBOOK_FILE or invitation.codebook):
            raise InputError(
                f"{folder / name}: is there already, and is not written over. Move it away, or choose another folder with --in."
            )


def _check_centre(invitation: Invitation, read_out: str | None) -> None:
    """Raise unless what was read out, if anything was, is the fingerprint of the centre in the invitation."""
    if read_out is None or is_read_out(read_out, invitation.fingerprint):
        return
    # The right one is not told, because it would be copied where it should be heard.
    raise Refusal(
        "--centre-fingerprint: what was read out is not the fingerprint of the centre in this invitation. Nothing was written. "
        "Call the centre again on a number that you know, have all eight groups read out, and type them as you hear them. If it is "
        "refused again, the invitation was changed on its way: have it sent by another way."
    )


def _check_governance(governance: Sequence[str], needed: int) -> None:
    """Raise unless so many of these keys can sign; without keys they come later."""
    try:
        keys = tuple(public_from_text(key) for key in governance)
        if keys:
            Governance(keys, needed)
    except InputError as error:
        raise InputError(f"--governance: {error}") from error


def read_connection_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The key by which this site is known to the SuperLink.

    Raises
    ------
    InputError
        Where the file holds none.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise InputError(
            "identity.connection: the file is no unencrypted private key in PEM form. Restore it, or join again."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InputError(
            "identity.connection: Flower knows nodes by EC keys only (NIST P-384); this is a key of another kind."
        )
    return key


def _node_yaml(invitation: Invitation, folder: Path, governance: Sequence[str], needed: int) -> str:
    written: dict[str, object] = {
        "site": invitation.site,
        "study_group": invitation.study_group,
        "centre": {
            "address": invitation.address,
            "ca": "ca.pem",
            "key": invitation.key,
            "plans": [],
        },
        "identity": {"key": "site.key", "connection": "connection.key"},
        "state": "state",
    }
    pinned = {"path": "roster.yaml", "governance": list(governance), "needed": needed}
    return "".join(
        [
            _HEAD.format(file=one_line(str(folder / NODE_FILE)), folder=one_line(str(folder))),
            _as_yaml(written),
            _as_yaml({"roster": pinned}) if governance else _ROSTER_TO_FILL_IN,
            _DATA_TO_FILL_IN,
        ]
    )


def _as_yaml(written: Mapping[str, object]) -> str:
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True)
