"""The way of a run, whichever engine carries it: offer, keys, then one round after the other until every analysis is done, and the close.

The steps are `join`, `keys`, then for each round `round-001` and, where it fixes the sites in the sums, `round-001-shares`; where it does,
or later questions rest on its sums, `round-001-opening`; where the plan has blind models `round-003-blind-001` and so on, all of one
last round; at the end `close`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from riskset_common.errors import RisksetError
from riskset_common.results.whole_file import Results
from riskset_server.run.joining import Offered
from riskset_server.run.on_shares import AskedBlind
from riskset_server.run.replies import Replies, SitesLost, SitesRefused
from riskset_server.run.results import Finished
from riskset_server.run.rounds import Asked, LookedAt, Opened

CLOSE = "close"
"""The last step. A site that misses it is told when it comes back, as far as its messages are kept."""

OnReplies = Callable[[Mapping[str, bytes]], None]
"""Called for replies as they arrive, those that came together at once, by the site's name."""


class Asking(Protocol):
    """Carries messages to sites and their replies back. It reads neither."""

    def ask(
        self, messages: Mapping[str, bytes], step: str, on_replies: OnReplies
    ) -> dict[str, bytes]:
        """Carry each site its message, and give the replies by the site's name; who did not answer in time is missing.

        Parameters
        ----------
        step
            The name of the step, unique within a run: the same step is always asked the same.
        """
        ...


class Carrier(Asking, Protocol):
    """What an engine is: it carries, and keeps what everybody may check."""

    def published(self, step: str, opening: bytes) -> None:
        """Keep the opening of the round that began with this step."""
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

    def evaluated(self, model: str, round_number: int) -> None:
        """The committee opened the likelihood of a blind model once more."""
        ...


def round_of(step: str) -> int:
    """The number of the round that a step belongs to; 0 for those outside of any round."""
    kind, _, rest = step.partition("-")
    return int(rest.partition("-")[0]) if kind == "round" else 0


def is_confirmed(step: str) -> bool:
    """Whether sites only confirm the step, so that nothing that is asked of others hangs on their replies."""
    return step in {"keys", CLOSE} or step.endswith("-opening")


def run_course(offered: Offered, carrier: Carrier, watcher: Watcher | None = None) -> Results:
    """Drive a run to its end, and give what results.json holds.

    Its session is closed at the sites, also where the run fails; not where it only waits for sites.

    Raises
    ------
    SitesLost
        Where sites do not answer without which it cannot go on.
    SitesRefused
        Where one said no.
    """
    joined: set[str] = set()
    counting = _Counting(carrier)
    try:
        results = _to_results(offered, counting, watcher, joined)
    except SitesLost:
        raise
    except SitesRefused as refused:
        _close(offered, carrier, joined)
        raise SitesRefused(refused.codes, counting.rounds) from None
    except RisksetError:
        _close(offered, carrier, joined)
        raise
    _close(offered, carrier, joined)
    return results


class _Counting:
    """Counts the rounds that were opened, for whoever has to say so."""

    def __init__(self, carrier: Carrier) -> None:
        self.ask = carrier.ask
        self._carrier = carrier
        self.rounds = 0

    def published(self, step: str, opening: bytes) -> None:
        """One more was opened."""
        self._carrier.published(step, opening)
        self.rounds += 1


def _to_results(
    offered: Offered, carrier: Carrier, watcher: Watcher | None, joined: set[str]
) -> Results:
    def answered_offer(replies: Replies) -> None:
        joined.update(replies)
        if watcher:
            for site in replies:
                watcher.joined(site)

    keys = offered.take(_ask(carrier, offered.messages, "join", answered_offer))
    phase: Asked | AskedBlind | Finished = keys.take(_ask(carrier, keys.messages, "keys"))
    while isinstance(phase, Asked):
        phase = _round(phase, carrier, watcher)
    while isinstance(phase, AskedBlind):
        phase = _blind_step(phase, carrier, watcher)
    return phase.results()


def _round(
    asked: Asked, carrier: Carrier, watcher: Watcher | None
) -> Asked | AskedBlind | Finished:
    """One round, to what the plan asks next."""
    step = f"round-{asked.request.round:03d}"
    opened = _open(asked, carrier, watcher, step)
    carrier.published(step, opened.opening)
    if watcher:
        watcher.opened(opened)
    return opened.take(_ask(carrier, opened.messages, f"{step}-opening"))


def _open(asked: Asked, carrier: Carrier, watcher: Watcher | None, step: str) -> Opened:
    """The reports of a round, and what the committee gives to open their sum."""
    looked_at: dict[str, LookedAt] = {}

    def on_replies(replies: Replies) -> None:
        looked_at.update(asked.look_at(replies))
        if watcher:
            for site in replies:
                watcher.answered(site, asked.request.round)

    reported = asked.take(_ask(carrier, asked.messages, step, on_replies), looked_at)
    return reported.take(_ask(carrier, reported.messages, f"{step}-shares"))


def _blind_step(
    asked: AskedBlind, carrier: Carrier, watcher: Watcher | None
) -> AskedBlind | Finished:
    """One step of the blind models, which are a round of their own: whatever a member has for another goes through it."""
    step = f"round-{asked.number:03d}-blind-{asked.step:03d}"
    evaluated, phase = asked.take(_ask(carrier, asked.messages, step))
    if watcher:
        for model in evaluated:
            watcher.evaluated(model, asked.number)
    return phase


def _close(offered: Offered, carrier: Carrier, joined: Collection[str]) -> None:
    _ask(carrier, dict.fromkeys(sorted(joined), offered.run.close()), CLOSE)


def _unheard(_: Replies) -> None:
    """Nobody is told of a confirmation."""


def _ask(
    carrier: Carrier, messages: Replies, step: str, on_replies: OnReplies = _unheard
) -> Replies:
    """The replies in the order in which their sites were asked, whichever arrived first; where nothing is asked, none."""
    replies = carrier.ask(messages, step, on_replies) if messages else {}
    return {site: replies[site] for site in messages if site in replies}
