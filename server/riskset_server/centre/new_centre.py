"""A new centre: its folder with certificates, keys, the secret of its own programs and centre.yaml."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import yaml

from riskset_common.errors import InputError
from riskset_common.formats.addresses import Address
from riskset_common.formats.strict_yaml import validate
from riskset_common.primitives.signing import Identity
from riskset_common.programs.secret_files import closed_folder, write_new
from riskset_server.centre.certificates import make_certificates
from riskset_server.centre.config import CENTRE_FILE, CentreConfig, read_centre

_FLOWER = {
    "home": "flower",
    "database": "flower/superlink.sqlite",
    "secret": "superexec.secret",
}
_FILES: dict[str, object] = {
    "tls": {"certificate": "server.pem", "key": "server.key", "ca": "ca.pem"},
    "key": "centre.key",
    "store": "sqlite:///centre.sqlite",
    "flower": _FLOWER,
    "folder": "runs",
}


def new_centre(
    folder: Path,
    *,
    sites: str,
    inside: str,
    stream: str | None,
    address: str | None = None,
    in_memory: bool = False,
    key: bytes | None = None,
    now: datetime,
    random: Callable[[int], bytes],
) -> CentreConfig:
    """Make the folder of a centre, closed to other users, and read its centre.yaml back.

    Parameters
    ----------
    sites, inside, stream
        `host:port` to listen on; see `config.Listen`.
    address
        `host:port` as the sites reach it; `sites` where None.
    in_memory
        Whether the SuperLink keeps its state in memory only.
    key
        The centre's signing key, PEM; a new one where None.

    Raises
    ------
    InputError
        Where an address is none, the folder holds a centre already, or it cannot be written. Nothing is made then.
    """
    reached = sites if address is None else address
    written = _centre_yaml(reached, sites, inside, stream, in_memory=in_memory)
    validate(CentreConfig, written, CENTRE_FILE, InputError)
    if (folder / CENTRE_FILE).exists():
        raise InputError(
            f"{folder}: holds a centre already, and its keys cannot be made again. Choose another folder."
        )
    closed_folder(folder)
    _write_secrets(
        folder,
        Address.read(reached).host,
        key or Identity.from_random(random(32)).to_pem(),
        random(32),
        now,
    )
    for inner in ("flower", "runs"):
        closed_folder(folder / inner)
    text = yaml.safe_dump(written, sort_keys=False, allow_unicode=True)
    (folder / CENTRE_FILE).write_text(text, encoding="utf-8")
    return read_centre(folder)


def _centre_yaml(
    reached: str, sites: str, inside: str, stream: str | None, *, in_memory: bool
) -> dict[str, object]:
    """What centre.yaml will hold."""
    reached_at = Address.of_option(reached, "--address")
    written: dict[str, object] = {"address": reached}
    listen = {"sites": sites, "inside": inside}
    if stream is not None:
        port = Address.of_option(stream, "--stream").port
        written["stream_address"] = str(Address(reached_at.host, port))
        listen["stream"] = stream
    written |= {"listen": listen, **_FILES}
    if in_memory:
        written["flower"] = {k: v for k, v in _FLOWER.items() if k != "database"}
    return written


def _write_secrets(folder: Path, host: str, key: bytes, secret: bytes, now: datetime) -> None:
    """Certificates for this host and this machine, the centre's signing key (PEM) and the secret of the centre's own programs."""
    ca, server = make_certificates(list(dict.fromkeys([host, "localhost", "127.0.0.1"])), now)
    secrets = {
        "ca.pem": ca,
        "server.pem": server.certificate,
        "server.key": server.key,
        "centre.key": key,
        "superexec.secret": secret,
    }
    for name, content in secrets.items():
        write_new(folder / name, content)
