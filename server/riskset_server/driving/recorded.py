"""A carrier with a memory: what was asked and answered is written down, and is not asked again when a run is continued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from riskset_server.run.course import Asking, OnReplies, is_confirmed
from riskset_server.run.rounds import Opened


class Memory(Protocol):
    """What is kept of one run, so that it can be played again up to where it stopped."""

    def steps(self) -> Sequence[str]:
        """Steps that were asked, in order."""
        ...

    def replies(self, step: str) -> Mapping[str, bytes]:
        """What sites answered in a step so far, by name."""
        ...

    def keep_asked(self, step: str, messages: Mapping[str, bytes]) -> None:
        """Keep what is about to be asked, by name of the site."""
        ...

    def keep_replies(self, step: str, replies: Mapping[str, bytes]) -> None:
        """Keep replies that arrived together, by name of the site."""
        ...

    def keep_opening(self, step: str, opening: bytes) -> None:
        """Keep what the round that began with this step opened."""
        ...


class Recorded:
    """Makes a carrier of what only asks, for one run.

    A question is kept before it is sent, a reply before anything is made of it. Where the run went on without a site, it does so
    again: a late reply would make another run of it.
    """

    def __init__(self, asking: Asking, memory: Memory) -> None:
        self._asking = asking
        self._memory = memory
        self.step = ""
        """The step that was asked last."""
        self._asked_before = tuple(memory.steps())

    def ask(
        self, messages: Mapping[str, bytes], step: str, on_replies: OnReplies
    ) -> dict[str, bytes]:
        """Ask those who have not answered this step yet."""
        self.step = step
        replies = dict(self._memory.replies(step)) if step in self._asked_before else {}
        if self._went_on(step):
            messages = {site: message for site, message in messages.items() if site in replies}
        self._memory.keep_asked(step, messages)
        if replies:
            on_replies(replies)

        def keep(arrived: Mapping[str, bytes]) -> None:
            self._memory.keep_replies(step, arrived)
            on_replies(arrived)

        unanswered = {site: messages[site] for site in messages if site not in replies}
        if unanswered:
            replies |= self._asking.ask(unanswered, step, keep)
        return replies

    def published(self, step: str, opening: bytes) -> None:
        """Keep an opening beside the answers that it was made of."""
        self._memory.keep_opening(step, opening)

    def _went_on(self, step: str) -> bool:
        """Whether the run that is played again asked something that hangs on the replies to this step."""
        return step in self._asked_before[:-1] and not is_confirmed(step)


class EvaluationsKept(Protocol):
    """Where is kept which blind models are under way."""

    def keep_evaluation(self, step: str, model: str) -> None:
        """Keep that in a step the likelihood of a blind model was opened once more."""
        ...


class Evaluations:
    """A watcher that keeps in which steps which blind models were under way, for those who watch the run."""

    def __init__(self, memory: EvaluationsKept, carrier: Recorded) -> None:
        self._memory = memory
        self._carrier = carrier

    def joined(self, site: str) -> None:
        """It is in the replies."""

    def answered(self, site: str, round_number: int) -> None:
        """It is in the replies."""

    def opened(self, opened: Opened) -> None:
        """The carrier keeps it."""

    def evaluated(self, model: str, round_number: int) -> None:
        """The committee opened the likelihood of a blind model once more."""
        del round_number
        self._memory.keep_evaluation(self._carrier.step, model)
