"""The nodes that the SuperLink knows, and the sites that the centre admitted: the second list is the one that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, Self

from riskset_server.store import Sites

SILENT_AFTER = timedelta(seconds=45)
"""A node that was not heard of for so long is silent."""


@dataclass(frozen=True)
class Node:
    """A node as the SuperLink has it: its number, its public connection key (PEM), whether it is there now, and when it was last heard of.

    A node says every 30 s that it is there. One that did not for 45 s is not there, whatever it said before.
    """

    number: int
    connection_key: bytes
    is_online: bool
    heard_at: datetime | None = None

    @classmethod
    def heard(
        cls, number: int, connection_key: bytes, heard_at: datetime | None, now: datetime
    ) -> Self:
        """A node that is online unless it was last heard of too long ago; None where it said that it leaves, or never came."""
        is_online = heard_at is not None and now - heard_at <= SILENT_AFTER
        return cls(number, connection_key, is_online, heard_at)


class Registry(Protocol):
    """Where nodes are registered: `superlink.Control`."""

    def nodes(self) -> list[Node]:
        """All registered nodes."""
        ...

    def register(self, connection_key: bytes, name: str) -> int:
        """Admit a node and give its number."""
        ...

    def unregister(self, node_id: int) -> None:
        """Admit a node no longer."""
        ...


def bring_in_line(registry: Registry, sites: Sites) -> dict[str, Node]:
    """Register every admitted site, and remove every node that is none: a SuperLink that forgot its nodes gets them back.

    Returns
    -------
    dict
        The node of each admitted site, by the site's name.
    """
    known = {node.connection_key: node for node in registry.nodes()}
    admitted: dict[str, Node] = {}
    for site in sites.all():
        if not site.is_admitted or site.connection_key is None:
            continue
        node = known.get(site.connection_key)
        if node is None:
            number = registry.register(site.connection_key, site.name)
            node = Node(number, site.connection_key, is_online=False)
        if node.number != site.node_id:
            sites.connected(site.name, node.number)
        admitted[site.name] = node
    strangers = known.keys() - {node.connection_key for node in admitted.values()}
    for key in strangers:
        registry.unregister(known[key].number)
    return admitted


def note_seen(registry: Registry, sites: Sites) -> None:
    """Note in the store when each site's node was last heard of."""
    heard = {node.connection_key: node.heard_at for node in registry.nodes()}
    for site in sites.all():
        moment = heard.get(site.connection_key or b"")
        if moment is not None and (site.seen_at is None or site.seen_at < moment):
            sites.seen(site.name, moment)


def offline(nodes: dict[str, Node], wanted: Sequence[str]) -> list[str]:
    """Which of these sites are not connected at this moment."""
    return [name for name in wanted if name not in nodes or not nodes[name].is_online]
