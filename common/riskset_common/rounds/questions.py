"""The questions of one round, as both sides derive them from the approved plan: requests, and the schema of the answer.

All analyses of a plan advance in lockstep: one request holds the next question of every unfinished analysis, and one report holds
every answer, so a plan takes as many rounds as its longest analysis.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pydantic import ValidationError

from riskset_common.consortium.roster import Roster
from riskset_common.errors import (
    CodebookError,
    InputError,
    PlanError,
    ProtocolRefusal,
    did_you_mean,
)
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest, Request, Shape, Summary
from riskset_common.formats.canonical_json import canonical_json, parse_canonical
from riskset_common.formats.strict_yaml import validate
from riskset_common.planning.committees import FEWEST_SITES
from riskset_common.planning.read import ReleasePlan
from riskset_common.secure.sums.rule import Rule, rule_for
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_common.study.study import Site, Study
from riskset_common.wire.messages import Offer
from riskset_common.wire.sections import Section


def sites_of(roster: Roster, site_ids: Collection[int] | None = None) -> tuple[Site, ...]:
    """Sites of the roster (or those with these numbers) in the order of their names."""
    members = [
        member for member in roster.members if site_ids is None or member.site_id in site_ids
    ]
    return tuple(
        sorted(
            (Site(member.name, member.study_group) for member in members),
            key=lambda site: site.name,
        )
    )


def rule_of(plan: Plan, roster: Roster) -> Rule:
    """Who may open what in a run of this plan, worked out by centre and sites alike.

    Raises
    ------
    PlanError
        Where the plan names a site that the roster does not hold.
    """
    numbers = {member.name: member.site_id for member in roster.members}
    named, candidates = plan.secure.committee, plan.secure.blind.candidates or ()
    committee = None if named == "all" else named
    for setting, names in (("committee", committee or ()), ("blind.candidates", candidates)):
        for name in names:
            if name not in numbers:
                raise PlanError(
                    f"secure.{setting}: {name!r} is no site of roster version {roster.version}. {did_you_mean(name, numbers)}"
                )
    rule = rule_for(
        roster,
        profile=plan.secure.profile,
        committee=None if committee is None else [numbers[name] for name in committee],
        minimum_sites=plan.secure.minimum_sites,
    )
    quorum = 1 if plan.quorum is None else plan.quorum.sites
    least = max(rule.minimum_sites, quorum)
    if plan.disclosure.release == "rounded":
        # Who is lost and does not serve is then what more than half of all sites signed, in the sum that fixes the sites.
        least = max(least, FEWEST_SITES, len(roster.members) // 2 + 1)
    return replace(rule, minimum_sites=least)


def study_offered(offer: Offer) -> Study:
    """The study that an offer proposes to all sites of its roster. Run by a site.

    Raises
    ------
    PlanError, CodebookError
        Where the plan or codebook is not one that this release can read.
    """
    plan = validate(ReleasePlan, parse_canonical(offer.plan_json), "the offered plan", PlanError)
    codebook = validate(
        Codebook, parse_canonical(offer.codebook_json), "the offered codebook", CodebookError
    )
    return Study(plan, codebook, sites_of(offer.roster))


def questions_json(requests: Mapping[str, AnyRequest]) -> bytes:
    """The questions of a round: what travels of each request, by analysis. Run by the centre."""
    return canonical_json(
        {name: request.state.model_dump(mode="json") for name, request in requests.items()}
    )


def read_questions(
    study: Study, questions: bytes, verified: Mapping[str, Summary] | None = None
) -> dict[str, AnyRequest]:
    """The requests of a round: the questions as asked, everything else from the approved plan. Run by a site.

    Parameters
    ----------
    verified
        The sums of earlier rounds, by analysis, that this site checked.

    Raises
    ------
    ProtocolRefusal
        Where a question is about no analysis of the plan, or not one that its estimator asks.
    """
    return read_round(study, questions, verified)[0]


def read_round(
    study: Study, questions: bytes, verified: Mapping[str, Summary] | None = None
) -> tuple[dict[str, AnyRequest], tuple[Section, ...]]:
    """The requests as `read_questions` gives them, and the schema of the report that answers them."""
    try:
        asked = parse_canonical(questions)
    except InputError as error:
        raise ProtocolRefusal(f"The questions of a round cannot be read. {error}") from None
    if not isinstance(asked, dict):
        raise ProtocolRefusal("The questions of a round must name their analyses.")
    known = {analysis.id: analysis for analysis in study.plan.analyses}
    requests: dict[str, AnyRequest] = {}
    for name, question in asked.items():
        if name not in known:
            raise ProtocolRefusal(
                f"The round asks about {name[:64]!r}, which is no analysis of the approved plan."
            )
        spec = known[name]
        try:
            state = estimator_of(spec.kind).question(question)
        except ValidationError:
            raise ProtocolRefusal(
                f"The question to analysis {name!r} is not one that {spec.kind} asks."
            ) from None
        requests[name] = Request(spec, study, state, verified=(verified or {}).get(name))
    # The shapes refuse a question that fits the kind, but not this analysis.
    return requests, sections_of(requests)


def shapes_of(request: AnyRequest) -> Mapping[str, Shape]:
    """Names, rings and shapes of the arrays that answer a request."""
    return estimator_of(request.spec.kind).shapes(request)


def sections_of(requests: Mapping[str, AnyRequest]) -> tuple[Section, ...]:
    """The schema of a round's report, worked out by centre and site alike, in the order of the analyses' ids."""
    return tuple(
        Section(analysis=name, name=array, ring=shape.ring.value, shape=shape.shape)
        for name in sorted(requests)
        for array, shape in shapes_of(requests[name]).items()
    )
