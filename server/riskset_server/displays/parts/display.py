"""The input of a display: the analyses that it shows, each with its result, and the study's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.results.curves import KaplanMeierResult
from riskset_common.results.incidence import CumulativeIncidenceResult
from riskset_common.results.shown import Withheld, WithheldAnalysis
from riskset_common.results.tests import GrayResult, LogRankResult
from riskset_common.results.whole_file import AnalysisResult, ReleasedResult
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.displays import Panel
from riskset_server.displays.parts.cells import level_percent
from riskset_server.displays.parts.words import Words
from riskset_server.results.typed import distinct, level_of

Spec = TypeVar("Spec", bound=AnalysisSpec)


@dataclass(frozen=True)
class Part:
    """One analysis of the plan, and its result as it is released."""

    spec: AnalysisSpec
    result: ReleasedResult

    @property
    def by(self) -> tuple[str, ...]:
        """The variables whose levels are the groups; empty without groups."""
        return self.spec.grouped_by()

    def gives(self, result: type[AnalysisResult]) -> bool:
        """Whether results of its kind are of this type: known of one that is withheld as a whole as well."""
        return issubclass(estimator_of(self.spec.kind).result, result)


def spec_of(kind: type[Spec], part: Part) -> Spec:
    """What the plan says of an analysis, as the model of its kind; raises TypeError if it is of another kind."""
    if not isinstance(part.spec, kind):
        raise TypeError(
            f"The analysis {part.spec.id} is a {part.spec.kind}, and no {kind.__name__}."
        )
    return part.spec


@dataclass(frozen=True)
class Tested:
    """A test between the groups of an analysis; of an analysis of several causes, the cause that it is of."""

    test: LogRankResult | GrayResult | Withheld
    cause: str | None = None


def tests_of(part: Part) -> tuple[Tested, ...]:
    """The tests between the groups of an analysis of curves; of one that is withheld as a whole, one that is withheld."""
    match part.result:
        case CumulativeIncidenceResult(tests=tests):
            return tuple(Tested(test, cause) for cause, test in (tests or {}).items())
        case KaplanMeierResult(test=test):
            return () if test is None else (Tested(test),)
        case WithheldAnalysis(test=Withheld() as mark):
            return (Tested(mark),)
    return ()


@dataclass(frozen=True)
class Plot:
    """Size of the plot within a figure of curves, in inches."""

    width: float
    height: float


WHOLE, PANEL = Plot(4.9, 3.3), Plot(3.4, 2.5)
"""The plot of a figure of its own, and that of a panel among others."""


@dataclass(frozen=True)
class Shown:
    """What one display shows.

    Attributes
    ----------
    display
        Its entry in the plan, that of a panel, or the one made for a plan without displays.
    title
        Its title.
    parts
        The analyses, in the order of the entry; at least one.
    words
        The study's words.
    plot
        How large curves are drawn.
    """

    display: Panel
    title: str
    parts: tuple[Part, ...]
    words: Words
    plot: Plot = WHOLE

    @property
    def confidence(self) -> str:
        """The confidence level that all analyses share, `95%`; empty where they differ."""
        levels = distinct(level_of(part.result) for part in self.parts) or [0.95]
        return level_percent(levels[0]) if len(levels) == 1 else ""

    @property
    def causes(self) -> tuple[str, ...]:
        """Kinds of event that analyses name as the one that counts, every other kind being censored."""
        named = (part.spec.cause_name() for part in self.parts)
        return tuple(dict.fromkeys(cause for cause in named if cause))

    @property
    def only(self) -> Part:
        """The analysis of a display that shows exactly one."""
        (part,) = self.parts
        return part
