"""Joining a consortium: from the centre's invitation to this site's keys, node.yaml, and the enrolment that goes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

from riskset_common.consortium.invitation import Enrolment, Invitation, write_file
from riskset_common.errors import InputError
from riskset_common.primitives.signing import Identity
from riskset_common.programs.command_line import version_of
from riskset_common.programs.secret_files import write_new

NODE_FILE = "node.yaml"

_HEAD = """\
# This site. Fill in `data`: where the patients stand and how they are written there (docs/node.md).
# `roster` names the keys of the consortium's governance, of which `needed` must have signed the roster. Write them here where they are
# not: they are read out or handed over by their holders, never by the centre. When the roster came, lay roster.yaml and
# roster.yaml.sig beside this file. Then: riskset-node doctor {file}; riskset-node start {file}
"""


def join_folder(
    invitation: Invitation,
    folder: Path,
    *,
    governance: Sequence[str] = (),
    needed: int = 1,
    random: Callable[[int], bytes],
) -> Enrolment:
    """Make this site's folder: two keys, the centre's certificate authority, node.yaml, and the enrolment to send back.

    The private keys are made here and stay here.

    Parameters
    ----------
    governance, needed
        The keys (Ed25519, base64) of which so many must sign the roster. They come from their holders: the invitation, which is the
        centre's, holds none. Without them they are to be written into node.yaml before the node can start.

    Raises
    ------
    InputError
        Where the folder holds a node already.
    """
    if (folder / NODE_FILE).exists():
        raise InputError(
            f"{folder / NODE_FILE}: is there already. Its keys are entered in the roster; choose another folder for a new node."
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = Identity.from_random(random(32))
    connection = ec.generate_private_key(ec.SECP384R1())
    write_new(folder / "site.key", identity.to_pem())
    write_new(
        folder / "connection.key",
        connection.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
    (folder / "ca.pem").write_text(invitation.ca, encoding="ascii")
    (folder / NODE_FILE).write_text(
        _node_yaml(invitation, folder, governance, needed), encoding="utf-8"
    )
    enrolment = Enrolment(
        site=invitation.site,
        token=invitation.token,
        signing_key=identity.public_text,
        connection_key=connection.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
        release=version_of("riskset-node"),
    )
    write_file(enrolment, folder / f"{invitation.site}.enrolment")
    return enrolment


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
    written = {
        "site": invitation.site,
        "study_group": invitation.study_group,
        "centre": {
            "address": invitation.address,
            "ca": "ca.pem",
            "key": invitation.key,
        },
        "identity": {"key": "site.key", "connection": "connection.key"},
        **(
            {"roster": {"path": "roster.yaml", "governance": list(governance), "needed": needed}}
            if governance
            else {}
        ),
        "state": "state",
        "data": {"source": {"kind": "csv", "path": "patients.csv"}},
    }
    head = _HEAD.format(file=folder / NODE_FILE)
    return head + yaml.safe_dump(written, sort_keys=False, allow_unicode=True)
