"""What a plan with rounded results counts and computes on shares, at the centre, sans I/O.

The centre carries uploads and shares that it cannot read, and is told what was opened. It runs the same programs as the committee, on
numbers of which it knows the shape, and feeds them with what was opened: its results are those of the members.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.release.tables.verdicts import held_counts
from riskset_common.results.whole_file import BlindComputation, EventSteps
from riskset_common.rounds.blind_models import Session, blind_session, fits_of
from riskset_common.rounds.counting import Outcome, PlanWork, count_setup
from riskset_common.rounds.models_on_shares import models_of, released, waiting
from riskset_common.secure.blind.parties.counts.centre import CountOutcome, Step, conversation
from riskset_common.wire.blind_messages import BlindBits
from riskset_common.wire.blind_steps import BlindAnswer, BlindBegin
from riskset_server.disclosure.before_publication import require_nothing_told
from riskset_server.run.conversations import SideBySide
from riskset_server.run.fitting import Fitting
from riskset_server.run.on_shares import AskedBlind, ask_on_shares
from riskset_server.run.results import Finished
from riskset_server.run.run import Progress, Run

N_UPLOADS = 3
"""Steps in which every site sends its numbers: the days of events, widths, and the numbers as bits."""


class CountRun:
    """The computation of counts of a run, then its models, and how far they have come: `take` moves them on in place."""

    def __init__(self, run: Run, session: Session, work: PlanWork) -> None:
        self._session, self._work = session, work
        self._setup = count_setup(session, work)
        self._frames = SideBySide(run, BlindBegin.of(session.setup.sid, ()))
        self._conversation = conversation(self._setup, work)
        # The first step is the begin itself, which goes to everybody.
        what = next(self._conversation).what
        self._asked = Step(dict.fromkeys(session.participants, ()), what)
        self._n_uploads = 0
        self._outcome: CountOutcome[Outcome] | None = None
        self._models: Fitting | None = None

    @property
    def step(self) -> int:
        """The number of the step that is asked next."""
        return self._frames.step

    @property
    def is_done(self) -> bool:
        """Whether all programs gave their results, and all models their fits."""
        return self._models is not None and self._models.is_done

    def messages(self) -> dict[str, bytes]:
        """The next step, by name of the site."""
        if self._models is not None:
            return self._frames.messages(self._models.sending)
        return self._frames.messages({self._setup.hash: self._asked.letters})

    def can_spare(self, names: Collection[str]) -> bool:
        """Whether members of a committee of which enough are left did not answer, in a step of the counts that is the committee's alone.

        Until all uploads have come to the members nobody can be spared: a member's own numbers are awaited too, and who misses some of
        the others' cannot come back. A model needs everybody.
        """
        committee, letters = self._session.committee, self._asked.letters
        is_theirs = letters.keys() <= set(committee.site_ids)
        brings = any(isinstance(each, BlindBits) for sent in letters.values() for each in sent)
        spare = len(committee.site_ids) - (2 * committee.threshold + 1)
        is_left = len(names) <= spare and not self._setup.checked
        is_sent = self._n_uploads == N_UPLOADS and not brings
        return is_theirs and is_left and is_sent and self._models is None

    def take(self, replies: Mapping[str, BlindAnswer]) -> Sequence[str]:
        """Take the answers of those that were asked; gives in words what the step was for, or the models that were evaluated."""
        answers = self._frames.read(replies)
        if self._models is not None:
            return self._models.take(answers)
        if not answers.keys() <= {self._setup.hash}:
            raise ProtocolRefusal("A site answered for a computation on shares that was not asked.")
        done = self._asked.what
        if self._asked.letters.keys() == set(self._session.participants):
            self._n_uploads += 1
        try:
            self._asked = self._conversation.send(answers.get(self._setup.hash, {}))
        except StopIteration as end:
            self._outcome = end.value
            self._models = self._that_follow(end.value)
        return [done]

    def _that_follow(self, outcome: CountOutcome[Outcome]) -> Fitting:
        """The models of the plan, from what the counts gave."""
        models = models_of(self._session, self._work.study, outcome.reached, outcome.label)
        return Fitting(models.begun, models.held)

    def finished(self, progress: Progress) -> Finished:
        """The run with the results of its programs and models."""
        if self._outcome is None or self._models is None:
            raise EstimationError("The computation of counts has not ended.")
        found, models = self._outcome.reached.released, self._models
        fits = {
            spec.id: fits_of(models.fitted.values(), models.held, spec.id)
            for spec, _ in waiting(self._work.study, found)
        }
        results = released(self._work.study, found, fits)
        require_nothing_told(self._work.of, self._outcome.reached.facts, results)
        return Finished(
            replace(progress, finished=results),
            self._summary(self._outcome),
            held_counts(self._outcome.reached.released.verdicts),
        )

    def _summary(self, outcome: CountOutcome[Outcome]) -> BlindComputation:
        """What results.json says of the computation, and what of it is public beside the results."""
        roster, committee = self._session.roster, self._session.committee
        days = outcome.reached.facts.days
        return BlindComputation(
            committee=tuple(map(roster.name, committee.site_ids)),
            threshold=committee.threshold,
            evaluations=dict(sorted(self._models.evaluations.items())) if self._models else {},
            lost=tuple(map(roster.name, outcome.lost)),
            openings=len(outcome.waves),
            unchecked_from=outcome.unchecked_from,
            days={
                origin: EventSteps(len(found.steps), found.n_steps, found.told)
                for origin, found in days.items()
            },
        )


def ask_counts(progress: Progress) -> AskedBlind | Finished:
    """Begin the computation of a run whose survey was opened."""
    joined = progress.joined
    session = blind_session(joined.study, joined.setup, joined.run.roster, progress.frozen)
    if progress.survey is None:
        raise ProtocolRefusal("The computation of counts begins after the survey.")
    work = PlanWork(joined.study, progress.survey)
    return ask_on_shares(progress, CountRun(joined.run, session, work))
