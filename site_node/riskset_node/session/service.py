"""From node.yaml to a node that can answer: its keys, whom it trusts, and the folder in which it keeps what left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from riskset_common.errors import NodeConfigError
from riskset_common.primitives.signing import Identity, read_identity
from riskset_node.config import NodeConfig
from riskset_node.session.approval import PinnedPlans
from riskset_node.session.edge import Answering
from riskset_node.session.node import SiteNode
from riskset_node.session.telling import tell_in_full
from riskset_node.session.trust import trust_of
from riskset_node.state.node_state import NodeState

STATE_FILE = "node.sqlite"
"""In the node's own folder: its sessions, and everything that left."""

CUTS = "cuts"
"""In the node's own folder: live records as they were when a session was joined."""


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


def require_patient(config: NodeConfig) -> str:
    """The column with the patients' ids, which a connected node must name.

    Raises
    ------
    NodeConfigError
        If it is not written.
    """
    if config.data.patient is None:
        raise NodeConfigError(
            f"data.patient: is not in node.yaml of site {config.site!r}. A node that is connected to a centre needs it, so that no patient "
            "counts twice and two states of the records can be compared. Write patient: and the column with this site's own patient "
            "ids; they stay at the site."
        )
    return config.data.patient


def read_file(config: NodeConfig, setting: str) -> bytes:
    """The content of a file that node.yaml must name."""
    path = required(config, setting)
    try:
        return path.read_bytes()
    except OSError as error:
        raise NodeConfigError(
            f"{setting}: {path} cannot be read ({error.strerror}). Check the path and the file's owner."
        ) from error


def own_identity(config: NodeConfig) -> Identity:
    """The key with which this site signs."""
    path = required(config, "identity.key")
    return read_identity(path, f"site {config.site}: identity.key", NodeConfigError)


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
    config: NodeConfig,
    *,
    now: Callable[[], datetime],
    random: Callable[[int], bytes],
    node_yaml: Path | None = None,
) -> Iterator[Answering]:
    """The node of this site, ready to answer, until the block ends. With `node_yaml` it takes up the policy when that file changes.

    Raises
    ------
    NodeConfigError
        Where node.yaml lacks what a connected node needs, or its files do not fit each other.
    SignatureRefusal
        Where too few of the pinned keys signed the roster.
    ProtocolRefusal
        Where the state was restored from an older copy.
    """
    _require_centre_key(config)
    identity, trust = own_identity(config), trust_of(config)
    require_patient(config)
    folder = state_folder(config)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="riskset-node") as thread:
        # SQLite wants a file to be used where it was opened.
        state = thread.submit(NodeState, folder / STATE_FILE, folder / CUTS).result()
        try:
            node = thread.submit(
                SiteNode,
                *(config, identity, trust, state, PinnedPlans()),
                now=now,
                random=random,
                tell=tell_in_full,
                file=node_yaml,
            ).result()
            yield Answering(node, identity, thread)
        finally:
            thread.submit(state.close).result()


def _require_centre_key(config: NodeConfig) -> None:
    if config.centre_key is None:
        raise NodeConfigError(
            "centre.key: is not in node.yaml. Without the centre's public key nobody's plans can be told from the centre's; "
            "copy it from the invitation."
        )


def address_of(config: NodeConfig) -> str:
    """`host:port` of the centre."""
    if config.centre.address is None:
        raise NodeConfigError(
            f"centre.address: is not in node.yaml of site {config.site!r}. Write host:port as the invitation has it."
        )
    return config.centre.address
