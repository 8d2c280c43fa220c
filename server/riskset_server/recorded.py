"""A carrier with a memory: what was asked and answered is in the store, and is not asked again when a run is resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from riskset_server.drive import Carrier, Heard
from riskset_server.store import Runs


class Recorded:
    """Wraps a carrier for one run. A question is written down before it is sent, a reply before anything is made of it."""

    def __init__(
        self, carrier: Carrier, runs: Runs, number: int, now: Callable[[], datetime]
    ) -> None:
        self._carrier = carrier
        self._runs = runs
        self._number = number
        self._now = now

    def ask(self, messages: Mapping[str, bytes], step: str, heard: Heard) -> dict[str, bytes]:
        """Ask those who have not answered this step yet."""
        self._runs.keep_asked(self._number, step, messages, self._now())
        replies = self._runs.replies(self._number, step)
        for site, reply in replies.items():
            heard(site, reply)

        def keep(site: str, reply: bytes) -> None:
            self._runs.keep_reply(self._number, step, site, reply, self._now())
            heard(site, reply)

        unanswered = {site: messages[site] for site in messages if site not in replies}
        if unanswered:
            replies |= self._carrier.ask(unanswered, step, keep)
        return replies
