"""How a run goes on, in words: its steps, who has not answered, and how it ended. Never a number of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from riskset_common.formats.canonical_json import parse_canonical
from riskset_common.formats.moments import moment
from riskset_server.store import RunRecord, Runs
from riskset_server.store.run_state import UNDER_WAY


@dataclass(frozen=True)
class Line:
    """A line of what is seen of a run.

    Attributes
    ----------
    is_last
        No later line says another thing of its step.
    is_answer
        It says how the run ended, or that it stalled.
    """

    text: str
    is_last: bool
    is_answer: bool = False


def head_of(runs: Runs, record: RunRecord) -> str:
    """What a run is, and its state, on one line."""
    title = _title(runs, record.number)
    named = f" ({title})" if title else ""
    why = f": {record.why}" if record.why else ""
    return (
        f"run {record.number}: {record.plan} {record.version}{named}: {record.state} since {moment(record.since)}"
        f"{why}"
    )


def status_lines(runs: Runs, number: int, now: datetime) -> Iterator[str]:
    """The state of a run and its steps, line by line."""
    yield head_of(runs, runs.get(number).at(now))
    for each in runs.arrived(number):
        yield f"  {each}"


def status_json(runs: Runs, number: int, now: datetime) -> dict[str, object]:
    """The same for programs."""
    steps = [asdict(each) for each in runs.arrived(number)]
    return {
        **asdict(runs.get(number).at(now)),
        "title": _title(runs, number),
        "steps": steps,
    }


def watch(
    runs: Runs, number: int, wait: Callable[[float], object], now: Callable[[], datetime]
) -> Iterator[Line]:
    """Say how a run goes on, until it ends or stalls: each step whenever something changed in it, at last the state and its reason."""
    said: dict[str, str] = {}
    over: set[str] = set()
    while True:
        # First the state: what arrived before a run ended is then seen as well.
        record = runs.get(number).at(now())
        steps = runs.arrived(number)
        has_ended = record.state not in UNDER_WAY
        for place, each in enumerate(steps):
            is_last = has_ended or place + 1 < len(steps) or not each.missing
            if each.step not in over and (is_last or said.get(each.step) != str(each)):
                yield Line(str(each), is_last)
                said[each.step] = str(each)
                if is_last:
                    over.add(each.step)
        if has_ended:
            yield Line(_ended(record), is_last=True, is_answer=True)
            return
        wait(0.25)


def _ended(record: RunRecord) -> str:
    return f"run {record.number}: {record.state}{f': {record.why}' if record.why else ''}"


def _title(runs: Runs, number: int) -> str | None:
    plan = parse_canonical(runs.inputs(number).plan_json)
    title = plan.get("title") if isinstance(plan, Mapping) else None
    return title if isinstance(title, str) else None
