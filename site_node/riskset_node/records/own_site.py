"""This site in a list of sites: the roster of the consortium, or the sites of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from riskset_common.errors import NodeConfigError
from riskset_node.config import NodeConfig


class _Listed(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def study_group(self) -> str: ...


Listed = TypeVar("Listed", bound=_Listed)


def own_site(config: NodeConfig, sites: Sequence[Listed], where: str) -> Listed:
    """The entry of this site among `sites`; `where` names the list for messages.

    Raises
    ------
    NodeConfigError
        If the site is not in the list, or is in it with another study group than its node.yaml says.
    """
    own = next((site for site in sites if site.name == config.site), None)
    if own is None:
        known = ", ".join(site.name for site in sites) or "no site"
        raise NodeConfigError(
            f"site: {config.site!r} is not in {where}, which holds {known}. "
            "Write the name under which the centre admitted this site, or ask the centre to admit it and for the newest roster."
        )
    if own.study_group != config.study_group:
        raise NodeConfigError(
            f"study_group: node.yaml of site {config.site!r} says {config.study_group!r}, {where} says "
            f"{own.study_group!r}. They must agree, because tables and strata are made of them."
        )
    return own
