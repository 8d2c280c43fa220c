"""Carrying a question: asked again when it is lost, and over the other way when one breaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from riskset_server.driving.relay import Relay


class Clock:
    """A clock that each look puts forward by a tenth of a second."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        self.time += 0.1
        return self.time


class ScriptedRoute:
    """A way on which what becomes of the n-th message to a site is written down before."""

    def __init__(self, becomes: Callable[[str, int], bytes | str | None], *sites: str) -> None:
        self.becomes = becomes
        self.sites = set(sites)
        self.sent: list[str] = []
        self.arrived: dict[str, bytes | None] = {}

    def reaches(self, site: str) -> bool:
        return site in self.sites

    def send(self, messages: Mapping[str, bytes], step: str) -> None:
        for site, message in messages.items():
            assert b"question" == message
            assert step in {"join", "close"}
            self.sent.append(site)
            outcome = self.becomes(site, self.sent.count(site))
            if outcome == "breaks":
                self.sites.discard(site)
            elif not isinstance(outcome, str):
                self.arrived[site] = outcome

    def collect(self, seconds: float) -> Mapping[str, bytes | None]:
        arrived, self.arrived = self.arrived, {}
        return arrived


def answers(site: str, time: int) -> bytes:
    return f"{site} {time}".encode()


def asked(*routes: ScriptedRoute, sites: str = "ab") -> tuple[dict[str, bytes], list[str]]:
    answered: list[str] = []
    replies = relay_over(*routes).ask(dict.fromkeys(sites, b"question"), "join", answered.extend)
    return replies, answered


def relay_over(*routes: ScriptedRoute) -> Relay:
    return Relay(routes, deadline=20, closing=2, again_after=5, now=Clock())


def test_every_site_is_asked_once_and_heard_once():
    way = ScriptedRoute(answers, "a", "b")
    replies, answered = asked(way)

    assert {"a": b"a 1", "b": b"b 1"} == replies
    assert ["a", "b"] == sorted(answered)
    assert ["a", "b"] == way.sent


def test_an_empty_reply_is_a_reply():
    replies, _ = asked(ScriptedRoute(lambda *_: b"", "a", "b"))

    assert {"a": b"", "b": b""} == replies


@pytest.mark.parametrize("lost", [None, "silent"])
def test_a_message_that_is_lost_or_not_answered_is_sent_again(lost):
    way = ScriptedRoute(
        lambda site, n: lost if (site, n) == ("b", 1) else answers(site, n), "a", "b"
    )
    replies, _ = asked(way)

    assert {"a": b"a 1", "b": b"b 2"} == replies
    assert ["a", "b", "b"] == way.sent


def test_a_site_that_never_answers_is_missing_when_the_time_is_over():
    way = ScriptedRoute(lambda site, n: "silent" if site == "b" else answers(site, n), "a", "b")
    replies, _ = asked(way)

    assert {"a": b"a 1"} == replies
    assert 2 < way.sent.count("b") < 6


def test_the_first_way_that_reaches_a_site_is_taken():
    stream, messages = ScriptedRoute(answers, "a"), ScriptedRoute(answers, "a", "b")
    asked(stream, messages)

    assert (["a"], ["b"]) == (stream.sent, messages.sent)


def test_when_a_stream_breaks_the_question_goes_over_messages():
    stream = ScriptedRoute(lambda *_: "breaks", "a", "b")
    messages = ScriptedRoute(answers, "a", "b")
    replies, _ = asked(stream, messages)

    assert {"a": b"a 1", "b": b"b 1"} == replies
    assert (["a", "b"], ["a", "b"]) == (stream.sent, sorted(messages.sent))


def test_a_stream_that_is_up_but_silent_is_given_up_for_messages():
    stream = ScriptedRoute(lambda *_: "silent", "a")
    messages = ScriptedRoute(answers, "a")
    replies, _ = asked(stream, messages, sites="a")

    assert {"a": b"a 1"} == replies
    assert (["a"], ["a"]) == (stream.sent, messages.sent)


def test_the_close_of_a_run_waits_a_short_while_and_asks_nobody_again():
    way = ScriptedRoute(lambda site, _: "silent" if site == "b" else b"", "a", "b")
    relay = relay_over(way)
    replies = relay.ask(dict.fromkeys("ab", b"question"), "close", lambda *_: None)

    assert {"a": b""} == replies
    assert ["a", "b"] == way.sent
