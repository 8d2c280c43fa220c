"""Formatting one number for a table, figure or sentence: the journal's digits, and the footnote for a missing number.

P values follow the AMA Manual of Style (11th ed, 2020, section 19.5), which the journal applies: no zero before the point;
two digits, three below .01, and as many as it takes for a P below .05 not to read as .05; `< .001` and `> .99` at the ends.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from riskset_common.programs.screen import visible
from riskset_common.results.shown import NO_RESULT, Shown, Withheld, WithheldAnalysis
from riskset_server.results.typed import number, withheld_as_a_whole

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EM DASH}"

CI = ("CI", "confidence interval")
HR = ("HR", "hazard ratio")
SHR = ("SHR", "subdistribution hazard ratio")
NR = ("NR", "not reached")
SE = ("SE", "standard error")

UNDEFINED = f"{DASH} Not estimable from these patients."
ALIASED = f"{DASH} No coefficient: the term is constant or follows from earlier terms."
MONOTONE = f"{DASH} No finite estimate: the likelihood is monotone in this term or in one that leaves nothing to tell it by."


@dataclass(frozen=True)
class Cell:
    """A text, the footnotes to mark it with, and the abbreviations that it uses (short and long form).

    What would steer a terminal, or could stand in no document, is an escape in it: labels and levels are somebody else's words.
    """

    text: str = ""
    notes: tuple[str, ...] = ()
    abbreviations: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", visible(self.text))
        object.__setattr__(self, "notes", tuple(map(visible, self.notes)))


EMPTY = Cell()
NOT_REACHED = Cell("NR", abbreviations=(NR,))
NOT_ESTIMABLE = Cell(DASH, notes=(UNDEFINED,))


def withheld_note(mark: Withheld) -> str:
    """The footnote of a value that was withheld, or of an analysis without a result."""
    if mark.rule == NO_RESULT:
        return "There is no result; the deviations from the plan say why."
    return f"Withheld {why_withheld(mark)}."


_SAID: Final = tuple(
    (reason, re.compile(form), said)
    for reason, form, said in (
        ("small", r"(minimum_cell) (\d+)", "because there are some, but fewer than {1} ({0})"),
        (
            "small",
            r"(minimum_at_risk) (\d+)",
            "because fewer than {1} patients are behind it ({0})",
        ),
        (
            "protects",
            r"(minimum_\w+) (\d+)",
            "because with it a number below {1} could be worked out ({0})",
        ),
        (
            "protects",
            r"(minimum_\w+) (\d+): (.+)",
            "because with the numbers of {2} one below {1} could be worked out ({0})",
        ),
        (
            "small",
            r"(bits) (\d+)",
            "because it would leave too few ways in which its events may lie in the groups ({0} {1})",
        ),
        (
            "protects",
            r"(bits) (\d+)",
            "because its groups differ so much that it would leave too few ways in which its events may lie in them ({0} {1})",
        ),
        (
            "small",
            r"(events_outside_largest_level) (\d+)",
            "because fewer than {1} events lie outside of the largest levels of its factors ({0})",
        ),
        (
            "small",
            r"(events_per_coefficient) (\d+)",
            "because there are fewer than {1} events for each coefficient ({0})",
        ),
        (
            "small",
            r"(patients_per_level) (\d+): (.+)",
            "because a level of {2} has fewer than {1} patients ({0})",
        ),
        (
            "small",
            r"(events_per_level) (\d+): (.+)",
            "because a level of {2} has fewer than {1} events ({0})",
        ),
        (
            "small",
            r"(minimum_\w+) (\d+): (.+)",
            "because a level of {2} has fewer than {1} patients ({0})",
        ),
        (
            "protects",
            r"(deaths_on_a_day) (\d+)",
            "because a day may have more than {1} deaths ({0})",
        ),
        (None, r"not computed on shares", "because it is not computed on shares"),
    )
)
"""Reasons, the rules that have them, and what each says."""


def why_withheld(mark: Withheld) -> str:
    """A disclosure rule as a reason; one that withholds a whole model names what is too small in it."""
    for reason, form, said in _SAID:
        if mark.reason == reason and (found := form.fullmatch(mark.rule)):
            return said.format(*found.groups())
    return f"under the disclosure rule {mark.rule}"


def note_of_withheld(analysis: WithheldAnalysis) -> str:
    """Why nothing is shown of an analysis: there is no result, or the rule that withholds it."""
    return " ".join(analysis.warnings) or withheld_note(withheld_as_a_whole(analysis))


def cell_of_withheld(analysis: WithheldAnalysis) -> Cell:
    """The cell of a value of an analysis of which nothing is shown."""
    return Cell("withheld", notes=(note_of_withheld(analysis),))


def withheld_cell(mark: Withheld) -> Cell:
    """The cell of a value that was withheld."""
    return Cell("withheld", notes=(withheld_note(mark),))


def cell(
    found: Shown[float] | None, read: Callable[[float], str], absent: Cell = NOT_ESTIMABLE
) -> Cell:
    """A value of a result in words: as `read` says, `absent` for one that does not exist, `withheld` where a rule said no."""
    if isinstance(found, Withheld):
        return withheld_cell(found)
    found_number = number(found)
    return absent if math.isnan(found_number) else Cell(read(found_number))


def joined(parts: tuple[Cell, ...], pattern: str) -> Cell:
    """Several cells in one, as in `46.1 (2.1)`; one withheld or missing part shows alone where all parts read the same."""
    texts = {part.text for part in parts}
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    short = tuple(dict.fromkeys(item for part in parts for item in part.abbreviations))
    if len(texts) == 1 and (notes or short):
        return Cell(texts.pop(), notes, short)
    return Cell(pattern.format(*(part.text for part in parts)), notes, short)


def signed(number: float, digits: int) -> str:
    """A number with a proper minus sign; what rounds to nothing has no sign."""
    text = f"{number:,.{digits}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text.replace("-", MINUS)


def count(number: float) -> str:
    """A number of patients or events."""
    return f"{round(number):,}"


def patients(found: Shown[int]) -> str:
    """A number of patients with its noun: `1 patient`, `12 patients`, `withheld patients`."""
    return f"{cell(found, count).text} {'patient' if found == 1 else 'patients'}"


def percent(number: float) -> str:
    """A percentage to one decimal."""
    return signed(number, 1)


def probability(number: float) -> str:
    """A probability as a percentage to one decimal."""
    return percent(100 * number)


def whole_percent(number: float) -> str:
    """A probability as a whole percentage."""
    return signed(100 * number, 0)


def hazard_ratio(ratio: float) -> str:
    """A hazard ratio to two decimals, three below 0.1; far ones as beyond 0.001 and 1,000."""
    if ratio < 0.0005:
        return "< 0.001"
    if ratio >= 1000:
        return "> 1,000"
    return f"{ratio:.3f}" if ratio < 0.0995 else f"{ratio:.2f}"


def p_digits(p: float) -> str:
    """A P value without its sign of equality: `.39`, `.047`, `.003`, `< .001`, `> .99`."""
    if p < 0.001:
        return "< .001"
    if p > 0.99:
        return "> .99"
    digits = 3 if p < 0.01 else 2
    while p < 0.05 <= round(p, digits):
        digits += 1
    return f"{p:.{digits}f}".removeprefix("0")


def p_phrase(p: float) -> str:
    """A P value in a sentence: `P = .39`, `P < .001`."""
    digits = p_digits(p)
    return f"P {digits}" if digits[0] in "<>" else f"P = {digits}"


def statistic(number: float) -> str:
    """A chi-square statistic to two decimals."""
    return signed(number, 2)


def plain(number: float) -> str:
    """A number that a person wrote in the plan: 6, 0.5, 365.25."""
    return f"{number:.10g}".replace("-", MINUS)


def level_percent(level: float) -> str:
    """A confidence level: 95%."""
    return f"{100 * level:.10g}%"
