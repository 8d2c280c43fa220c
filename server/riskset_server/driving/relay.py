"""Carrying a question to sites over whatever way is open, patiently: asked again when lost, and over the next way when one breaks.

A site answers the same question with the same bytes however often it is asked, so asking again is always right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from riskset_server.run.course import CLOSE, OnReplies


class Route(Protocol):
    """One way to carry messages: Flower's messages, or the streams of a run."""

    def reaches(self, site: str) -> bool:
        """Whether this way leads to the site at this moment."""
        ...

    def send(self, messages: Mapping[str, bytes], step: str) -> None:
        """Send each site its message. Replies to what was sent in an earlier step count no longer."""
        ...

    def collect(self, seconds: float) -> Mapping[str, bytes | None]:
        """Replies that arrived since, waiting for the first for so long; None for a message that got lost."""
        ...


class Relay:
    """The carrier of a deployment. `routes` are in the order of preference, the last one reaches everybody.

    Parameters
    ----------
    deadline
        Seconds after which the sites that did not answer are given up in this step.
    closing
        The same for the step that closes a run: its results do not hang on it.
    again_after
        Seconds after which they are asked again.
    now
        A clock that only goes forward, in seconds.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        *,
        deadline: float,
        closing: float,
        again_after: float,
        now: Callable[[], float],
    ) -> None:
        self._ways = routes
        self._deadline = deadline
        self._closing = closing
        self._again_after = again_after
        self._now = now

    def ask(
        self, messages: Mapping[str, bytes], step: str, on_replies: OnReplies
    ) -> dict[str, bytes]:
        """Ask, wait, ask again; what arrived by the deadline is the answer."""
        waiting = dict(messages)
        replies: dict[str, bytes] = {}
        over = self._send(waiting, step, {})
        patience = self._closing if step == CLOSE else self._deadline
        end, again_at = self._now() + patience, self._now() + self._again_after
        while waiting:
            lost = {site for site in waiting if not self._ways[over[site]].reaches(site)}
            for way in {over[site] for site in waiting}:
                collected = self._ways[way].collect(self._patience(way, over, waiting))
                lost |= {site for site, reply in collected.items() if reply is None}
                arrived = {
                    site: reply
                    for site, reply in collected.items()
                    if reply is not None and site in waiting
                }
                if arrived:
                    replies |= arrived
                    for site in arrived:
                        del waiting[site]
                    on_replies(arrived)
            lost &= waiting.keys()
            if self._now() >= end:
                break
            if self._now() >= again_at:
                lost, again_at = set(waiting), self._now() + self._again_after
            if lost:
                over |= self._send({site: waiting[site] for site in lost}, step, over)
        return replies

    def _patience(self, way: int, over: Mapping[str, int], waiting: Mapping[str, bytes]) -> float:
        """Seconds to wait for replies on one way: less where others must be looked at as well."""
        alone = all(over[site] == way for site in waiting)
        return 0.25 if alone else 0.02

    def _send(
        self, messages: Mapping[str, bytes], step: str, before: Mapping[str, int]
    ) -> dict[str, int]:
        """Send over the best way that reaches each site; what was lost on one way goes over the last one."""
        last = len(self._ways) - 1
        over: dict[str, int] = {}
        for site in messages:
            open_ways = (n for n, way in enumerate(self._ways) if way.reaches(site))
            over[site] = last if site in before else next(open_ways, last)
        for number, way in enumerate(self._ways):
            part = {site: message for site, message in messages.items() if over[site] == number}
            if part:
                way.send(part, step)
        return over
