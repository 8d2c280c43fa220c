"""The first two phases of a run: the plan is offered, sites join, and each is sent everyone's keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskset_common.consortium.roster import Roster
from riskset_common.errors import PolicyRefusal
from riskset_common.formats.canonical_json import canonical_json
from riskset_common.planning.check import check_plan
from riskset_common.primitives.signing import Identity
from riskset_common.rounds.questions import rule_of, sites_of
from riskset_common.secure.sums.pooling import collect_keys, make_offer
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_common.study.study import Study
from riskset_common.wire.messages import Advertisement
from riskset_server.run.in_the_sum import require_in_sum
from riskset_server.run.replies import Replies, SitesLost
from riskset_server.run.rounds import Asked, first_round
from riskset_server.run.run import JoinedRun, Run


def offer_run(
    plan: Plan,
    codebook: Codebook,
    roster: Roster,
    identity: Identity,
    nonce: bytes,
    number: int,
) -> Offered:
    """Begin a run: nothing is asked yet, but all is checked that can be before.

    Parameters
    ----------
    nonce
        32 bytes from the operating system's random source, new for each run.
    number
        Of the run, by which people at the sites and at the centre speak of it.

    Raises
    ------
    PlanError, PolicyRefusal
        Where the run cannot begin.
    """
    study, rule = Study(plan, codebook, sites_of(roster)), rule_of(plan, roster)
    _check_quorum(plan, len(roster.members))
    check_plan(study)
    sid, offer = make_offer(
        identity, nonce, roster, canonical_json(plan), canonical_json(codebook), number
    )
    run = Run(study, roster, identity, rule, sid)
    return Offered(run, dict.fromkeys([site.name for site in study.sites], offer.to_bytes()))


def _check_quorum(plan: Plan, n_sites: int) -> None:
    if plan.quorum is not None and n_sites < plan.quorum.sites:
        raise PolicyRefusal(
            f"quorum: the plan needs {plan.quorum.sites} sites, and {n_sites} take part. Nothing was asked of them."
        )


@dataclass(frozen=True)
class Offered:
    """A plan that is offered to the sites. `messages` holds the offer, the same to every site of the roster."""

    run: Run
    messages: Mapping[str, bytes]

    def take(self, replies: Replies) -> Joined:
        """Take the sites' advertisements.

        Raises
        ------
        SitesRefused
            Where a site said no.
        SitesLost
            Where fewer sites joined than the plan allows sums over, or too few of a part of the sites.
        """
        run = self.run
        advertised = run.read(replies, Advertisement)
        if len(advertised) < run.rule.minimum_sites:
            missing = [name for name in self.messages if name not in replies]
            needed = f"{len(advertised)} sites joined, {run.rule.minimum_sites} must"
            raise SitesLost(0, missing, needed)
        joined = sites_of(run.roster, [advertisement.site_id for advertisement in advertised])
        require_in_sum(0, run.study, joined)
        setup, keys = collect_keys(run.identity, run.sid, run.roster, advertised, run.rule)
        sites = sites_of(run.roster, setup.participants)
        study = Study(run.study.plan, run.study.codebook, sites)
        messages = dict.fromkeys([site.name for site in sites], keys.to_bytes())
        return Joined(JoinedRun(run, study, setup), messages)


@dataclass(frozen=True)
class Joined:
    """A session that sites joined. `messages` holds everyone's keys, the same to each of them."""

    joined: JoinedRun
    messages: Mapping[str, bytes]

    def take(self, replies: Replies) -> Asked:
        """Take the answers to the keys, nothing or a refusal, and ask the first round of those that answered.

        A site that did not receive the keys could only refuse: it is as missing as one that does not report.

        Raises
        ------
        SitesRefused
            Where a site said no.
        """
        self.joined.run.confirm(replies)
        return first_round(self.joined, replies)
