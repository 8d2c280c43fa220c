"""A carrier with a memory: what was asked and answered is in the store, and is not asked again when a run is resumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from riskset_server.run.course import Asking, OnReplies, is_confirmed
from riskset_server.store import Runs


class Recorded:
    """Makes a carrier of what only asks, for one run.

    A question is written down before it is sent, a reply before anything is made of it. Where the run went on without a site, it
    does so again: a late reply would make another run of it.
    """

    def __init__(
        self, asking: Asking, runs: Runs, number: int, now: Callable[[], datetime]
    ) -> None:
        self._asking = asking
        self._runs = runs
        self._number = number
        self._now = now
        self._steps = [each.step for each in runs.arrived(number)]

    def ask(
        self, messages: Mapping[str, bytes], step: str, on_replies: OnReplies
    ) -> dict[str, bytes]:
        """Ask those who have not answered this step yet."""
        replies: dict[str, bytes] = {}
        if step in self._steps:
            replies = self._runs.replies(self._number, step)
            if self._went_on(step):
                messages = {site: message for site, message in messages.items() if site in replies}
        else:
            self._steps.append(step)
        self._runs.keep_asked(self._number, step, messages, self._now())
        if replies:
            on_replies(replies)

        def keep(arrived: Mapping[str, bytes]) -> None:
            self._runs.keep_replies(self._number, step, arrived, self._now())
            on_replies(arrived)

        unanswered = {site: messages[site] for site in messages if site not in replies}
        if unanswered:
            replies |= self._asking.ask(unanswered, step, keep)
        return replies

    def published(self, step: str, opening: bytes) -> None:
        """Keep an opening beside the answers that it was made of."""
        self._runs.keep_opening(self._number, step, opening, self._now())

    def _went_on(self, step: str) -> bool:
        """Whether something was asked already that hangs on the replies to this step."""
        return step in self._steps[:-1] and not is_confirmed(step)
