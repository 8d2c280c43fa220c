"""What a round of opened sums asks, and how its sum takes a run on: the next question of every analysis, or the survey of a plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest, Request, Summary
from riskset_common.estimators.withholding import stepped
from riskset_common.rounds.asked_once import AskedOnce, ask_once
from riskset_common.rounds.blind_models import counts_deaths
from riskset_common.rounds.consistency import check_pooled
from riskset_common.rounds.questions import questions_json, sections_of
from riskset_common.rounds.survey import QUESTIONS, read_survey, survey_sections
from riskset_common.rounds.verified_sums import must_be_shown
from riskset_common.secure.sums.pooling import Pooled
from riskset_common.study.study import Study
from riskset_common.wire.messages import Opening, RoundRequest
from riskset_common.wire.sections import Section
from riskset_server.run.run import CountedDeaths, Progress


class Taken(NamedTuple):
    """How far the run has come with the sum of a round, and whether the sites are shown its opening because later questions rest on it."""

    progress: Progress
    is_shown: bool


class Questions(ABC):
    """The questions of one round."""

    @property
    @abstractmethod
    def sections(self) -> tuple[Section, ...]:
        """The schema of a report."""

    @property
    @abstractmethod
    def content(self) -> bytes:
        """The questions as they travel."""

    @abstractmethod
    def taken(
        self, summed: Progress, request: RoundRequest, opening: Opening, pooled: Pooled
    ) -> Taken:
        """The run after the sum of the round.

        Raises
        ------
        ContradictionError, EstimationError
            Where the sum contradicts itself, or nothing of the plan can go on.
        """


@dataclass(frozen=True)
class OfAnalyses(Questions):
    """The next question of analyses, where a plan releases exact numbers.

    Attributes
    ----------
    analyses
        The requests of the analyses that go one step further.
    once
        The same with each count in one of them only, as it is asked.
    """

    analyses: Mapping[str, AnyRequest]
    once: AskedOnce

    @classmethod
    def of(cls, analyses: Mapping[str, AnyRequest]) -> OfAnalyses:
        """Ask each count once."""
        return cls(analyses, ask_once(analyses))

    @property
    def sections(self) -> tuple[Section, ...]:
        """The schema of a report."""
        return sections_of(self.once.requests)

    @property
    def content(self) -> bytes:
        """The questions as they travel."""
        return questions_json(self.once.requests)

    def taken(
        self, summed: Progress, request: RoundRequest, opening: Opening, pooled: Pooled
    ) -> Taken:
        """Each analysis goes one step further; the deaths of blind models are kept."""
        once = self.once
        counting = {name: each for name, each in once.requests.items() if counts_deaths(each)}
        deaths = (CountedDeaths(request, opening, counting),) if counting else ()
        # What blind models rest on the sites are shown when these begin.
        others = (each for name, each in once.requests.items() if name not in counting)
        kept = replace(summed, deaths=summed.deaths + deaths)
        return Taken(
            advanced(kept, self.analyses, once.completed(pooled.by_analysis())),
            any(must_be_shown(each) for each in others),
        )


@dataclass(frozen=True)
class OfSurvey(Questions):
    """The survey of a plan that releases rounded numbers."""

    study: Study

    @property
    def sections(self) -> tuple[Section, ...]:
        """The schema of a report."""
        return survey_sections(self.study)

    @property
    def content(self) -> bytes:
        """The questions as they travel."""
        return QUESTIONS

    def taken(
        self, summed: Progress, request: RoundRequest, opening: Opening, pooled: Pooled
    ) -> Taken:
        """What is counted next, for the committee, follows from the survey; so every site is shown it."""
        del request, opening
        survey = read_survey(self.study, pooled.by_analysis(), len(pooled.participants))
        return Taken(replace(summed, survey=survey), is_shown=True)


def advanced(
    progress: Progress, analyses: Mapping[str, AnyRequest], pooled: Mapping[str, Summary]
) -> Progress:
    """The run after these analyses were given their sums; one that cannot go on is finished without a result.

    Raises
    ------
    ContradictionError
        Where the sums contradict themselves.
    """
    counted = dict(progress.counted)
    check_pooled(analyses, pooled, counted)
    unfinished = {name: each for name, each in progress.unfinished.items() if name not in analyses}
    finished = dict(progress.finished)
    for name, request in analyses.items():
        reached = stepped(estimator_of(request.spec.kind), request, pooled[name])
        if isinstance(reached, Request):
            unfinished[name] = reached
        else:
            finished[name] = reached
    return replace(progress, unfinished=unfinished, finished=finished, counted=counted)
