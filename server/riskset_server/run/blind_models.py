"""The blind models of a run at the centre, sans I/O: each is a conversation with sites and committee; all advance side by side.

The centre relays shares that are sealed among the members, and reads what all members say was opened.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest, Ring
from riskset_common.estimators.on_shares import NoFit
from riskset_common.estimators.withholding import fitted
from riskset_common.results.whole_file import BlindComputation
from riskset_common.rounds.blind_models import (
    Blind,
    FittedBlind,
    HeldBack,
    Models,
    Session,
    blind_models,
    blind_session,
    counts_deaths,
    fits_of,
    waits,
)
from riskset_common.rounds.verified_sums import must_be_shown
from riskset_common.secure.blind.cox.beside_the_fit import BlindFurther
from riskset_common.secure.blind.parties.centre import BlindCentre
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.secure.sums.pooling import pooled_of
from riskset_common.survival.regression.newton import CoxFit
from riskset_common.wire.blind_messages import (
    BlindConsent,
    BlindInput,
    BlindKeys,
    BlindOpened,
    BlindShare,
)
from riskset_common.wire.blind_steps import BlindAnswer, BlindBegin
from riskset_common.wire.frame import Message
from riskset_server.run.conversations import Letters, SideBySide
from riskset_server.run.on_shares import AskedBlind, ask_on_shares
from riskset_server.run.results import Finished
from riskset_server.run.run import CountedDeaths, Progress, Run

Conversation = Generator[Letters, Letters, tuple[CoxFit, BlindFurther | None]]
"""What goes to each site, what each answers, and at the end the fit and what was opened besides."""

Kind = TypeVar("Kind", bound=Message)


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


def conversation(setup: BlindSetup) -> Conversation:
    """One model from its begin to its fit: yields what goes to each site, is sent what each answers."""
    centre, members = BlindCentre(setup), setup.committee.site_ids
    centre.propose()
    ask = centre.ask(())
    # The begin itself, which the sites were sent, stands for the question at 0.
    begun = yield _to(setup.participants, ())
    keys: Sequence[Message] = [_one(begun, site, BlindKeys, 2) for site in setup.participants]
    inputs = [_one(begun, site, BlindInput, 2) for site in setup.participants]
    while True:
        replies = yield _to(members, [*keys, ask, *inputs])
        keys = ()
        while not _all_opened(replies):
            _require_going_on(replies)
            shares = [each for member in members for each in _shares(replies, member)]
            replies = yield {
                member: [share for share in shares if share.receiver == member]
                for member in members
            }
        fit = centre.conclude([_one(replies, member, BlindOpened) for member in members])
        if fit is not None:
            return fit, centre.further
        consents = yield _to(members, [centre.propose()])
        ask = centre.ask([_one(consents, member, BlindConsent) for member in members])
        answers = yield _to(setup.participants, [ask])
        inputs = [_one(answers, site, BlindInput) for site in setup.participants]


def _to(sites: Sequence[int], letters: Sequence[Message]) -> Letters:
    return dict.fromkeys(sites, letters)


def _one(replies: Letters, site: int, kind: type[Kind], among: int = 1) -> Kind:
    """The one message of a kind in a site's answer, which holds so many in all."""
    found = [each for each in replies[site] if isinstance(each, kind)]
    if len(found) != 1 or len(replies[site]) != among:
        raise ProtocolRefusal(
            f"Site number {site} answered a blind model with {len(replies[site])} messages, where one {kind.__name__} is awaited."
        )
    return found[0]


def _shares(replies: Letters, member: int) -> Iterator[BlindShare]:
    for each in replies[member]:
        if not isinstance(each, BlindShare) or each.sender != member:
            raise ProtocolRefusal(
                f"Member number {member} sent a {type(each).__name__} where its shares are awaited."
            )
        yield each


def _all_opened(replies: Letters) -> bool:
    return all(
        found and all(isinstance(each, BlindOpened) for each in found) for found in replies.values()
    )


def _require_going_on(replies: Letters) -> None:
    """Raise where a member sends nothing more: what was opened among the members does not fit the bounds of the computation."""
    if not all(replies.values()):
        raise EstimationError(
            "The committee ended the computation of the model, because a number in it is larger than the computation on shares holds. "
            "If the plan asks for a baseline hazard, ask for earlier times, at covariates that patients have."
        )


@dataclass
class _Model:
    """A model under way: its conversation, and what goes out next."""

    blind: Blind
    conversation: Conversation
    sending: Letters
    evaluations: int = 0

    @classmethod
    def begun(cls, blind: Blind) -> _Model:
        """A model at its begin."""
        under_way = conversation(blind.setup)
        return cls(blind, under_way, next(under_way))


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
        models = [_models(session, each) for each in counted]
        self._running = {
            blind.setup.hash: _Model.begun(blind) for found in models for blind in found.begun
        }
        self.fitted: dict[str, FittedBlind] = {}
        """The models that are done, by name."""
        self.held: list[HeldBack] = [each for found in models for each in found.held]
        """The parts of analyses whose models did not begin, or ended without a fit."""
        self.evaluations: dict[str, int] = {}
        """By name of a model, how often its likelihood was opened."""

    @property
    def step(self) -> int:
        """The number of the step that is asked next."""
        return self._frames.step

    @property
    def is_done(self) -> bool:
        """Whether every model is fitted, or ended without a fit."""
        return not self._running

    def summary(self) -> BlindComputation | None:
        """What results.json says of the computation; None where no model began."""
        if not self.evaluations:
            return None
        session = self._session
        return BlindComputation(
            committee=tuple(map(session.roster.name, session.committee.site_ids)),
            threshold=session.committee.threshold,
            evaluations=dict(sorted(self.evaluations.items())),
        )

    def messages(self) -> dict[str, bytes]:
        """The next step, by name of the site."""
        return self._frames.messages(
            {setup: model.sending for setup, model in self._running.items()}
        )

    def can_spare(self, names: Collection[str]) -> bool:
        """Nobody: every site and every member of the committee must answer for a model."""
        return not names

    def take(self, replies: Mapping[str, BlindAnswer]) -> list[str]:
        """Take the answers of all that were asked; gives the names of the models of which an evaluation was opened."""
        read = self._frames.read(replies)
        opened = []
        for setup, model in list(self._running.items()):
            if setup not in self._running:
                continue  # it belonged to a part that has just ended
            answers = read.get(setup, {})
            if set(answers) != set(model.sending):
                raise ProtocolRefusal(
                    f"Not every site answered for the blind model {model.blind.name}."
                )
            if _all_opened(answers):
                model.evaluations += 1
                opened.append(model.blind.name)
            self.evaluations[model.blind.name] = model.evaluations
            try:
                model.sending = model.conversation.send(answers)
            except StopIteration as end:
                self.fitted[model.blind.name] = FittedBlind(model.blind, *end.value)
                del self._running[setup]
            except EstimationError as error:
                self._end(model.blind, str(error))
        return opened

    def finished(self, progress: Progress) -> Finished:
        """The run with the results of the analyses that waited for these models."""
        results = {
            name: fitted(
                estimator_of(request.spec.kind),
                request,
                fits_of(self.fitted.values(), self.held, name),
            )
            for name, request in progress.unfinished.items()
        }
        after = replace(progress, unfinished={}, finished={**progress.finished, **results})
        return Finished(after, self.summary())

    def _end(self, ended: Blind, why: str) -> None:
        """End a model that cannot go on, and what it was compared with; the others go on."""
        of = (ended.analysis.spec.id, ended.part)
        self.held.append(HeldBack(*of, NoFit(why)))
        self._running = {
            setup: model
            for setup, model in self._running.items()
            if (model.blind.analysis.spec.id, model.blind.part) != of
        }


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
