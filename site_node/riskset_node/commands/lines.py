"""What a site's commands and its log write for people: every line of both passes here."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, MutableMapping
from datetime import datetime

import structlog

from riskset_common.formats.moments import moment
from riskset_common.programs.screen import visible
from riskset_node.state.told import OfferedPlan

_EVENTS = {
    "refused": "{said}",
    "session_joined": "joined {run}",
    "session_resumed": "went on with {run}; {rounds} rounds had been answered",
    "session_closed": "ended {run}: the centre closed it, and its keys are deleted",
    "policy_changed": "policy changed: {said}. It holds from now on, also for runs under way",
    "node_yaml_not_used": "node.yaml was changed and is not used, the policy before holds: {said}",
    "settings_wait": "changed, and acts only after a restart of the node: {said}",
    "session_ended": "ended {run}, because: {because}",
}
"""Events of the node that are told as a sentence; others by their name and values."""


def show(line: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(shown(line) + "\n")
    sys.stdout.flush()


def shown(line: str) -> str:
    """A line as a terminal may have it; what follows the end of a line within it stands further in, so that it is taken for no other."""
    return re.sub(r"\n(?=[^\n])", "\n    ", visible(line))


def log_as_lines(now: Callable[[], datetime]) -> None:
    """Let what the node logs come out as lines, like what it says: the time first, by the site's clock."""

    def as_line(_: object, level: str, event: MutableMapping[str, object]) -> str:
        return shown(at(now(), in_words(level, event)))

    structlog.configure(
        processors=[structlog.processors.format_exc_info, as_line],
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
    )


def at(time: datetime, said: str) -> str:
    """A line of the log."""
    return f"{moment(time)}  {said}"


def in_words(level: str, event: MutableMapping[str, object]) -> str:
    """An event of the node in words; what a fault says of its place in the code comes below."""
    values = dict(event)
    name, trace = str(values.pop("event")), values.pop("exception", None)
    values.pop("site", None)
    if name in _EVENTS:
        said = _EVENTS[name].format(**_run(values), **values)
    else:
        said = " ".join(
            [name.replace("_", " "), *(f"{key}={value}" for key, value in values.items())]
        )
    said = said if level == "info" else f"{level.upper()} {said}"
    return said if trace is None else f"{said}\n{trace}"


def _run(values: MutableMapping[str, object]) -> dict[str, object]:
    """The run and plan of an event, in the words of `status`."""
    number = values.pop("run", None)
    words = {name: str(values.pop(name, "")) for name in ("plan", "version", "title")}
    return {"run": OfferedPlan(number if isinstance(number, int) else None, **words).in_words()}
