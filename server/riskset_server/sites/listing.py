"""The list of sites: who they are, who is there, and who was heard of when. Never how many patients a site has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from riskset_common.formats.moments import moment
from riskset_server.sites.nodes import Node
from riskset_server.store import SiteRecord


@dataclass(frozen=True)
class ListedSite:
    """One line of the list.

    Attributes
    ----------
    state
        `invited`, `revoked`, `connected`, `never connected`, or `silent` where it was heard of before.
    release
        Of its node, as it said in its last answer.
    roster
        The version of the roster under which it joined a run last.
    last_seen
        When its node was last heard of.
    """

    site: str
    state: str
    study_group: str
    contact: str
    release: str | None
    roster: int | None
    last_seen: datetime | None

    def __str__(self) -> str:
        is_silent = self.state == "silent"
        seen = "" if self.last_seen is None else moment(self.last_seen)
        told = [
            self.study_group,
            f"node {self.release}" if self.release else "",
            f"joined under roster {self.roster}" if self.roster else "",
            f"last seen {seen}" if seen and not is_silent else "",
            self.contact,
        ]
        state = f"silent since {seen}" if is_silent else self.state
        return f"{self.site:<20} {state:<36} {'; '.join(filter(None, told))}".rstrip()

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {**asdict(self), "last_seen": self.last_seen and self.last_seen.isoformat()}


def listed_sites(
    sites: list[SiteRecord], nodes: Mapping[str, Node], rosters: Mapping[str, int]
) -> Iterator[ListedSite]:
    """The sites in the order of their numbers. `rosters` has the version under which each joined a run last."""
    for site in sites:
        node = nodes.get(site.name)
        moments = [site.seen_at, None if node is None else node.heard_at]
        last_seen = max((each for each in moments if each is not None), default=None)
        yield ListedSite(
            site.name,
            _state(site, node, last_seen),
            site.study_group,
            site.contact,
            site.release,
            rosters.get(site.name),
            last_seen,
        )


def _state(site: SiteRecord, node: Node | None, last_seen: datetime | None) -> str:
    if site.revoked_at is not None:
        return "revoked"
    if site.admitted_at is None:
        return "invited"
    if node is not None and node.is_online:
        return "connected"
    return "never connected" if last_seen is None else "silent"
