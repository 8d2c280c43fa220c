"""The blind models of a plan that releases exact numbers, at the centre: fitted after their deaths were counted in opened sums."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest, Ring
from riskset_common.estimators.withholding import fitted
from riskset_common.results.whole_file import BlindComputation
from riskset_common.rounds.blind_models import (
    Models,
    Session,
    blind_models,
    blind_session,
    counts_deaths,
    fits_of,
    waits,
)
from riskset_common.rounds.verified_sums import must_be_shown
from riskset_common.secure.sums.pooling import pooled_of
from riskset_common.wire.blind_steps import BlindAnswer, BlindBegin
from riskset_server.run.conversations import SideBySide
from riskset_server.run.fitting import Fitting
from riskset_server.run.on_shares import AskedBlind, ask_on_shares
from riskset_server.run.results import Finished
from riskset_server.run.run import CountedDeaths, Progress, Run


def asked_next(requests: Mapping[str, AnyRequest]) -> dict[str, AnyRequest]:
    """What the next round asks: whatever does not wait for the blind models, but for sums that sites are shown while others count more.

    Each site is shown the opening of a round that counted deaths, or what later questions rest on, with the numbers of all sites under
    their masks. Among the curves of a whole plan that is a hundred times what is needed.
    """
    ready = {name: each for name, each in requests.items() if not waits(each)}
    shown = {
        name: each for name, each in ready.items() if counts_deaths(each) or must_be_shown(each)
    }
    others = {name: each for name, each in ready.items() if name not in shown}
    return others if shown and _counts(others) > _counts(shown) else ready


def _counts(requests: Mapping[str, AnyRequest]) -> int:
    """How many counts each site is asked for; of reals even many models have few, and go on for many rounds."""
    return sum(
        shape.size
        for each in requests.values()
        for shape in estimator_of(each.spec.kind).shapes(each).values()
        if shape.ring is Ring.COUNTS
    )


class BlindRun:
    """All blind models of a run, and how far each has come: `take` moves them on in place, unlike the phases of a run, which are values.

    Parameters
    ----------
    run
        The run that they are part of.
    session
        What they share.
    counted
        The rounds that counted their deaths: every site takes the models from these, as the centre does here.

    A model that rests on too few patients, or whose numbers have no public bound, does not begin. One that cannot go on ends alone.

    Raises
    ------
    ContradictionError
        Where counted deaths contradict themselves.
    """

    def __init__(self, run: Run, session: Session, counted: Sequence[CountedDeaths]) -> None:
        self._session = session
        shown = [(each.asked, each.opening) for each in counted]
        self._frames = SideBySide(run, BlindBegin.of(session.setup.sid, shown))
        found = [_models(session, each) for each in counted]
        begun = [blind for models in found for blind in models.begun]
        self.models = Fitting(begun, (part for models in found for part in models.held))

    @property
    def step(self) -> int:
        """The number of the step that is asked next."""
        return self._frames.step

    @property
    def is_done(self) -> bool:
        """Whether every model is fitted, or ended without a fit."""
        return self.models.is_done

    def summary(self) -> BlindComputation | None:
        """What results.json says of the computation; None where no model began."""
        evaluations, session = self.models.evaluations, self._session
        if not evaluations:
            return None
        return BlindComputation(
            committee=tuple(map(session.roster.name, session.committee.site_ids)),
            threshold=session.committee.threshold,
            evaluations=dict(sorted(evaluations.items())),
        )

    def messages(self) -> dict[str, bytes]:
        """The next step, by name of the site."""
        return self._frames.messages(self.models.sending)

    def can_spare(self, names: Collection[str]) -> bool:
        """Nobody: every site and every member of the committee must answer for a model."""
        return not names

    def take(self, replies: Mapping[str, BlindAnswer]) -> list[str]:
        """Take the answers of all that were asked; gives the names of the models of which an evaluation was opened."""
        return self.models.take(self._frames.read(replies))

    def finished(self, progress: Progress) -> Finished:
        """The run with the results of the analyses that waited for these models."""
        results = {
            name: fitted(
                estimator_of(request.spec.kind),
                request,
                fits_of(self.models.fitted.values(), self.models.held, name),
            )
            for name, request in progress.unfinished.items()
        }
        after = replace(progress, unfinished={}, finished={**progress.finished, **results})
        return Finished(after, self.summary())


def _models(session: Session, counted: CountedDeaths) -> Models:
    pooled = pooled_of(counted.asked, counted.opening).by_analysis()
    return blind_models(session, counted.requests, pooled)


def ask_blind(progress: Progress) -> AskedBlind | Finished:
    """Begin the blind models of a run of which all that is unfinished waits for them; where none begins, the run is finished.

    Raises
    ------
    ContradictionError
        As `BlindRun` does.
    """
    joined = progress.joined
    session = blind_session(joined.study, joined.setup, joined.run.roster, progress.frozen)
    return ask_on_shares(progress, BlindRun(joined.run, session, progress.deaths))
