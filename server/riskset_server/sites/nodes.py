"""The nodes that the SuperLink knows, and the sites that the centre admitted: the second list is the one that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from riskset_server.store import Sites


@dataclass(frozen=True)
class Node:
    """A node as the SuperLink has it: its number, its public connection key (PEM), and whether it is there now."""

    number: int
    connection_key: bytes
    is_online: bool


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


def offline(nodes: dict[str, Node], wanted: Sequence[str]) -> list[str]:
    """Which of these sites are not connected at this moment."""
    return [name for name in wanted if name not in nodes or not nodes[name].is_online]
