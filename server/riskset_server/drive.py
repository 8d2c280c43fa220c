"""The way of a run, whichever engine carries it: offer, keys, then one question after the other until every analysis is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from riskset_common.errors import RisksetError
from riskset_server.runs import Opened, Run

Heard = Callable[[str, bytes], None]
"""Called for each reply as it arrives, with the site's name and the bytes."""


class Carrier(Protocol):
    """What an engine is: it carries messages to sites and their replies back. It reads neither."""

    def ask(self, messages: Mapping[str, bytes], step: str, heard: Heard) -> dict[str, bytes]:
        """Carry each site its message, and give the replies by the site's name; who did not answer in time is missing.

        Parameters
        ----------
        step
            The name of the step, unique within a run: the same step is always asked the same.
        """
        ...


class Watcher(Protocol):
    """Who is told how a run goes on."""

    def joined(self, site: str) -> None:
        """A site checked the plan and its records, and takes part."""
        ...

    def answered(self, site: str, round_number: int) -> None:
        """A site's masked report arrived."""
        ...

    def opened(self, opened: Opened) -> None:
        """The sum of a round was opened."""
        ...


class SitesSilent(RisksetError):
    """Sites did not answer in time. What the others sent is kept, and the run can be resumed."""

    wire_code = "silent"

    def __init__(self, sites: list[str], step: str) -> None:
        self.sites = sites
        super().__init__(
            f"{step}: no answer from {', '.join(sites)}. Call them; when their nodes are back, `riskset run resume` goes on "
            "from this step with the answers that are there."
        )


def drive(run: Run, carrier: Carrier, watcher: Watcher | None = None) -> dict[str, Any]:
    """Drive a run to its end, and give the contents of results.json.

    Raises
    ------
    SitesSilent
        Where a site did not answer in time.
    SitesRefused
        Where one said no.
    """
    sites = [site.name for site in run.study.sites]

    def ask(message: bytes, step: str, told: Callable[[str], None] | None) -> dict[str, bytes]:
        def heard(site: str, reply: bytes) -> None:
            del reply
            if told:
                told(site)

        replies = carrier.ask(dict.fromkeys(sites, message), step, heard)
        silent = [site for site in sites if site not in replies]
        if silent:
            raise SitesSilent(silent, step)
        return {site: replies[site] for site in sites}

    keys = run.join(ask(run.offer(), "join", watcher.joined if watcher else None))
    run.confirm(ask(keys, "keys", None))
    while True:
        number = run.rounds + 1
        told = (lambda site: watcher.answered(site, number)) if watcher else None  # noqa: B023  # called within the round
        opened = run.pool(ask(run.request(), f"round-{number:03d}", told))
        if watcher:
            watcher.opened(opened)
        if not opened.unfinished:
            return run.results()
