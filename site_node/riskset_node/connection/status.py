"""`riskset-node status`: how a site's node is, the runs that it takes part in, and what it refused and why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from riskset_common.formats.moments import moment
from riskset_node.connection.standing import Standing, is_paused, process_of, standing_of
from riskset_node.session.service import STATE_FILE
from riskset_node.state.told import SettingsInForce, Told, ToldSession, told_by

LONGEST_SILENCE = timedelta(seconds=90)
"""A node hears from the centre at least every 30 s, by its heartbeat. One that has not heard for so long is connected no longer."""

_UNDER = " " * 14


def lines_of(state: Path, now: datetime) -> Iterator[str]:
    """The state of the node, line by line."""
    pid, standing = process_of(state), standing_of(state)
    yield f"node          {_process(pid, standing, paused=is_paused(state))}"
    if standing.contact_at is not None:
        yield f"centre        {_contact(pid, standing.contact_at, now)}"
    if standing.said_at is not None:
        yield f"last said     {standing.said} ({moment(standing.said_at)})"
    told = told_by(state / STATE_FILE)
    if pid is not None and told.settings is not None:
        yield from _policy(told.settings)
    yield from _runs(told)
    yield from _refusals(told)


def _process(pid: int | None, standing: Standing, *, paused: bool) -> str:
    if pid is not None:
        rests = ", paused: questions wait at the centre (`riskset-node pause --end`)"
        return f"runs, process {pid}{rests if paused else ''}"
    if standing.ended_at is not None:
        return f"does not run; it was stopped on {moment(standing.ended_at)}"
    if standing.said_at is None:
        return "does not run"
    return "does not run: it was killed, or its machine went down. `riskset-node start` goes on in the middle of a run"


def _contact(pid: int | None, contact_at: datetime, now: datetime) -> str:
    if pid is None:
        return f"not connected; it last answered on {moment(contact_at)}"
    if now - contact_at > LONGEST_SILENCE:
        return f"not connected: no answer since {moment(contact_at)}. `riskset-node doctor` looks for the reason"
    return f"connected; it last answered on {moment(contact_at)}"


def _policy(settings: SettingsInForce) -> Iterator[str]:
    yield f"policy        in force since {moment(settings.policy_at)}"
    if settings.trouble:
        yield f"{_UNDER}node.yaml was changed and is not used: {_indented(settings.trouble)}"
    if settings.waiting:
        yield f"{_UNDER}changed, and acts only after a restart of the node: {', '.join(settings.waiting)}"


def _runs(told: Told) -> Iterator[str]:
    if not told.sessions:
        yield "runs          none"
    for session in told.sessions:
        yield ""
        yield session.offered.in_words()
        if session.offered.aim:
            yield f"{_UNDER}purpose: {_indented(session.offered.aim)}"
        yield f"{_UNDER}joined on {moment(session.joined_at)}"
        if session.last_sent_at is not None:
            answered = f"last round {session.last_round}" if session.last_round else "no round yet"
            yield f"{_UNDER}{answered}, last answer on {moment(session.last_sent_at)}"
        yield f"{_UNDER}{_end(session)}"


def _end(session: ToldSession) -> str:
    if session.ended_at is None:
        return "under way"
    if session.ended_because:
        return f"ended on {moment(session.ended_at)}, because: {_indented(session.ended_because)}"
    return f"ended on {moment(session.ended_at)}: the centre closed it"


def _refusals(told: Told) -> Iterator[str]:
    for kept in told.refusals:
        yield ""
        yield kept.sentence()


def _indented(text: str) -> str:
    return text.strip().replace("\n", f"\n{_UNDER}")
