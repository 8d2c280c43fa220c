"""One run of one plan at the coordinating centre, sans I/O: replies go in, the next message comes out, at the end the results.

An engine carries the bytes. The order of calls is `offer`, `join`, then `request` and `pool` in turn until `results` is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from riskset_common.canonical import canonical_json, sha256_hex
from riskset_common.codebook import Codebook
from riskset_common.errors import PolicyRefusal, ProtocolRefusal, Refusal
from riskset_common.estimators import estimator_of
from riskset_common.estimators.estimator import Request
from riskset_common.plan import Plan
from riskset_common.plan_check import check_plan
from riskset_common.results import SCHEMA, as_json
from riskset_common.rounds import AnyRequest, questions_json, sections_of, sites_of
from riskset_common.secure.pool import (
    check_refused,
    collect_keys,
    make_offer,
    make_request,
    pool_reports,
)
from riskset_common.secure.roster import Roster
from riskset_common.secure.setup import Setup
from riskset_common.signing import Identity
from riskset_common.study import Study
from riskset_common.wire import Advertisement, Message, Refused, Report, RoundRequest, read_message
from riskset_server.release import release

Awaited = TypeVar("Awaited", bound=Message)

Replies = Mapping[str, bytes]
"""What each site answered, by its name."""


class SitesRefused(Refusal):
    """One or more sites said no. `codes` holds the kind of each one's reason; the reason itself stays at the site."""

    wire_code = "refused"

    def __init__(self, codes: Mapping[str, str]) -> None:
        self.codes = dict(codes)
        said = "\n".join(f"site {site}: refused ({code})" for site, code in sorted(codes.items()))
        super().__init__(f"{said}\nNothing was pooled. The site's own log holds its reason.")


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
        _check_quorum(plan, len(roster.members))
        check_plan(self._study)
        self._sid, self._offer = make_offer(
            identity, nonce, roster, canonical_json(plan), canonical_json(codebook)
        )
        self._setup: Setup | None = None
        self._requests: dict[str, AnyRequest] = {}
        self._finished: dict[str, Any] = {}
        self._round = 0
        self._asked: RoundRequest | None = None

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
        """Take the sites' advertisements, freeze the set, and give the message with everyone's keys.

        Raises
        ------
        SitesRefused
            Where a site said no. In profile S all sites of the roster must take part.
        """
        self._setup, keys = collect_keys(
            self._sid, self._roster, self._read(replies, Advertisement)
        )
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
        """The request of the next round: the next question of every unfinished analysis."""
        if self._setup is None:
            raise ProtocolRefusal(
                "A round needs the sites' keys. Call join with their advertisements first."
            )
        self._asked = make_request(
            self._setup,
            self._round + 1,
            sections_of(self._requests),
            questions_json(self._requests),
        )
        return self._asked.to_bytes()

    def pool(self, replies: Replies) -> Opened:
        """Add up the reports of one round and advance every unfinished analysis by one step."""
        if self._setup is None or self._asked is None:
            raise ProtocolRefusal("There is no open round to pool. Call request first.")
        pooled = pool_reports(self._setup, self._roster, self._asked, self._read(replies, Report))
        arrays = pooled.arrays()
        self._round, self._asked = self._asked.round, None
        unfinished: dict[str, AnyRequest] = {}
        for name, request in self._requests.items():
            summary = {
                array: values for (analysis, array), values in arrays.items() if analysis == name
            }
            reached = estimator_of(request.spec.kind).next(request, summary)
            if isinstance(reached, Request):
                unfinished[name] = reached
            else:
                self._finished[name] = reached
        self._requests = unfinished
        return Opened(self._round, len(pooled.counts) + len(pooled.reals), len(unfinished))

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
            "sites": [site.name for site in self._study.sites],
            "rounds": self._round,
            "analyses": {
                analysis.id: release(as_json(self._finished[analysis.id]), plan.disclosure)
                for analysis in plan.analyses
            },
        }

    def _read(self, replies: Replies, awaited: type[Awaited]) -> list[Awaited]:
        """Read every reply as the awaited message, or raise with all sites that refused."""
        read = {name: read_message(reply) for name, reply in replies.items()}
        refused = {name: message for name, message in read.items() if isinstance(message, Refused)}
        for refusal in refused.values():
            check_refused(refusal.sid, self._roster, refusal)
        if refused:
            raise SitesRefused({name: refusal.wire_code for name, refusal in refused.items()})
        for name, message in read.items():
            if not isinstance(message, awaited):
                raise ProtocolRefusal(
                    f"Site {name!r} sent a {type(message).__name__} where a {awaited.__name__} is awaited."
                )
        return [message for message in read.values() if isinstance(message, awaited)]


def _check_quorum(plan: Plan, n_sites: int) -> None:
    if plan.quorum is not None and n_sites < plan.quorum.sites:
        raise PolicyRefusal(
            f"quorum: the plan needs {plan.quorum.sites} sites, and {n_sites} take part. Nothing was asked of them."
        )
