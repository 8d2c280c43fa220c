"""The shared state of the phases of a run at the centre, sans I/O: the constants of the run, and its progress.

A run is always in one of its phases, and each has a type of its own:

    Offered -> Joined -> Asked -> Reported -> Opened -> (AskedBlind ->) Finished

`Opened` is followed by the next round's `Asked` until the plan has no question left that is answered in the open. Each phase but the
last has `messages`, which go out by name of the site, and `take`, which is given the replies and gives the next phase. One phase is
no mere value: `AskedBlind` holds conversations, a `BlindRun`, that `take` moves on. A reply that is missing is a site that did not
answer: before the first opening a recoverable run does without it, afterwards `SitesLost` is raised.

Everything follows from the arguments of `offer_run` and the replies: an engine that keeps both can build a run again and go on where
it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskset_common.consortium.roster import Roster
from riskset_common.estimators.estimator import AnyRequest
from riskset_common.primitives.signing import Identity
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.rounds.questions import sites_of
from riskset_common.rounds.survey import Survey
from riskset_common.secure.sums.pooling import (
    make_close,
)
from riskset_common.secure.sums.rule import Rule
from riskset_common.secure.sums.setup import Setup
from riskset_common.study.study import Study
from riskset_common.wire.from_centre import FromCentre
from riskset_common.wire.messages import Opening, Refused, RoundRequest
from riskset_server.run.replies import Awaited, Replies, read_replies


@dataclass(frozen=True)
class Run:
    """What stays the same from the offer to the close.

    Attributes
    ----------
    study
        Plan and codebook, with all sites of the roster.
    roster
        The sites that are asked.
    identity
        The centre's key.
    rule
        Who may open what.
    sid
        The session, 32 bytes.
    """

    study: Study
    roster: Roster
    identity: Identity
    rule: Rule
    sid: bytes

    def signed(self, message: FromCentre) -> bytes:
        """A message as it goes out, with the centre's signature."""
        return message.signed_by(self.identity).to_bytes()

    def close(self) -> bytes:
        """Tell the sites that the session is over: they delete what could open its reports."""
        return make_close(self.identity, self.sid).to_bytes()

    def read(self, replies: Replies, awaited: type[Awaited]) -> list[Awaited]:
        """The replies as what is awaited, in their order; raises `SitesRefused` where a site said no."""
        return read_replies(self.sid, self.roster, replies, awaited)

    def confirm(self, replies: Replies) -> None:
        """Take replies that hold nothing, or a refusal; raises `SitesRefused` where a site said no."""
        self.read({name: reply for name, reply in replies.items() if reply}, Refused)


@dataclass(frozen=True)
class JoinedRun:
    """What stays the same from the joining on: the run, its study with the sites that joined, and the set-up of their sums."""

    run: Run
    study: Study
    setup: Setup


@dataclass(frozen=True)
class CountedDeaths:
    """A round that counted deaths of blind models: as it was asked, as it was opened, and the requests of those analyses."""

    asked: RoundRequest
    opening: Opening
    requests: Mapping[str, AnyRequest]


@dataclass(frozen=True)
class Progress:
    """How far a run has come: what it knows between two rounds.

    Attributes
    ----------
    joined
        What stays the same.
    rounds
        Rounds opened so far.
    frozen
        The numbers of the sites in the sums; None until they are fixed.
    label
        Of the round that was opened last, 32 bytes; `NO_ROUND` before the first.
    unfinished
        The next request of each analysis that has one.
    finished
        The exact result of each of the others, or why it has none.
    counted
        Patients of each population, as they were counted so far.
    deaths
        The rounds that counted deaths of blind models.
    survey
        What the survey of a plan with rounded results told; None before, and of other plans.
    """

    joined: JoinedRun
    rounds: int
    frozen: tuple[int, ...] | None
    label: bytes
    unfinished: Mapping[str, AnyRequest]
    finished: Mapping[str, ReleasedResult]
    counted: Mapping[str, int]
    deaths: tuple[CountedDeaths, ...] = ()
    survey: Survey | None = None

    @property
    def contributors(self) -> tuple[str, ...]:
        """The sites in the sums, once they are fixed; before that those that joined."""
        chosen = self.joined.setup.participants if self.frozen is None else self.frozen
        return tuple(site.name for site in sites_of(self.joined.run.roster, chosen))
