"""Does an effect differ among the sites? Every site fits its own Cox model; only sums over the sites of its estimate are opened.

Cochran's Q, I² and the pooled effects follow from sums of w, w b, w b² and w² with w = 1/var(b), see `survival.heterogeneity`.
No site's own estimate is seen by anybody else. How many sites have an estimate is counted first, because sums over few could be
taken apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.causes import OneCauseSpec, cause_specific_times
from riskset_common.estimators.cox import Cox
from riskset_common.estimators.cox_cells import cells_of, count_cells, n_cells, named_cells
from riskset_common.estimators.cox_result import CoxTerm, FactorLevel
from riskset_common.estimators.cox_rows import rows_at_risk
from riskset_common.estimators.cox_spec import FEWEST_CLUSTERS, CoxSpec
from riskset_common.estimators.estimator import (
    Names,
    Request,
    Shape,
    State,
    Summary,
    analysed,
    counts,
    one,
    reals,
)
from riskset_common.estimators.terms import Term, levels_of, reference_of
from riskset_common.patients import Integers, Patients, Reals
from riskset_common.results import WHEN_ASKED, PrintedTest, printed_test
from riskset_common.study import Study
from riskset_common.survival.distributions import normal_p_value, normal_quantile
from riskset_common.survival.heterogeneity import (
    EffectSums,
    Pooled,
    between,
    heterogeneity,
    pooled_effect,
    site_terms,
    site_terms_random,
)

FEWEST_SITES = FEWEST_CLUSTERS
"""Sites with an estimate below which no sum of estimates is opened."""


class HeterogeneitySpec(OneCauseSpec):
    """Heterogeneity of an effect as the plan writes it; the first of `terms` is the effect, the others are adjusted for."""

    kind: Literal["heterogeneity"]
    endpoint: str
    terms: tuple[Term, ...] = Field(min_length=1)
    by: str | None = None
    strata: Names = ()
    ties: Literal["efron", "breslow"] | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    interaction: ClassVar[tuple[tuple[str, str], ...]] = ()

    def categories(self) -> tuple[str, ...]:
        """Factors, strata, and what the sites are grouped by."""
        return (*self.own_model().categories(), *(() if self.by is None else (self.by,)))

    def numbers(self) -> tuple[str, ...]:
        """Covariates."""
        return self.own_model().numbers()

    def times(self) -> tuple[str, ...]:
        """When an exposure began."""
        return self.own_model().times()

    def opened_by(self, study: Study) -> tuple[str, ...]:
        """Factors, and groups of sites."""
        factors = self.own_model().opened_by(study)
        return factors if self.by is None else (*factors, self.by)

    def also_asks(self) -> tuple[str, ...]:
        """The model that each site fits."""
        return ("cox",)

    def own_model(self) -> CoxSpec:
        """The model that a site fits to its own patients."""
        keys = ("id", "endpoint", "cause", "population", "where", "ties", "terms")
        found = {key: getattr(self, key) for key in keys}
        model = CoxSpec(kind="cox", strata=("site", *self.strata), **found)
        # No analysis of a plan has a name like this: what a site keeps for it is its own.
        return model.model_copy(update={"id": f"{self.id}/own"})

    def problems(self, study: Study) -> Sequence[str]:
        """What the sites' model cannot be, an effect that is not one coefficient, and groups that are not of sites."""
        return [*self.own_model().problems(study), *self._problems(study)]

    def _problems(self, study: Study) -> Iterator[str]:
        effect = self.terms[0]
        if effect.number is not None:
            yield (
                f"terms: the first is the effect whose heterogeneity is asked; {effect.number} is a number. "
                "Write a factor with two levels, or an exposure."
            )
        elif len(levels_of(effect, study)) != 2:
            yield (
                f"terms: {effect.name}, the effect, has {len(levels_of(effect, study))} levels; it must have two. "
                "Join levels in the codebook (derived), and choose patients with `where`."
            )
        derived = None if self.by is None else study.codebook.derived.get(self.by)
        if self.by not in (None, "study_group") and (
            derived is None or derived.source != "study_group"
        ):
            yield (
                f"by: {self.by} may differ between patients of one site. Sites are grouped by what is derived from study_group; "
                "among patients, ask an interaction of a Cox model."
            )


class AskHeterogeneity(State):
    """First how many sites have an estimate; then their sums, with `sites` those counted in all and in each group; then with tau²."""

    sites: Annotated[tuple[int, ...], Field(strict=False)] = ()
    tau_squared: float | None = Field(default=None, gt=0)


@dataclass(frozen=True)
class Effect:
    """A pooled hazard ratio with its interval and Wald test; NaN where it was not asked because few sites have an estimate."""

    coef: float
    std_err: float
    hazard_ratio: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True)
class GroupEffect:
    """The fixed effect of a group of sites, and how many of them have an estimate."""

    level: str
    sites: int
    effect: Effect


@dataclass(frozen=True)
class HeterogeneityResult:
    """How much an effect differs among the sites. `sites` have an estimate of their own; n and events are of all sites."""

    kind: str
    endpoint: str
    cause: str | None = field(metadata=WHEN_ASKED)
    effect: str
    of_level: str
    reference: str
    n: int
    events: int
    missing: int
    ties: str
    strata: list[str]
    level: float
    coefficients: int
    levels: list[FactorLevel]
    sites: int
    fixed: Effect
    random: Effect
    test: PrintedTest
    i_squared: float
    tau_squared: float
    by: str | None = field(metadata=WHEN_ASKED)
    groups: list[GroupEffect] | None = field(metadata=WHEN_ASKED)
    between: PrintedTest | None = field(metadata=WHEN_ASKED)
    warnings: list[str]


@dataclass(frozen=True)
class HeterogeneityMemory:
    """What the centre keeps between the rounds: the survey, then the sums of all sites and of each group."""

    survey: Summary
    sums: tuple[EffectSums, ...] = ()


HeterogeneityRequest = Request[HeterogeneitySpec, AskHeterogeneity]


class Heterogeneity:
    """Cochran's Q and pooled effects from sums over the sites, in two rounds or three."""

    kind = "heterogeneity"
    spec = HeterogeneitySpec
    state = AskHeterogeneity
    discloses = (
        "patients and events in total, by level of each factor, by exposure at the end of follow-up, and at the values -1, 0, 1, 2 and at "
        "all others of each number; patients left out because a value is missing; how many sites, of each group of sites, have an "
        "estimate of their own; if at least five have, sums of the weight of each site's estimate, of weight times estimate, of weight "
        "times its square and of the squared weight, and of the first two again with the variance between sites in the weights; all "
        "summed over the sites, or over those of each group where each has five"
    )

    def first(self, spec: HeterogeneitySpec, study: Study) -> HeterogeneityRequest:
        """Ask who is there, and how many sites have an estimate."""
        return Request(spec, study, AskHeterogeneity())

    def shapes(self, request: HeterogeneityRequest) -> Mapping[str, Shape]:
        """A survey of counts; four sums of all sites and of each group; two sums of all sites."""
        spec, study, asked = request.spec, request.study, request.state
        rows = 1 + len(_groups(spec, study))
        if not asked.sites:
            cells = n_cells(cells_of(spec.terms, (), study))
            return {
                "missing": counts(),
                "n": counts(),
                "events": counts(),
                "by_level": counts(2, cells),
                "with_estimate": counts(rows),
            }
        if len(asked.sites) != rows or asked.sites[0] < FEWEST_SITES:
            raise ProtocolRefusal(
                f"The round asks for sums of estimates of {asked.sites[0]} sites in {len(asked.sites) - 1} groups; at least "
                f"{FEWEST_SITES} sites must have one, and the plan has {rows - 1} groups. The centre must run this release."
            )
        if asked.tau_squared is None:
            return {"effect_sums": reals(rows, 4)}
        return {"random_sums": reals(2)}

    def summarise(self, patients: Patients, request: HeterogeneityRequest) -> Summary:
        """This site's share: its counts, or the terms of its estimate, which are 0 where it has none."""
        asked = request.state
        own = patients.keep(
            ("heterogeneity", request.spec.id), lambda: _own_estimate(patients, request)
        )
        rows = _rows_of_site(patients, request)
        if not asked.sites:
            return _survey(patients, request) | {
                "with_estimate": np.zeros_like(rows) if own is None else rows
            }
        if asked.tau_squared is not None:
            sums = (0.0, 0.0) if own is None else site_terms_random(*own, asked.tau_squared)
            return {"random_sums": np.array(sums)}
        shown = rows.copy()
        if not _groups_are_shown(asked.sites):
            shown[1:] = 0
        terms = (0.0,) * 4 if own is None else site_terms(*own)
        return {"effect_sums": np.outer(shown, terms)}

    def next(
        self, request: HeterogeneityRequest, pooled: Summary
    ) -> HeterogeneityRequest | HeterogeneityResult:
        """Go on while there are enough sites and an effect that differs among them."""
        if not request.state.sites:
            sites = tuple(pooled["with_estimate"].tolist())
            memory = HeterogeneityMemory(dict(pooled))
            if sites[0] < FEWEST_SITES:
                return _result(request.spec, request.study, memory, None)
            return replace(request, state=AskHeterogeneity(sites=sites), memory=memory)
        memory = request.memory
        if request.state.tau_squared is not None:
            w, wb = pooled["random_sums"].tolist()
            return _result(request.spec, request.study, memory, pooled_effect(w, wb))
        sums = tuple(
            EffectSums(k, *row)
            for k, row in zip(request.state.sites, pooled["effect_sums"].tolist(), strict=True)
        )
        memory = replace(memory, sums=sums)
        tau_squared = heterogeneity(sums[0]).tau_squared
        if tau_squared > 0:
            asked = AskHeterogeneity(sites=request.state.sites, tau_squared=tau_squared)
            return replace(request, state=asked, memory=memory)
        fixed = pooled_effect(sums[0].w, sums[0].wb)
        return _result(request.spec, request.study, memory, fixed)


def _groups(spec: HeterogeneitySpec, study: Study) -> tuple[str, ...]:
    return () if spec.by is None else study.levels(spec.by)


def _groups_are_shown(sites: Sequence[int]) -> bool:
    """Whether every group that has an estimate has enough; else what is shown of all, less what is shown of some, would show few."""
    return all(k == 0 or k >= FEWEST_SITES for k in sites[1:])


def _rows_of_site(patients: Patients, request: HeterogeneityRequest) -> Integers:
    """One for all sites, and one in the place of this site's group, shape (1 + n_groups,)."""
    groups = _groups(request.spec, request.study)
    rows = np.zeros(1 + len(groups), dtype=np.int64)
    rows[0] = 1
    code = (
        -1 if request.spec.by is None else int(patients.categories[request.spec.by].max(initial=-1))
    )
    if code >= 0:
        rows[1 + code] = 1
    return rows


def _own_estimate(patients: Patients, request: HeterogeneityRequest) -> tuple[float, float] | None:
    """The effect and its variance in this site's patients; None where they have no finite estimate of it."""
    model, patients = Cox(), analysed(patients, request).patients
    asked = model.first(request.spec.own_model(), request.study)
    reached = model.next(asked, model.summarise(patients, asked))
    while isinstance(reached, Request):
        reached = model.next(reached, model.summarise(patients, reached))
    effect: CoxTerm = reached.terms[0]
    if effect.aliased or effect.monotone or not reached.converged or not effect.std_err > 0:
        return None
    return effect.coef, effect.std_err**2


def _survey(patients: Patients, request: HeterogeneityRequest) -> dict[str, Reals | Integers]:
    spec, study = request.spec, request.study
    cohort = analysed(patients, request)
    model = spec.own_model()
    rows = rows_at_risk(cohort.patients, study, model)
    event = cause_specific_times(cohort.patients, study, model).event > 0
    return {
        "missing": one(cohort.missing),
        "n": one(cohort.patients.n),
        "events": one(int(np.count_nonzero(event))),
        "by_level": count_cells(cells_of(spec.terms, (), study), rows.at_the_end, event),
    }


def _result(
    spec: HeterogeneitySpec, study: Study, memory: HeterogeneityMemory, random: Pooled | None
) -> HeterogeneityResult:
    survey, nothing = memory.survey, Pooled(np.nan, np.nan)
    sites = survey["with_estimate"].tolist()
    whole = memory.sums[0] if memory.sums else EffectSums(min(sites[0], 1), 0.0, 0.0, 0.0, 0.0)
    found = heterogeneity(whole)
    term = spec.terms[0]
    reference = reference_of(term, study)
    cells = cells_of(spec.terms, (), study)
    return HeterogeneityResult(
        kind="heterogeneity",
        endpoint=spec.endpoint,
        cause=spec.cause,
        effect=term.name,
        of_level=next(level for level in levels_of(term, study) if level != reference),
        reference=reference,
        n=int(survey["n"]),
        events=int(survey["events"]),
        missing=int(survey["missing"]),
        ties=spec.own_model().tie_method(study),
        strata=["site", *spec.strata],
        level=spec.level,
        coefficients=sum(
            1 if each.number is not None else len(levels_of(each, study)) - 1 for each in spec.terms
        ),
        levels=[
            FactorLevel(name, level, n, events)
            for (name, level), (n, events) in named_cells(cells, survey["by_level"]).items()
        ],
        sites=sites[0],
        fixed=_effect(pooled_effect(whole.w, whole.wb), spec.level),
        random=_effect(random or nothing, spec.level),
        test=printed_test(found.q),
        i_squared=found.i_squared,
        tau_squared=found.tau_squared,
        by=spec.by,
        groups=None if spec.by is None else _group_effects(spec, study, memory),
        between=_between(spec, memory),
        warnings=list(_warnings(spec, sites)),
    )


def _group_effects(
    spec: HeterogeneitySpec, study: Study, memory: HeterogeneityMemory
) -> list[GroupEffect]:
    sites = memory.survey["with_estimate"].tolist()
    sums = memory.sums[1:] or [EffectSums(0, 0.0, 0.0, 0.0, 0.0)] * (len(sites) - 1)
    return [
        GroupEffect(level, k, _effect(pooled_effect(found.w, found.wb), spec.level))
        for level, k, found in zip(_groups(spec, study), sites[1:], sums, strict=True)
    ]


def _between(spec: HeterogeneitySpec, memory: HeterogeneityMemory) -> PrintedTest | None:
    sites = memory.survey["with_estimate"].tolist()
    if spec.by is None or not memory.sums or not _groups_are_shown(sites):
        return None
    return printed_test(between(memory.sums[1:], memory.sums[0]))


def _effect(found: Pooled, level: float) -> Effect:
    width = normal_quantile(0.5 + level / 2) * found.std_err
    return Effect(
        coef=found.coef,
        std_err=found.std_err,
        hazard_ratio=float(np.exp(found.coef)),
        lower=float(np.exp(found.coef - width)),
        upper=float(np.exp(found.coef + width)),
        p_value=normal_p_value(found.coef / found.std_err),
    )


def _warnings(spec: HeterogeneitySpec, sites: Sequence[int]) -> Iterator[str]:
    if sites[0] < FEWEST_SITES:
        yield (
            f"Only {sites[0]} sites have an estimate of their own. Sums over fewer than {FEWEST_SITES} could be taken apart, "
            "so none was asked."
        )
    elif spec.by is not None and not _groups_are_shown(sites):
        yield f"A group has fewer than {FEWEST_SITES} sites with an estimate, so that no group's effect was asked."
