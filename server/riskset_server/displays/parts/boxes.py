"""The boxes of a flow of patients, in words."""

from __future__ import annotations

from riskset_common.results.flow import FlowBox
from riskset_server.displays.parts.words import Words


def box_label(box: FlowBox, words: Words, everybody: str, *, named: bool) -> str:
    """What a box holds: a level, with its variable where `named`; the variable and `not known`; or everybody."""
    if box.step is None:
        return everybody
    variable = words.variable(box.step)
    if box.level is None:
        return f"{variable} not known"
    level = words.level(box.step, box.level)
    return f"{variable}: {level}" if named else level
