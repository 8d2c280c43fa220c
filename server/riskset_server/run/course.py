"""The way of a run, whichever engine carries it: offer, keys, then one round after the other until every analysis is done, and the close.

The steps are `join`, `keys`, then for each round `round-001` and, where it fixes the sites in the sums, `round-001-shares`; where it does,
or later questions rest on its sums, `round-001-opening`; where the plan has blind models `round-003-blind-001` and so on, all of one
last round; at the end `close`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from riskset_common.errors import RisksetError
from riskset_server.run.replies import SitesLost
from riskset_server.run.run import Opened, Run

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


def run_course(run: Run, carrier: Carrier, watcher: Watcher | None = None) -> dict[str, Any]:
    """Drive a run to its end, and give the contents of results.json.

    Its session is closed at the sites, also where the run fails; not where it only waits for sites.

    Raises
    ------
    SitesLost
        Where sites do not answer without which it cannot go on.
    SitesRefused
        Where one said no.
    """
    joined: set[str] = set()
    try:
        results = _to_results(run, carrier, watcher, joined)
    except SitesLost:
        raise
    except RisksetError:
        _close(run, carrier, joined)
        raise
    _close(run, carrier, joined)
    return results


def _to_results(
    run: Run, carrier: Carrier, watcher: Watcher | None, joined: set[str]
) -> dict[str, Any]:
    def answered_offer(replies: Mapping[str, bytes]) -> None:
        joined.update(replies)
        if watcher:
            for site in replies:
                watcher.joined(site)

    everybody = [site.name for site in run.study.sites]
    offers = dict.fromkeys(everybody, run.offer())
    keys = run.join(_in_order(carrier.ask(offers, "join", answered_offer), everybody))
    confirmed = carrier.ask(dict.fromkeys(run.contributors, keys), "keys", _unheard)
    run.confirm(confirmed)
    while not run.is_blind_next and _round(run, carrier, watcher, confirmed):
        pass
    number, step = run.rounds + 1, 0
    while run.is_blind_next:
        step += 1
        _blind(run, carrier, watcher, f"round-{number:03d}-blind-{step:03d}")
    return run.results()


def _blind(run: Run, carrier: Carrier, watcher: Watcher | None, step: str) -> None:
    """One step of the blind models, which are a round of their own: whatever a member has for another goes through it."""
    messages = run.blind()
    replies = carrier.ask(messages, step, _unheard)
    for model in run.take_blind(_in_order(replies, messages)):
        if watcher:
            watcher.evaluated(model, round_of(step))


def _round(run: Run, carrier: Carrier, watcher: Watcher | None, confirmed: Collection[str]) -> int:
    """One round, and how many analyses are unfinished after it."""
    number = run.rounds + 1
    step = f"round-{number:03d}"

    def on_replies(replies: Mapping[str, bytes]) -> None:
        run.look_at(replies)
        if watcher:
            for site in replies:
                watcher.answered(site, number)

    # A site that did not receive the keys could only refuse: it is as missing as one that does not report.
    asked = [site for site in run.contributors if site in confirmed]
    reports = carrier.ask(dict.fromkeys(asked, run.request()), step, on_replies)
    wanted = run.shares(_in_order(reports, asked))
    answers = carrier.ask(wanted, f"{step}-shares", _unheard) if wanted else {}
    opened = run.pool(_in_order(answers, wanted))
    carrier.published(step, run.opening())
    if wanted or run.must_be_shown:
        _let_check(run, carrier, f"{step}-opening", opened)
    if watcher:
        watcher.opened(opened)
    return opened.unfinished


def _let_check(run: Run, carrier: Carrier, step: str, opened: Opened) -> None:
    """Let the sites check an opening that fixes the set of sites, or on which questions rest: one goes on only when it has."""
    sites = run.contributors
    replies = carrier.ask(dict.fromkeys(sites, run.opening()), step, _unheard)
    run.confirm(replies)
    missing = [site for site in sites if site not in replies]
    if missing and opened.unfinished:
        raise SitesLost(opened.number, missing, "each site in the sums must check what was opened")


def _close(run: Run, carrier: Carrier, joined: Collection[str]) -> None:
    carrier.ask(dict.fromkeys(sorted(joined), run.close()), CLOSE, _unheard)


def _in_order(replies: Mapping[str, bytes], sites: Collection[str]) -> dict[str, bytes]:
    """Replies in the order of the sites, whichever arrived first."""
    return {site: replies[site] for site in sites if site in replies}


def _unheard(_: Mapping[str, bytes]) -> None:
    """Nobody is told of a confirmation."""
