"""The phases of a round: it is asked, the sites report, and its sum is opened; each analysis then goes one step further."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from riskset_common.errors import ProtocolRefusal, RisksetError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.rounds.questions import sites_of
from riskset_common.rounds.survey import is_surveyed
from riskset_common.secure.sums.pooling import (
    Checked,
    check_report,
    make_request,
    open_checked,
    pooled_of,
)
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND
from riskset_common.wire.messages import Opening, Report, RoundRequest, UnmaskAnswer
from riskset_server.run.asking import OfAnalyses, OfSurvey, Questions
from riskset_server.run.blind_models import ask_blind, asked_next
from riskset_server.run.counting import ask_counts
from riskset_server.run.in_the_sum import require_in_sum
from riskset_server.run.on_shares import AskedBlind
from riskset_server.run.replies import Replies, SitesLost, read_reply
from riskset_server.run.results import Finished
from riskset_server.run.run import JoinedRun, Progress


@dataclass(frozen=True)
class LookedAt:
    """A reply of which the report was read and checked when it arrived."""

    reply: bytes = field(repr=False)
    checked: Checked = field(repr=False)


NOT_LOOKED_AT: Final[Mapping[str, LookedAt]] = MappingProxyType({})


def first_round(joined: JoinedRun, sites: Collection[str]) -> Asked:
    """Ask the first round of these sites: the first question of every analysis, or the survey of a plan with rounded results."""
    study = joined.study
    requests = {
        analysis.id: estimator_of(analysis.kind).first(analysis, study)
        for analysis in (() if is_surveyed(study) else study.plan.analyses)
    }
    begun = Progress(
        joined,
        rounds=0,
        frozen=joined.setup.initial_set(),
        label=NO_ROUND,
        unfinished=requests,
        finished={},
        counted={},
    )
    questions = OfAnalyses.of(requests) if requests else OfSurvey(study)
    return _ask(begun, questions, [site for site in begun.contributors if site in sites])


def _ask(progress: Progress, questions: Questions, sites: Collection[str]) -> Asked:
    """Ask these questions of these sites."""
    request = make_request(
        progress.joined.run.identity,
        progress.joined.setup,
        progress.frozen,
        progress.rounds + 1,
        progress.label,
        questions.sections,
        questions.content,
    )
    return Asked(progress, request, questions, dict.fromkeys(sites, request.to_bytes()))


@dataclass(frozen=True)
class Asked:
    """A round that is asked.

    Attributes
    ----------
    progress
        How far the run had come before.
    request
        What is asked, and of whom a report may come.
    questions
        The same as the centre knows it.
    messages
        The request, the same to every site.
    """

    progress: Progress
    request: RoundRequest
    questions: Questions
    messages: Mapping[str, bytes]

    def look_at(self, replies: Replies) -> dict[str, LookedAt]:
        """Read and check reports as they arrive, while others are under way: `take` then has little left to do.

        Whatever is wrong with one is left for `take` to say, which has all of them before it.
        """
        looked_at: dict[str, LookedAt] = {}
        for name, reply in replies.items():
            with suppress(RisksetError):
                message = read_reply(self.progress.joined.run.roster, name, reply)
                if isinstance(message, Report):
                    looked_at[name] = LookedAt(reply, self._check(message))
        return looked_at

    def take(self, replies: Replies, looked_at: Mapping[str, LookedAt] = NOT_LOOKED_AT) -> Reported:
        """Take the reports.

        Parameters
        ----------
        looked_at
            What `look_at` gave of them when they arrived; those that it lacks, or has of another reply, are checked now.

        Raises
        ------
        SitesRefused
            Where a site said no.
        SitesLost
            Where too few reported, or too few of a part of the sites. The same request may be answered by more.
        """
        known = {
            name: each.checked
            for name, each in looked_at.items()
            if replies.get(name) == each.reply
        }
        if known.keys() == replies.keys():
            checked = list(known.values())
        else:
            read = self.progress.joined.run.read(replies, Report)
            checked = [self._check(report) for report in read]
        reports = {each.report.site_id: each for each in checked}
        self._require_enough(reports)
        return Reported(self, reports, self._wanted(reports))

    def _check(self, report: Report) -> Checked:
        joined = self.progress.joined
        return check_report(
            joined.setup, self.progress.frozen, joined.run.roster, self.request, report
        )

    def _require_enough(self, reports: Mapping[int, Checked]) -> None:
        """Raise `SitesLost` unless enough sites reported to open the sum."""
        joined, request = self.progress.joined, self.request
        terms, minimum = joined.setup.terms, joined.run.rule.minimum_sites
        missing = [
            joined.run.roster.name(number)
            for number in request.participants
            if number not in reports
        ]
        members = [number for number in terms.committee if number in reports]
        if request.profile == "strict":
            if not missing:
                return
            needed = (
                "the sites in the sums are fixed, and every one of them must report"
                if self.progress.rounds or terms.committee
                else "the run is strict, and every site that joined must report"
            )
        elif len(reports) < minimum:
            needed = f"{len(reports)} sites reported, {minimum} must"
        elif len(members) < terms.threshold:
            needed = f"{len(members)} of the committee reported, {terms.threshold} must"
        else:
            require_in_sum(request.round, joined.study, sites_of(joined.run.roster, reports))
            return
        raise SitesLost(request.round, missing, needed)

    def _wanted(self, checked: Mapping[int, Checked]) -> dict[str, bytes]:
        """What the committee is asked for, by name: nothing where the round is strict."""
        if self.request.profile == "strict":
            return {}
        reports = {number: each.report for number, each in checked.items()}
        joined = self.progress.joined
        wanted = unmask_requests(joined.run.identity, joined.setup, self.request, reports)
        name = joined.run.roster.name
        return {name(number): each.to_bytes() for number, each in wanted.items()}


@dataclass(frozen=True)
class Reported:
    """A round that enough sites reported in.

    Attributes
    ----------
    asked
        The round.
    reports
        By the site's number; each is noise by itself.
    messages
        What each member of the committee is asked for; nothing where the round is strict.
    """

    asked: Asked
    reports: Mapping[int, Checked] = field(repr=False)
    messages: Mapping[str, bytes]

    def take(self, replies: Replies) -> Opened:
        """Take the committee's shares, open the sum of the round, and take each analysis one step further.

        Raises
        ------
        SitesRefused, SitesLost
            Where too few of the committee gave shares.
        ContradictionError
            Where the sum contradicts itself.
        """
        before, request = self.asked.progress, self.asked.request
        opening = self._open(replies)
        pooled = pooled_of(request, opening)
        summed = replace(
            before, rounds=request.round, frozen=pooled.participants, label=opening.label
        )
        taken = self.asked.questions.taken(summed, request, opening, pooled)
        is_shown = bool(self.messages) or taken.is_shown
        content = opening.to_bytes()
        return Opened(
            taken.progress,
            len(pooled.counts) + len(pooled.reals),
            content,
            dict.fromkeys(summed.contributors, content) if is_shown else {},
        )

    def _open(self, replies: Replies) -> Opening:
        """Add up the reports."""
        progress, request = self.asked.progress, self.asked.request
        return open_checked(
            progress.joined.run.identity,
            progress.joined.setup,
            progress.frozen,
            progress.joined.run.roster,
            request,
            self.reports,
            self._shares(replies) if request.profile == "recoverable" else [],
        )

    def _shares(self, replies: Replies) -> list[UnmaskAnswer]:
        """The committee's answers; a member that refuses is done without while the others suffice."""
        joined = self.asked.progress.joined
        run, terms = joined.run, joined.setup.terms
        answers: dict[str, UnmaskAnswer] = {}
        for name, reply in replies.items():
            with suppress(ProtocolRefusal):  # as good as none, while the others suffice
                message = read_reply(run.roster, name, reply)
                if isinstance(message, UnmaskAnswer):
                    answers[name] = message
        if len(answers) < terms.threshold:
            run.read(replies, UnmaskAnswer)
            members = [run.roster.name(number) for number in terms.committee]
            raise SitesLost(
                self.asked.request.round,
                [name for name in members if name not in answers],
                f"{len(answers)} of the committee helped to open the sum, {terms.threshold} must",
            )
        return list(answers.values())


@dataclass(frozen=True)
class Opened:
    """A round whose sum is opened.

    Attributes
    ----------
    progress
        How far the run has come.
    numbers
        How many numbers the sum opened.
    opening
        The transcript of the round, for everybody to check.
    messages
        The same to each site in the sums, where it fixes these or later questions rest on it; else nothing.
    """

    progress: Progress
    numbers: int
    opening: bytes = field(repr=False)
    messages: Mapping[str, bytes] = field(repr=False)

    @property
    def number(self) -> int:
        """The number of the round."""
        return self.progress.rounds

    def take(self, replies: Replies) -> Asked | AskedBlind | Finished:
        """Take the answers of the sites that checked the opening, nothing or a refusal, and go on to what the plan asks next.

        Raises
        ------
        SitesRefused
            Where a site said no.
        SitesLost
            Where a site was shown the opening and did not answer: each goes on only when it has checked it.
        ContradictionError
            Where blind models come next and their deaths contradict themselves.
        """
        progress = self.progress
        progress.joined.run.confirm(replies)
        if not progress.unfinished and progress.survey is None:
            return Finished(progress)
        missing = [site for site in self.messages if site not in replies]
        if missing:
            needed = "each site in the sums must check what was opened"
            raise SitesLost(self.number, missing, needed)
        if progress.survey is not None:
            return ask_counts(progress)
        ready = asked_next(progress.unfinished)
        if not ready:
            return ask_blind(progress)
        return _ask(progress, OfAnalyses.of(ready), progress.contributors)
