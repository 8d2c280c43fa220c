"""From node.yaml to a node that can answer: its keys, whom it trusts, and the folder in which it keeps what left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from riskset_common.errors import NodeConfigError, ProtocolRefusal
from riskset_common.secure.roster import Roster
from riskset_common.signing import Identity
from riskset_node.answering import Answering
from riskset_node.config import NodeConfig
from riskset_node.node import SiteNode, Trust
from riskset_node.outbox import Outbox


def required(config: NodeConfig, setting: str) -> Path:
    """A file or folder that node.yaml must name before the node can be connected, such as `centre.ca`.

    Raises
    ------
    NodeConfigError
        Where it is not written.
    """
    value: object = config
    for name in setting.split("."):
        value = getattr(value, name, None)
    if not isinstance(value, Path):
        raise NodeConfigError(
            f"{setting}: is not in node.yaml of site {config.site!r}. A node that is connected to a centre needs it; "
            "`riskset-node init INVITATION` writes it."
        )
    return value


def read_file(config: NodeConfig, setting: str) -> bytes:
    """The content of a file that node.yaml must name."""
    path = required(config, setting)
    try:
        return path.read_bytes()
    except OSError as error:
        raise NodeConfigError(
            f"{setting}: {path} cannot be read ({error.strerror}). Check the path and the file's owner."
        ) from error


def read_roster(config: NodeConfig) -> Roster:
    """The roster as it came to this site."""
    text = read_file(config, "centre.roster")
    try:
        return Roster.model_validate_json(text)
    except (ValidationError, ProtocolRefusal) as error:
        raise NodeConfigError(
            f"centre.roster: {required(config, 'centre.roster')} is not a roster. Ask the consortium for the file again."
        ) from error


def read_identity(config: NodeConfig) -> Identity:
    """The key with which this site signs."""
    return Identity.from_pem(read_file(config, "identity.key"))


def state_folder(config: NodeConfig) -> Path:
    """The node's own folder, made where it is not there, and closed to other users."""
    folder = required(config, "state")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NodeConfigError(
            f"state: {folder} cannot be made ({error.strerror}). Name a folder that this user may write."
        ) from error
    return folder


@contextmanager
def opened(
    config: NodeConfig, *, now: Callable[[], datetime], random: Callable[[int], bytes]
) -> Iterator[Answering]:
    """The node of this site, ready to answer, until the block ends.

    Raises
    ------
    NodeConfigError
        Where node.yaml lacks what a connected node needs, or its files do not fit each other.
    """
    if config.centre_key is None:
        raise NodeConfigError(
            "centre.key: is not in node.yaml. Without the centre's public key nobody's plans can be told from the centre's; "
            "copy it from the invitation."
        )
    identity, roster = read_identity(config), read_roster(config)
    number = _site_id(config, roster, identity)
    trust = Trust(config.centre_key, roster)
    file = state_folder(config) / "outbox.sqlite"
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="riskset-node") as thread:
        # SQLite wants a file to be used where it was opened.
        outbox = thread.submit(Outbox, file).result()
        try:
            node = SiteNode(config, identity, trust, outbox, now=now, random=random)
            yield Answering(node, identity, number, outbox, thread, now=now)
        finally:
            thread.submit(outbox.close).result()


def _site_id(config: NodeConfig, roster: Roster, identity: Identity) -> int:
    member = next((member for member in roster.members if member.name == config.site), None)
    if member is None:
        raise NodeConfigError(
            f"centre.roster: site {config.site!r} is not in the roster (version {roster.version}). Ask for the newest one."
        )
    if member.public != identity.public:
        raise NodeConfigError(
            f"identity.key: the roster (version {roster.version}) holds another public key for site {config.site!r}. "
            "Use the key whose fingerprint was read out, or have the roster renewed."
        )
    return member.site_id


def address_of(config: NodeConfig) -> str:
    """`host:port` of the centre."""
    if config.centre.address is None:
        raise NodeConfigError(
            f"centre.address: is not in node.yaml of site {config.site!r}. Write host:port as the invitation has it."
        )
    return config.centre.address
