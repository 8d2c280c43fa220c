"""Models that are fitted on shares, at the centre, sans I/O: each is a conversation with sites and committee; all advance side by side.

The centre relays shares that are sealed among the members, and reads what all members say was opened.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.on_shares import NoFit
from riskset_common.rounds.blind_models import Blind, FittedBlind, HeldBack
from riskset_common.secure.blind.cox.beside_the_fit import BlindFurther
from riskset_common.secure.blind.parties.centre import BlindCentre
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.survival.regression.newton import CoxFit
from riskset_common.wire.blind_messages import (
    BlindConsent,
    BlindInput,
    BlindKeys,
    BlindOpened,
    BlindShare,
)
from riskset_common.wire.frame import Message
from riskset_server.run.conversations import Letters

Conversation = Generator[Letters, Letters, tuple[CoxFit, BlindFurther | None]]
"""What goes to each site, what each answers, and at the end the fit and what was opened besides."""

Kind = TypeVar("Kind", bound=Message)


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


class Fitting:
    """Models under way, and how far each has come: `take` moves them on in place.

    Parameters
    ----------
    begun
        The models that begin.
    held
        The parts of analyses whose models do not begin, and why.

    One that cannot go on ends alone.
    """

    def __init__(self, begun: Iterable[Blind], held: Iterable[HeldBack]) -> None:
        self._running = {blind.setup.hash: _Model.begun(blind) for blind in begun}
        self.fitted: dict[str, FittedBlind] = {}
        """The models that are done, by name."""
        self.held: list[HeldBack] = list(held)
        """The parts of analyses whose models did not begin, or ended without a fit."""
        self.evaluations: dict[str, int] = {}
        """By name of a model, how often its likelihood was opened."""

    @property
    def is_done(self) -> bool:
        """Whether every model is fitted, or ended without a fit."""
        return not self._running

    @property
    def sending(self) -> dict[bytes, Letters]:
        """What goes out next, by the hash that each model is bound to."""
        return {setup: model.sending for setup, model in self._running.items()}

    def take(self, read: Mapping[bytes, Letters]) -> list[str]:
        """Take what all that were asked answered; gives the names of the models of which an evaluation was opened."""
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

    def _end(self, ended: Blind, why: str) -> None:
        """End a model that cannot go on, and what it was compared with; the others go on."""
        of = (ended.analysis.spec.id, ended.part)
        self.held.append(HeldBack(*of, NoFit(why)))
        self._running = {
            setup: model
            for setup, model in self._running.items()
            if (model.blind.analysis.spec.id, model.blind.part) != of
        }
