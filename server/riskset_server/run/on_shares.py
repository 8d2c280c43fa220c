"""The phase of a run in which a committee computes on shares: steps of one last round, whatever is computed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from riskset_common.wire.blind_steps import BlindAnswer
from riskset_server.run.replies import Replies, SitesLost
from riskset_server.run.results import Finished
from riskset_server.run.run import Progress


class Computation(Protocol):
    """What a committee computes for a run, and how far it has come: `take` moves it on in place, unlike the phases of a run."""

    @property
    def step(self) -> int:
        """The number of the step that is asked next."""
        ...

    @property
    def is_done(self) -> bool:
        """Whether all is computed, or ended without a result."""
        ...

    def messages(self) -> dict[str, bytes]:
        """The next step, by name of the site."""
        ...

    def can_spare(self, names: Collection[str]) -> bool:
        """Whether it goes on where these do not answer the step."""
        ...

    def take(self, replies: Mapping[str, BlindAnswer]) -> Sequence[str]:
        """Take the answers; gives in words what was done, or opened."""
        ...

    def finished(self, progress: Progress) -> Finished:
        """The run with what was computed."""
        ...


@dataclass(frozen=True)
class AskedBlind:
    """A step of a computation on shares that is asked; its steps are a round of their own, however many they are.

    Attributes
    ----------
    progress
        How far the run had come before.
    computation
        What is computed. It is no value: `take` moves it on, so it is called once for each step.
    step
        The number of the step in the round.
    messages
        What each site or member of the committee is sent.
    """

    progress: Progress
    computation: Computation
    step: int
    messages: Mapping[str, bytes] = field(repr=False)

    @property
    def number(self) -> int:
        """The number of the round."""
        return self.progress.rounds + 1

    def take(self, replies: Replies) -> tuple[Sequence[str], AskedBlind | Finished]:
        """Take the answers to the step; gives in words what was done, and what comes next.

        Raises
        ------
        SitesRefused, SitesLost
            Where one of those asked said no, or did not answer without whom it cannot go on.
        """
        answers = self.progress.joined.run.read(replies, BlindAnswer)
        missing = [name for name in self.messages if name not in replies]
        if missing and not self.computation.can_spare(missing):
            needed = (
                "each site and each member of the committee must answer a computation on shares"
            )
            raise SitesLost(self.number, missing, needed)
        done = self.computation.take(dict(zip(replies, answers, strict=True)))
        if not self.computation.is_done:
            messages = self.computation.messages()
            return done, replace(self, step=self.computation.step, messages=messages)
        return done, self.computation.finished(replace(self.progress, rounds=self.number))


def ask_on_shares(progress: Progress, computation: Computation) -> AskedBlind | Finished:
    """Begin a computation; where there is none, the run is finished."""
    if computation.is_done:
        return computation.finished(progress)
    return AskedBlind(progress, computation, computation.step, computation.messages())
