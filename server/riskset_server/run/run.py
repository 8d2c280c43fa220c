"""One run of one plan at the coordinating centre, sans I/O: replies go in, the next message comes out, at the end the results.

An engine carries the bytes. The order of calls is `offer`, `join`, then for each round `request`, `shares`, `pool` and `opening`
until `results` is there, and at the end `close`. A site that does not answer is missing from the replies. Before the first opening a
recoverable run does without it; afterwards `SitesLost` is raised, and the same step can be tried again with more replies.

Everything follows from the arguments and the replies: an engine that keeps both can build the run again and go on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from riskset_common.consortium.roster import Roster
from riskset_common.errors import PolicyRefusal, ProtocolRefusal, RisksetError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest, Request
from riskset_common.formats.canonical_json import canonical_json, sha256_hex
from riskset_common.planning.check import check_plan
from riskset_common.primitives.signing import Identity
from riskset_common.results.as_json import SCHEMA, as_json
from riskset_common.rounds.blind_models import blind_session, counts_deaths, fits_of
from riskset_common.rounds.consistency import check_pooled
from riskset_common.rounds.questions import (
    questions_json,
    rule_of,
    sections_of,
    sites_of,
)
from riskset_common.rounds.verified_sums import must_be_shown
from riskset_common.secure.sums.pooling import (
    Checked,
    check_report,
    collect_keys,
    make_close,
    make_offer,
    make_request,
    open_checked,
    pooled_of,
)
from riskset_common.secure.sums.recovery import unmask_requests
from riskset_common.secure.sums.reporting import NO_ROUND
from riskset_common.secure.sums.setup import Setup
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_common.study.study import Study
from riskset_common.wire.blind_steps import BlindAnswer
from riskset_common.wire.messages import (
    Advertisement,
    Opening,
    Refused,
    Report,
    RoundRequest,
    UnmaskAnswer,
)
from riskset_server.disclosure.axis import RoundTimes
from riskset_server.disclosure.rules import release
from riskset_server.run.asked_once import AskedOnce, ask_once
from riskset_server.run.blind_models import BlindRun, CountedDeaths, asked_next
from riskset_server.run.replies import Awaited, Replies, SitesLost, read_replies, read_reply


@dataclass(frozen=True)
class Opened:
    """One round as the centre saw it: the request, and how many numbers its sum opened."""

    number: int
    numbers: int
    unfinished: int


class Run:
    """A run. `nonce` is 32 bytes from the operating system's random source, new for each run."""

    def __init__(
        self, plan: Plan, codebook: Codebook, roster: Roster, identity: Identity, nonce: bytes
    ) -> None:
        self._study = Study(plan, codebook, sites_of(roster))
        self._roster = roster
        self._identity = identity
        self._rule = rule_of(plan, roster)
        _check_quorum(plan, len(roster.members))
        check_plan(self._study)
        self._sid, self._offer = make_offer(
            identity, nonce, roster, canonical_json(plan), canonical_json(codebook)
        )
        self._setup: Setup | None = None
        self._frozen: tuple[int, ...] | None = None
        self._requests: dict[str, AnyRequest] = {}
        self._finished: dict[str, Any] = {}
        self._counted: dict[str, int] = {}
        self._round = 0
        self._asked: RoundRequest | None = None
        self._once = AskedOnce({}, {})
        self._looked_at: dict[str, tuple[bytes, Checked]] = {}
        self._reports: dict[int, Checked] = {}
        self._opening: Opening | None = None
        self._deaths: list[CountedDeaths] = []
        self._blind: BlindRun | None = None
        self._must_be_shown = False

    @property
    def study(self) -> Study:
        """Plan, codebook and the sites that take part."""
        return self._study

    @property
    def rounds(self) -> int:
        """Rounds opened so far."""
        return self._round

    def offer(self) -> bytes:
        """The offer to every site."""
        return self._offer.to_bytes()

    def join(self, replies: Replies) -> bytes:
        """Take the sites' advertisements, and give the message with everyone's keys.

        Raises
        ------
        SitesRefused
            Where a site said no.
        SitesLost
            Where fewer sites joined than the plan allows sums over.
        """
        joined = self._read(replies, Advertisement)
        if len(joined) < self._rule.minimum_sites:
            missing = [site.name for site in self._study.sites if site.name not in replies]
            needed = f"{len(joined)} sites joined, {self._rule.minimum_sites} must"
            raise SitesLost(0, missing, needed)
        self._setup, keys = collect_keys(self._sid, self._roster, joined, self._rule)
        self._frozen = self._setup.initial_set()
        self._study = Study(
            self._study.plan, self._study.codebook, sites_of(self._roster, self._setup.participants)
        )
        self._requests = {
            analysis.id: estimator_of(analysis.kind).first(analysis, self._study)
            for analysis in self._study.plan.analyses
        }
        return keys.to_bytes()

    def confirm(self, replies: Replies) -> None:
        """Take the sites' answers to the keys: nothing, or a refusal."""
        self._read({name: reply for name, reply in replies.items() if reply}, Refused)

    def request(self) -> bytes:
        """The request of the next round: the next question of every unfinished analysis that does not wait for the blind models."""
        self._once = ask_once(self._asking())
        asking = self._once.requests
        self._asked = make_request(
            self._joined(),
            self._frozen,
            self._round + 1,
            NO_ROUND if self._opening is None else self._opening.label,
            sections_of(asking),
            questions_json(asking),
        )
        self._looked_at = {}
        return self._asked.to_bytes()

    def look_at(self, replies: Replies) -> None:
        """Read and check reports as they arrive, while others are under way: `shares` then has little left to do.

        Whatever is wrong with one is left for `shares` to say, which has all of them before it.
        """
        for name, reply in replies.items():
            with suppress(RisksetError):
                message = read_reply(self._roster, name, reply)
                if isinstance(message, Report):
                    self._looked_at[name] = reply, self._check(message)

    def _check(self, report: Report) -> Checked:
        return check_report(
            self._joined(), self._frozen, self._roster, self._open_request(), report
        )

    def shares(self, replies: Replies) -> dict[str, bytes]:
        """Take the reports of a round, and give what its committee is to be asked, by name: nothing where the round is strict.

        Raises
        ------
        SitesLost
            Where too few reported. The next request is the same, and may be answered by more.
        """
        setup, asked = self._joined(), self._open_request()
        known = {
            name: checked
            for name, (reply, checked) in self._looked_at.items()
            if replies.get(name) == reply
        }
        if known.keys() == replies.keys():
            checked = list(known.values())
        else:
            checked = [self._check(report) for report in self._read(replies, Report)]
        self._reports = {each.report.site_id: each for each in checked}
        missing = [
            self._roster.name(number)
            for number in asked.participants
            if number not in self._reports
        ]
        if asked.profile == "strict":
            if missing:
                needed = (
                    "the sites in the sums are fixed, and every one of them must report"
                    if self._round or setup.terms.committee
                    else "the run is strict, and every site that joined must report"
                )
                raise SitesLost(asked.round, missing, needed)
            return {}
        members = [q for q in setup.terms.committee if q in self._reports]
        if len(self._reports) < self._rule.minimum_sites:
            needed = f"{len(self._reports)} sites reported, {self._rule.minimum_sites} must"
            raise SitesLost(asked.round, missing, needed)
        if len(members) < setup.terms.threshold:
            needed = f"{len(members)} of the committee reported, {setup.terms.threshold} must"
            raise SitesLost(asked.round, missing, needed)
        reports = {number: each.report for number, each in self._reports.items()}
        wanted = unmask_requests(setup, asked, reports)
        return {self._roster.name(number): each.to_bytes() for number, each in wanted.items()}

    def pool(self, replies: Replies) -> Opened:
        """Take the committee's shares, open the sum of the round, and advance every unfinished analysis by one step.

        Raises
        ------
        SitesRefused, SitesLost
            Where too few of the committee gave shares.
        """
        setup, asked, analyses = self._joined(), self._open_request(), self._asking()
        answers = self._answers(replies) if asked.profile == "recoverable" else []
        opening = open_checked(setup, self._frozen, self._roster, asked, self._reports, answers)
        pooled = pooled_of(asked, opening)
        self._frozen, self._opening = pooled.participants, opening
        self._round, self._asked = asked.round, None
        once = self._once
        counting = {name: each for name, each in once.requests.items() if counts_deaths(each)}
        # What blind models rest on the sites are shown when these begin.
        self._must_be_shown = any(
            must_be_shown(each) for name, each in once.requests.items() if name not in counting
        )
        if counting:
            self._deaths.append(CountedDeaths(asked, opening, counting))
        self._advance(analyses, once.completed(pooled.by_analysis()))
        return Opened(self._round, len(pooled.counts) + len(pooled.reals), len(self._requests))

    def opening(self) -> bytes:
        """The transcript of the round that was opened last, for everybody to check."""
        if self._opening is None:
            raise ProtocolRefusal("No round is opened yet. Call pool first.")
        return self._opening.to_bytes()

    @property
    def must_be_shown(self) -> bool:
        """Whether later questions rest on sums of the round that was opened last, so that each site must be shown its opening."""
        return self._must_be_shown

    @property
    def contributors(self) -> tuple[str, ...]:
        """The sites in the sums, once they are fixed; before that those that joined."""
        chosen = self._frozen if self._frozen is not None else self._joined().participants
        return tuple(site.name for site in sites_of(self._roster, chosen))

    @property
    def is_blind_next(self) -> bool:
        """Whether all that is unfinished waits to be computed on shares."""
        return bool(self._requests) and not self._asking()

    def blind(self) -> dict[str, bytes]:
        """The next step of the blind models, by site; the first is refused for what `BlindRun` refuses."""
        return self._blind_run().messages()

    def take_blind(self, replies: Replies) -> list[str]:
        """Take the answers to a step; gives the names of the models of which an evaluation was opened.

        Raises
        ------
        SitesRefused, SitesLost
            Where one of those asked said no, or did not answer: nobody can be done without.
        """
        blind = self._blind_run()
        answers = self._read(replies, BlindAnswer)
        missing = [name for name in blind.messages() if name not in replies]
        if missing:
            needed = "each site and each member of the committee must answer a blind model"
            raise SitesLost(self._round + 1, missing, needed)
        opened = blind.take(dict(zip(replies, answers, strict=True)))
        if blind.is_done:
            self._round += 1
            for name, request in self._requests.items():
                fits = fits_of(blind.fitted.values(), name)
                self._finished[name] = estimator_of(request.spec.kind).fitted(request, fits)
            self._requests = {}
        return opened

    def _blind_run(self) -> BlindRun:
        if self._blind is None:
            session = blind_session(self._study.plan, self._joined(), self._roster, self._frozen)
            self._blind = BlindRun(session, self._deaths)
        return self._blind

    def close(self) -> bytes:
        """Tell the sites that the session is over: they delete what could open its reports."""
        return make_close(self._identity, self._sid).to_bytes()

    def _joined(self) -> Setup:
        if self._setup is None:
            raise ProtocolRefusal(
                "A round needs the sites' keys. Call join with their advertisements first."
            )
        return self._setup

    def _asking(self) -> dict[str, AnyRequest]:
        """The unfinished analyses that have a question for the next round."""
        # Of the first round every model needs something: it is asked, and shown, whatever it holds.
        return asked_next(self._requests) if self._round else dict(self._requests)

    def _open_request(self) -> RoundRequest:
        if self._asked is None:
            raise ProtocolRefusal("There is no open round to pool. Call request first.")
        return self._asked

    def _answers(self, replies: Replies) -> list[UnmaskAnswer]:
        """The committee's answers; a member that refuses is done without while the others suffice."""
        read = {name: read_reply(self._roster, name, reply) for name, reply in replies.items()}
        answers = {
            name: message for name, message in read.items() if isinstance(message, UnmaskAnswer)
        }
        if len(answers) < self._joined().terms.threshold:
            self._read(replies, UnmaskAnswer)
            members = [self._roster.name(q) for q in self._joined().terms.committee]
            raise SitesLost(
                self._open_request().round,
                [name for name in members if name not in answers],
                f"{len(answers)} of the committee helped to open the sum, {self._joined().terms.threshold} must",
            )
        return list(answers.values())

    def _advance(
        self, asked: Mapping[str, AnyRequest], pooled: Mapping[str, Mapping[str, Any]]
    ) -> None:
        check_pooled(asked, pooled, self._counted)
        unfinished = {name: each for name, each in self._requests.items() if name not in asked}
        for name, request in asked.items():
            reached = estimator_of(request.spec.kind).next(request, pooled[name])
            if isinstance(reached, Request):
                unfinished[name] = reached
            else:
                self._finished[name] = reached
        self._requests = unfinished

    def results(self) -> dict[str, Any]:
        """The contract of results.json, under the plan's disclosure rules.

        Raises
        ------
        ProtocolRefusal
            While an analysis is unfinished.
        """
        if self._requests or not self._finished:
            raise ProtocolRefusal(
                f"{len(self._requests)} analyses are unfinished. Go on with request and pool."
            )
        plan = self._study.plan
        return {
            "schema": SCHEMA,
            "plan": {"id": plan.plan, "version": plan.version, "sha256": sha256_hex(plan)},
            "codebook": {
                "id": self._study.codebook.reference,
                "sha256": sha256_hex(self._study.codebook),
            },
            "sites": list(self.contributors),
            "lost_sites": [
                site.name for site in sites_of(self._roster) if site.name not in self.contributors
            ],
            "secure": {
                "profile": self._joined().terms.profile,
                "minimum_sites": self._rule.minimum_sites,
                "committee": [self._roster.name(q) for q in self._joined().terms.committee],
                "threshold": self._joined().terms.threshold,
                "blind": None if self._blind is None else self._blind.summary(),
            },
            "released_to": plan.disclosure.to_be_given_to,
            "rounds": self._round,
            "analyses": {
                analysis.id: release(
                    as_json(self._finished[analysis.id]),
                    plan.disclosure,
                    RoundTimes.of(plan, analysis.id),
                )
                for analysis in plan.analyses
            },
        }

    def _read(self, replies: Replies, awaited: type[Awaited]) -> list[Awaited]:
        return read_replies(self._sid, self._roster, replies, awaited)


def _check_quorum(plan: Plan, n_sites: int) -> None:
    if plan.quorum is not None and n_sites < plan.quorum.sites:
        raise PolicyRefusal(
            f"quorum: the plan needs {plan.quorum.sites} sites, and {n_sites} take part. Nothing was asked of them."
        )
