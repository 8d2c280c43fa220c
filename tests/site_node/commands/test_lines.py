"""The log of a node: one form of time, runs with number and title, refusals in full, and a line when a run ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import structlog

from riskset_common.formats.moments import moment
from riskset_node.commands.lines import at, in_words, log_as_lines, shown
from riskset_node.session.telling import tell_in_full
from riskset_node.state.refusals import KeptRefusal, RefusedMessage

NOW = datetime(2026, 11, 30, 22, 14, 5, tzinfo=UTC)
RUN = {"site": "north", "run": 7, "plan": "lung", "version": "1.0.0", "title": "Survival"}


def test_a_moment_is_told_in_utc_to_the_second():
    there = NOW.astimezone(timezone(timedelta(hours=2))).replace(microsecond=999999)

    assert "2026-11-30 22:14:05 UTC" == moment(there)
    assert "2026-11-30 22:14:05 UTC  connected" == at(NOW, "connected")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"event": "session_joined", **RUN}, "joined run 7, lung 1.0.0: Survival"),
        (
            {"event": "session_joined", **RUN, "run": None, "title": ""},
            "joined a run, lung 1.0.0",
        ),
        (
            {"event": "session_closed", **RUN},
            "ended run 7, lung 1.0.0: Survival: the centre closed it, and its keys are deleted",
        ),
        (
            {"event": "session_ended", **RUN, "because": "no"},
            "ended run 7, lung 1.0.0: Survival, because: no",
        ),
        (
            {"event": "session_resumed", **RUN, "rounds": 3},
            "went on with run 7, lung 1.0.0: Survival; 3 rounds had been answered",
        ),
        ({"event": "summary_sent", "site": "north", "round": 3}, "summary sent round=3"),
    ],
)
def test_an_event_is_told_in_words(event, said):
    assert said == in_words("info", event)


def test_what_a_node_logs_is_a_line_with_the_time_and_a_fault_has_its_place(capsys):
    log_as_lines(lambda: NOW)
    log = structlog.get_logger()
    try:
        log.info("session_joined", **RUN)
        try:
            raise KeyError("x")
        except KeyError:
            log.exception("answer_failed", site="north", kind="KeyError")
    finally:
        structlog.reset_defaults()
    first, second, *trace = capsys.readouterr().out.splitlines()

    assert "2026-11-30 22:14:05 UTC  joined run 7, lung 1.0.0: Survival" == first
    assert "2026-11-30 22:14:05 UTC  ERROR answer failed kind=KeyError" == second
    assert "Traceback" in trace[0]


def test_a_refusal_is_logged_in_full_and_its_repetitions_ever_more_seldom():
    def kept(times: int) -> KeptRefusal:
        refused = RefusedMessage("Offer", bytes(32), 7, 0)
        return KeptRefusal(refused, "policy", "expired. Renew it.", None, NOW, NOW, times)

    with structlog.testing.capture_logs() as logged:
        for times in range(1, 120):
            tell_in_full("north", kept(times))
    lines = [in_words(each.pop("log_level"), each) for each in logged]

    assert (
        "WARNING refused run 7 on 2026-11-30 22:14:05 UTC, because: expired. Renew it." == lines[0]
    )
    assert ["10 times,", "100 times,"] == [
        " ".join(line.partition("run 7 ")[2].split()[:2]) for line in lines[1:]
    ]


def test_no_value_of_a_line_steers_the_terminal_or_passes_for_a_line_of_its_own():
    assert "refused \\x1b[2J\n    12:00:00 joined" == shown("refused \x1b[2J\n12:00:00 joined")
