"""Risk sets that are empty before the last patients come under observation: a reader is told so, and neither when nor how many came."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from riskset_common.release.curves.asks import Asks, Result
from riskset_common.release.curves.frame import Frame
from riskset_common.release.program import Program
from riskset_common.survival.arrays.calculator import Numbers

STAYS_0 = "survival stays 0, whatever happens to them"
INCIDENCE_STAYS = "the incidences stay as they are, whatever happens to them"
GOES_ON = "the curve goes on as if nobody could have had an event before they came"


def empty_warnings(frame: Frame) -> tuple[str, ...]:
    """Which groups are known to hold nobody."""
    names = [_name(level) for level in frame.people.empty]
    return (f"No patients in {', '.join(names)}.",) if names else ()


def emptied_warnings(
    frame: Frame,
    asks: Asks[Result],
    stays: str,
    warnings_of: Callable[[Result], Sequence[str]],
) -> Program[tuple[str, ...]]:
    """What is said of the groups with a curve whose risk set is empty while patients are still to come.

    Parameters
    ----------
    stays
        What is so for ever if all who were at risk had an event.
    warnings_of
        The warnings in a result.
    """
    if not (frame.counted.left_truncated and frame.curves):
        return ()
    sentences = [tuple(_sentences(frame, level.level, stays)) for level in frame.curves]
    [none] = yield [
        asks.among(
            "no risk set is emptied before the last come",
            _emptied(frame).reshape(2 * len(frame.curves), 1),
            0,
            0,
            lambda result: [
                int(sentence not in warnings_of(result)) for pair in sentences for sentence in pair
            ],
        )
    ]
    return tuple(
        sentence
        for pair, found in zip(sentences, none.reshape(-1, 2).tolist(), strict=True)
        for sentence, is_none in zip(pair, found, strict=True)
        if not is_none
    )


def _emptied(frame: Frame) -> Numbers:
    """How often the risk set of each curve is emptied while somebody is to come: by events of all, else otherwise, shape (n_curves, 2)."""
    calculator, data = frame.given.calculator, frame.given.data[frame.counted]
    n_marks, marks = len(frame.counted.marks), frame.marks(frame.counted.days)
    # Who is still to come after a mark: at the next ones, or behind the last.
    entered = data["entered"][frame.rows]
    come = entered.running_total()
    more = data["patients"][frame.rows].reshape(-1, 1) - come[:, :n_marks]
    events = data["events"].total(axis=0)[frame.rows]
    left_by_event = frame.at_risk[:, marks] - events
    # Nobody is left behind by the events of a day, or at a mark, although somebody is still to come.
    by_event = calculator.at_most(left_by_event, 0) * (1 - calculator.at_most(events, 0))
    coming = 1 - calculator.at_most(more, 0)
    died = (by_event * coming[:, marks]).total()
    begun = 1 - calculator.at_most(come[:, :n_marks], 0)
    gone = (calculator.at_most(frame.at_risk, 0) * coming * begun).total()
    # Of the two the first says more.
    only_gone = gone * calculator.at_most(died, 0)
    return calculator.joined([died.reshape(-1, 1), only_gone.reshape(-1, 1)])


def _sentences(frame: Frame, level: Mapping[str, str], stays: str) -> Iterator[str]:
    named = f" of {_name(level)}" if frame.counted.by else ""
    for what in (stays, GOES_ON):
        yield f"Nobody{named} was at risk for a time, and more came under observation later: {what}."


def _name(level: Mapping[str, str]) -> str:
    return " / ".join(level.values()) or "all"
