"""A site's policy: the section of node.yaml, the rule that results for one plan, and the refusals.

Stricter wins. The consortium's floor is in the plan, the site's own wish in its policy, and for each field the stricter of
the two holds. A refusal tells every reason at once, each with the field and both values.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from riskset_common.errors import PolicyRefusal, did_you_mean
from riskset_common.estimators.catalogue import ESTIMATORS, estimator_of
from riskset_common.estimators.estimator import EVENTS, AnyRequest
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.wording import shown
from riskset_common.planning.committees import blind_analyses, serving
from riskset_common.planning.single_sites import SETTING, all_parts
from riskset_common.secure.sums.rule import SMALLEST_COMMITTEE
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.plan import Plan
from riskset_common.study.study import Site, Study
from riskset_node.committees import (
    BlindPolicy,
    member_reasons,
    named_reasons,
    no_blind_name,
    opening_reasons,
    sending_reasons,
)

Aggregation = Literal["secure", "open"]
Release = Literal["rounded", "exact"]

DEFAULT_ESTIMATORS = (
    "kaplan_meier",
    "log_rank",
    "cumulative_incidence",
    "gray",
    "cox",
    "baseline",
    "event_table",
    "flow",
    "follow_up",
    "univariate",
    "landmark",
    "heterogeneity",
    "fine_gray",
)
"""Kinds of analysis and tests that a site allows when it does not say.

Written out, and not `every kind of the installed release`: an upgrade must not allow a site's patients to be asked
something that nobody there has read about.
"""

KNOWN_ESTIMATORS: Final = tuple(
    dict.fromkeys((*DEFAULT_ESTIMATORS, *(each.kind for each in ESTIMATORS)))
)
"""Every name that a plan of this release can ask for."""


def _estimator(name: str) -> str:
    if no_blind_name(name) not in KNOWN_ESTIMATORS:
        raise ValueError(
            f"{name!r} is no kind of analysis, and no test, of this release. {did_you_mean(name, KNOWN_ESTIMATORS)}"
        )
    return name


def _names(written: object) -> object:
    """The names that are allowed: a list replaces the defaults, `also` adds to them."""
    if isinstance(written, dict) and set(written) == {"also"} and isinstance(written["also"], list):
        more = (name for name in written["also"] if name not in DEFAULT_ESTIMATORS)
        return (*DEFAULT_ESTIMATORS, *more)
    if not isinstance(written, list | tuple):
        raise ValueError(
            f"a list of names was expected, and here stands {shown(written)}. Write estimators: [cox, flow] to allow these alone, "
            "or estimators: {also: [NAME]} to add to the defaults."
        )
    return written


EstimatorName = Annotated[str, AfterValidator(_estimator)]

WHEN_EXACT: Final[dict[str, object]] = {
    "aggregation": "open",
    "minimum_sites": 1,
    "minimum_patients": 1,
    "minimum_cell": 1,
    "minimum_events_per_term": 1,
    "minimum_committee": SMALLEST_COMMITTEE,
    "time_grid_days": 0,
}
"""What holds where it is not written and the site allows exact release (public or synthetic data).

An exact release shows single patients anyway. Minima beside it would promise a protection that is not there.
"""


_NOBODY_IS_ASKED = (
    "not enforced in this release: a node answers every plan that the other settings of its policy allow, and asks nobody. "
    "Remove the key, and start the node only when those who must approve have read the plan."
)


class Policy(StrictModel):
    """What one site allows.

    Attributes
    ----------
    estimators
        Kinds of analysis, and tests, that may be asked. Written as a list, or as `{also: [...]}`, which adds to the defaults.
    aggregation
        `secure` refuses whatever would show this site's numbers alone.
    release
        `exact` allows curves step by step at full precision: for public or synthetic data only.
    minimum_sites
        Parties in one sum, and in each part of the sites that a plan tells apart.
    minimum_committee
        Members of the committee that may open a sum without the sites that were lost. When None, all sites of the session, or seven
        where they are more than 50.
    blind
        Which models on shares, and under whom.
    minimum_patients
        Patients behind whatever is shown. Under secure aggregation only pooled numbers are seen, so it is the pooled number that
        counts, and a group with nine patients here is no reason to stay away. The plan's counterpart is `minimum_at_risk`.
    minimum_cell
        Smallest count other than 0 that a table or curve shows.
    minimum_events_per_term
        Pooled events for each column of a regression.
    time_grid_days
        The finest time grid, in days; 0 for any.
    expires
        The last day on which the policy holds.
    """

    REFUSED: ClassVar[Mapping[str, str]] = {
        "approval": _NOBODY_IS_ASKED,
        "approvers": _NOBODY_IS_ASKED,
        "reruns": (
            "not enforced in this release: no node counts how often a population was asked. Remove the key. "
            "To limit reruns, let the node rest (`riskset-node pause`) once the agreed run has ended."
        ),
    }

    estimators: Annotated[tuple[EstimatorName, ...], BeforeValidator(_names)] = DEFAULT_ESTIMATORS
    aggregation: Aggregation = "secure"
    release: Release = "rounded"
    minimum_sites: int = Field(default=5, ge=1)
    minimum_patients: int = Field(default=10, ge=1)
    minimum_cell: int = Field(default=5, ge=1)
    minimum_events_per_term: int = Field(default=5, ge=1)
    minimum_committee: int | None = Field(default=None, ge=SMALLEST_COMMITTEE)
    blind: BlindPolicy = BlindPolicy()
    time_grid_days: float = Field(default=1, ge=0)
    expires: datetime.date | None = None

    @model_validator(mode="before")
    @classmethod
    def _exact_release_protects_nobody(cls, written: object) -> object:
        if isinstance(written, dict) and written.get("release") == "exact":
            return WHEN_EXACT | written
        return written


class Rule(StrictModel):
    """What holds for one plan at this site: per field the stricter of the two."""

    estimators: tuple[str, ...]
    aggregation: Aggregation
    release: Release
    minimum_sites: int
    minimum_patients: int
    minimum_cell: int
    minimum_events_per_term: int
    minimum_committee: int | None
    blind: BlindPolicy
    time_grid_days: float
    expires: datetime.date | None


def effective(policy: Policy, plan: Plan) -> Rule:
    """Choose, field by field, the stricter of the plan's disclosure rule and the site's policy."""
    floor = floor_of(plan)
    return Rule(
        estimators=tuple(name for name in asked_by(plan) if name in policy.estimators),
        aggregation=_stricter("secure", floor.aggregation, policy.aggregation),
        release=_stricter("rounded", floor.release, policy.release),
        minimum_sites=max(policy.minimum_sites, floor.minimum_sites),
        minimum_patients=max(policy.minimum_patients, floor.minimum_patients),
        minimum_cell=max(policy.minimum_cell, floor.minimum_cell),
        minimum_events_per_term=max(policy.minimum_events_per_term, floor.minimum_events_per_term),
        minimum_committee=policy.minimum_committee,
        blind=policy.blind,
        time_grid_days=max(policy.time_grid_days, floor.time_grid_days),
        expires=policy.expires,
    )


@dataclass(frozen=True)
class Floor:
    """What a plan itself says, by the name of the policy's field; only the fields that a plan has a word on."""

    estimators: tuple[str, ...]
    aggregation: Aggregation
    release: Release
    minimum_sites: int
    minimum_patients: int
    minimum_cell: int
    minimum_events_per_term: int
    time_grid_days: float


def floor_of(plan: Plan) -> Floor:
    """What the plan itself says of the fields of a policy."""
    return Floor(
        estimators=asked_by(plan),
        aggregation=plan.disclosure.aggregation,
        release=plan.disclosure.release,
        minimum_sites=1 if plan.quorum is None else plan.quorum.sites,
        minimum_patients=plan.disclosure.minimum_at_risk,
        minimum_cell=plan.disclosure.minimum_cell,
        minimum_events_per_term=plan.disclosure.minimum_events_per_term,
        time_grid_days=plan.time.grid_days,
    )


Word = TypeVar("Word", bound=str)


def _stricter(strict: Word, *values: Word) -> Word:
    return strict if strict in values else values[0]


def asked_by(plan: Plan) -> tuple[str, ...]:
    """Kinds of analysis, and tests allowed by name, that a plan asks for, each once in the plan's order."""
    return tuple(dict.fromkeys(name for spec in plan.analyses for name in _asked(spec)))


def _asked(spec: AnalysisSpec) -> Iterator[str]:
    """The kind of an analysis, and the tests and kinds that a site allows on their own and that it asks as well."""
    yield from dict.fromkeys((spec.kind, *estimator_of(spec.kind).also_asks(spec)))


def check_plan(policy: Policy, study: Study, today: datetime.date) -> None:
    """Raise `PolicyRefusal` with every reason for which this site does not answer the study's plan."""
    plan = study.plan
    reasons = [
        *_plan_reasons(policy, plan),
        *sending_reasons(policy.blind, plan, study.sites),
        *opening_reasons(policy.minimum_committee, plan, study.sites),
        *_part_reasons(policy, study),
        *_site_reasons(policy, study.sites),
        *expiry_reasons(policy, today),
    ]
    if reasons:
        head = f"plan {plan.plan} {plan.version} is refused by this site's policy."
        raise PolicyRefusal("\n".join([head, *reasons]))


def foreseen_reasons(
    policy: Policy, plan: Plan, sites: Sequence[Site], site: str, today: datetime.date
) -> tuple[str, ...]:
    """Every reason that can be known now for which this site would refuse a plan; `sites` is empty where they are not known."""
    return (
        *_plan_reasons(policy, plan),
        *sending_reasons(policy.blind, plan, sites),
        *named_reasons(policy.blind, plan, sites, site),
        *(opening_reasons(policy.minimum_committee, plan, sites) if sites else ()),
        *(_site_reasons(policy, sites) if sites else _quorum_reasons(policy, plan)),
        *expiry_reasons(policy, today),
    )


def _quorum_reasons(policy: Policy, plan: Plan) -> Iterator[str]:
    """Say that the plan invites fewer sites than must take part."""
    invited = None if plan.quorum is None else plan.quorum.of
    if invited is not None and invited < policy.minimum_sites:
        yield (
            f"policy.minimum_sites: the plan invites {invited} sites (quorum.of), here at least {policy.minimum_sites}. "
            "Ask the centre whether more sites take part, or write a lower number if that is enough."
        )


def expiry_reasons(policy: Policy, today: datetime.date) -> Iterator[str]:
    """Say that the policy holds no longer."""
    if policy.expires is not None and today > policy.expires:
        yield (
            f"policy.expires: the policy held until {policy.expires}, and today is {today}. "
            "Read it again, and write a later day if it still holds."
        )


def check_committee(policy: Policy, study: Study, site: str) -> None:
    """Raise `PolicyRefusal` unless this site accepts, and serves in, the committee of the blind models of all the study's sites."""
    blind = blind_analyses(study.plan, study.sites)
    if blind:
        check_members(policy, serving(study, study.sites), site, blind[0])


def check_members(policy: Policy, members: Sequence[Site], site: str, analysis: str) -> None:
    """Raise `PolicyRefusal` unless this site accepts the committee that computes an analysis, and serves where it is a member."""
    reasons = tuple(member_reasons(policy.blind, members, site, analysis))
    if reasons:
        raise PolicyRefusal("\n".join(reasons))


def _plan_reasons(policy: Policy, plan: Plan) -> Iterator[str]:
    floor = floor_of(plan)
    if floor.release == "exact" and policy.release != "exact":
        yield (
            f"policy.release: the plan asks for exact, here {policy.release}. "
            "Exact curves show single patients; write exact for public or synthetic data only."
        )
    for field, setting in (
        ("minimum_patients", "disclosure.minimum_at_risk"),
        ("minimum_cell", "disclosure.minimum_cell"),
        ("minimum_events_per_term", "disclosure.minimum_events_per_term"),
        ("time_grid_days", "time.grid_days"),
    ):
        asked, here = getattr(floor, field), getattr(policy, field)
        if asked < here:
            yield (
                f"policy.{field}: the plan says {asked:g} ({setting}), here at least {here:g}. "
                f"Ask the centre for {setting}: {here:g}."
            )
    for spec in plan.analyses:
        for name in _asked(spec):
            if name not in policy.estimators:
                yield (
                    f"policy.estimators: analysis {spec.id} asks for {name}, here allowed: "
                    f"{', '.join(policy.estimators) or 'none'}. Add {name} if it may be asked."
                )


def _part_reasons(policy: Policy, study: Study) -> Iterator[str]:
    """Say that the plan parts the sites into smaller parts than this site allows. All sites hold the plan to its own number alike."""
    asked = study.plan.disclosure.minimum_sites
    if asked < policy.minimum_sites and all_parts(study):
        yield (
            f"policy.minimum_sites: the plan parts the sites and asks for {asked} in each part ({SETTING}), here at least "
            f"{policy.minimum_sites}. Ask the centre for {SETTING}: {policy.minimum_sites}."
        )


def _site_reasons(policy: Policy, sites: Sequence[Site]) -> Iterator[str]:
    parties = len(sites)
    if parties < policy.minimum_sites:
        names = ", ".join(site.name for site in sites) or "none"
        yield (
            f"policy.minimum_sites: {parties} in this run ({names}), here at least {policy.minimum_sites}. "
            "Wait for more sites."
        )
    if parties < 2 and policy.aggregation == "secure":
        yield (
            "policy.aggregation: with one site in the run its numbers would be seen alone, here secure. "
            "Wait for more sites, or write open for public or synthetic data."
        )


def check_request(policy: Policy, request: AnyRequest) -> None:
    """Raise `PolicyRefusal` where one question of a round asks too much of too few events.

    How many events there are in all is known after the first round only. A centre that runs this release does not ask then, because the
    plan says how many are needed: a site that needs more has refused the offer.
    """
    for part in estimator_of(request.spec.kind).parts(request).values():
        terms = estimator_of(part.spec.kind).needs_events(part)
        if terms is not None:
            _check_events(policy, part, terms)


def _check_events(policy: Policy, request: AnyRequest, terms: int) -> None:
    spec, events = request.spec, int(request.checked(EVENTS)[EVENTS])
    planned = request.study.plan.disclosure.minimum_events_per_term
    least = max(policy.minimum_events_per_term, planned)
    if events < least * terms:
        raise PolicyRefusal(
            f"policy.minimum_events_per_term: analysis {spec.id} has {events} pooled events for {terms} "
            f"coefficients, here at least {least} for each. The centre must run this release, which does not ask such a model."
        )
