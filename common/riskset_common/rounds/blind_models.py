"""The blind models of a plan that releases exact numbers: from analyses that wait to what is computed on shares, worked out by the centre
and every site alike.

Nothing here rests on what the centre says: a site takes a model from the approved plan and from a sum that it checked itself, so that
the event times, the deaths and the number of patients by which all numbers are bounded are those that the sites counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from riskset_common.consortium.roster import Roster
from riskset_common.errors import EstimationError, PolicyRefusal, ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import (
    AnyRequest,
    BlindHalf,
    State,
    Summary,
    arrays_of_part,
)
from riskset_common.estimators.on_shares import (
    BlindFit,
    BlindQuestion,
    Fits,
    HazardEntries,
    NoFit,
    RoundedQuestion,
)
from riskset_common.planning.committees import candidates
from riskset_common.rounds.questions import read_questions
from riskset_common.secure.blind.arithmetic.committee import Committee
from riskset_common.secure.blind.cox.beside_the_fit import BlindFurther
from riskset_common.secure.blind.cox.bounds import require_in_range
from riskset_common.secure.blind.cox.model import BlindModel
from riskset_common.secure.blind.cox.wanted import (
    EXACT_BITS,
    WantedHazard,
    WantedPhTest,
    identity_times,
    log_times,
)
from riskset_common.secure.blind.cox.within_sites import SiteStratifiedModel
from riskset_common.secure.blind.parties.serving import Candidates
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.secure.blind.parties.site import SiteDesign
from riskset_common.secure.sums.opening import verify_opening
from riskset_common.secure.sums.pooling import pooled_of
from riskset_common.secure.sums.reporting import NO_ROUND
from riskset_common.secure.sums.setup import Setup, label_of
from riskset_common.secure.sums.site_session import SiteSession, accepted
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study
from riskset_common.survival.regression.cox import prepare
from riskset_common.survival.regression.newton import CoxFit
from riskset_common.survival.regression.slot_sums import prepare_slots
from riskset_common.wire.blind_steps import BlindBegin
from riskset_common.wire.messages import Opening, RoundRequest
from riskset_common.wire.sections import Numbers


@dataclass(frozen=True)
class Blind:
    """One blind model of a plan.

    Attributes
    ----------
    analysis
        The plan's analysis, as it was asked.
    part
        The part of the analysis that it is the model of; empty where the analysis is a model itself.
    which
        Which of the models that the part compares.
    question
        What the estimator asks.
    setup
        What the computation is bound to.
    """

    analysis: AnyRequest
    part: str
    which: str
    question: BlindQuestion | RoundedQuestion
    setup: BlindSetup

    @property
    def name(self) -> str:
        """Its name among all of the plan."""
        return self.setup.model.analysis

    def design(self, patients: Patients) -> SiteDesign:
        """This site's patients, arranged. Refused if a value lies outside of its declared range. Run by a site."""
        estimator = estimator_of(self.analysis.spec.kind)
        part = estimator.parts(self.analysis)[self.part]
        cohort = half_of(part).cohort(estimator.followed(patients, self.analysis), part)
        model, times = self.setup.model, cohort.times
        x = model.standardised(cohort.x[:, list(self.question.columns)])
        if isinstance(model, SiteStratifiedModel):
            return prepare(
                times.time,
                times.event > 0,
                times.entry,
                x,
                cohort.stratum,
                model.ties,
                cohort.offset,
            )
        return prepare_slots(
            times.time,
            times.event > 0,
            times.entry,
            x,
            cohort.stratum,
            np.array(model.slot_strata),
            np.array(self.question.slot_times),
        )


@dataclass(frozen=True)
class Session:
    """What all blind models of a run share: the hash of its set-up, the sites in its sums, and who computes."""

    setup: Setup
    roster: Roster
    participants: tuple[int, ...]
    committee: Committee


def blind_session(
    study: Study, setup: Setup, roster: Roster, participants: tuple[int, ...] | None
) -> Session:
    """The session of the blind models; its sites must be fixed. `study` holds the sites that joined."""
    if participants is None:
        raise ProtocolRefusal(
            "Blind models begin after the first sum was opened, because that fixes the sites."
        )
    # Nobody asks the sites yet to pass a candidate over: a run waits for those who would serve.
    committee = candidates_of(study, setup, roster, participants).committee(())
    return Session(setup, roster, participants, committee)


def candidates_of(
    study: Study, setup: Setup, roster: Roster, participants: tuple[int, ...]
) -> Candidates:
    """Who may compute, as plan and codebook say; the first of them that are in the sums do."""
    numbers = {member.name: member.site_id for member in roster.members}
    order = tuple(numbers[name] for name in candidates(study) if name in numbers)
    blind = study.plan.secure.blind
    return Candidates(setup.hash, roster, participants, order, blind.size, blind.harmless)


@dataclass(frozen=True)
class HeldBack:
    """A part of an analysis, as in `Blind`, whose models are not begun, and why."""

    analysis: str
    part: str
    reason: NoFit


@dataclass(frozen=True)
class Models:
    """The models of analyses whose deaths were counted: those that begin, in the order of their names, and the parts that are held back.

    All follows from the plan and from sums that everybody checked, so that the centre and every site come to the same verdict.
    """

    begun: tuple[Blind, ...]
    held: tuple[HeldBack, ...]


def blind_models(
    session: Session, asked: Mapping[str, AnyRequest], pooled: Mapping[str, Summary]
) -> Models:
    """The models of the analyses whose deaths a round counted, and the parts whose model has no public bound.

    Parameters
    ----------
    asked
        Requests by analysis, in each of which some part was asked for deaths, or waits.
    pooled
        The counts of all sites by analysis, names of arrays behind those of their parts.

    Raises
    ------
    ContradictionError
        Where the counts contradict themselves.
    """
    begun: list[Blind] = []
    held: list[HeldBack] = []
    for name, request in asked.items():
        for part_name, part in estimator_of(request.spec.kind).parts(request).items():
            half = estimator_of(part.spec.kind).blind()
            if half is None or not (half.is_counted(part) or half.waits(part)):
                continue
            questions = half.questions(part, arrays_of_part(pooled[name], part_name))
            try:
                begun += _of_part(session, request, part_name, questions)
            except (PolicyRefusal, ProtocolRefusal, EstimationError) as error:
                held.append(HeldBack(name, part_name, NoFit(str(error))))
    return Models(tuple(sorted(begun, key=lambda blind: blind.name)), tuple(held))


def _of_part(
    session: Session, request: AnyRequest, part: str, questions: Mapping[str, BlindQuestion]
) -> list[Blind]:
    """The models of one part: all of them, or a refusal that says why it has none."""
    models: list[Blind] = []
    for which, question in questions.items():
        label = "/".join(filter(None, (request.spec.id, part, which)))
        setup = _setup(session, label, question)
        require_in_range(setup.model, np.zeros(setup.model.n_columns))
        models.append(Blind(request, part, which, question, setup))
    return models


def counts_deaths(request: AnyRequest) -> bool:
    """Whether a question is about the deaths of a blind model, in any of its parts."""
    return any(
        half.is_counted(part)
        for part in estimator_of(request.spec.kind).parts(request).values()
        if (half := estimator_of(part.spec.kind).blind()) is not None
    )


def waits(request: AnyRequest) -> bool:
    """Whether all that is unfinished of an analysis waits to be computed on shares, so that no round can ask anything of it."""
    return all(
        (half := estimator_of(part.spec.kind).blind()) is not None and half.waits(part)
        for part in estimator_of(request.spec.kind).parts(request).values()
    )


def models_begun(session: SiteSession, study: Study, begin: BlindBegin) -> list[Blind]:
    """The models that begin, from rounds which this site answered and whose openings it checks. Run by a site.

    Raises
    ------
    ProtocolRefusal, ContradictionError
        If a round is not one that this site answered, or its sum does not add up.
    """
    setup, _ = accepted(session)
    of_models = blind_session(study, setup, session.roster, session.frozen)
    models: list[Blind] = []
    for asked, opening in begin.counted():
        request = RoundRequest.from_bytes(asked)
        pooled = checked_sums(session, request, Opening.from_bytes(opening))
        requests = {
            name: each
            for name, each in read_questions(study, request.questions).items()
            if counts_deaths(each)
        }
        models += blind_models(of_models, requests, pooled).begun
    if len({blind.name for blind in models}) < len(models):
        raise ProtocolRefusal("The deaths of a blind model are shown twice. It has one begin.")
    return models


@dataclass(frozen=True)
class FittedBlind:
    """A blind model, its fit, and what it gave besides."""

    blind: Blind
    fit: CoxFit
    further: BlindFurther | None


def fits_of(fitted: Iterable[FittedBlind], held: Iterable[HeldBack], analysis: str) -> Fits:
    """The fits of one analysis by part and model, as its estimator takes them, and why parts have none. Run by the centre."""
    fits: dict[str, dict[str, BlindFit]] = {}
    for each in fitted:
        blind = each.blind
        if blind.analysis.spec.id == analysis:
            exponent = tuple(blind.setup.model.exponent.tolist())
            times = None if each.further is None else each.further.ph_test
            fit = BlindFit(each.fit, exponent, times, _entries(each))
            fits.setdefault(blind.part, {})[blind.which] = fit
    without = {each.part: each.reason for each in held if each.analysis == analysis}
    return {**fits, **without}


def _entries(fitted: FittedBlind) -> HazardEntries | None:
    """The baseline hazard, with the place of each time among those that were asked."""
    hazard = None if fitted.further is None else fitted.further.hazard
    question = fitted.blind.question
    if hazard is None or not isinstance(question, BlindQuestion):
        return None
    place = np.searchsorted(question.hazard_steps, hazard.time)
    return HazardEntries(hazard.stratum, place, hazard.cumulative, hazard.std_err)


def checked_sums(
    session: SiteSession, request: RoundRequest, opening: Opening
) -> dict[str, dict[str, Numbers]]:
    """The sum of a round that this site answered, by analysis; refused unless it is that of reports which all sites in it signed."""
    setup, _ = accepted(session)
    answered = {each.round: each for each in session.answered}
    own = answered.get(request.round)
    if own is None or own.profile != "strict":
        raise ProtocolRefusal(
            f"Round {request.round} is shown as one that counted deaths, but this site did not answer it with a fixed set of sites."
        )
    before = answered.get(request.round - 1)
    after = NO_ROUND if before is None else before.label
    if (label_of(setup, session.frozen, request), request.after) != (own.label, after):
        raise ProtocolRefusal(
            f"Round {request.round} is shown with other questions than those this site answered."
        )
    if (opening.sid, opening.round) != (request.sid, request.round):
        raise ProtocolRefusal(f"The opening shown for round {request.round} is that of another.")
    verify_opening(
        setup,
        session.roster,
        opening,
        label=own.label,
        profile="strict",
        frozen=session.frozen,
        minimum_sites=session.minimum_sites,
    )
    return pooled_of(request, opening).by_analysis()


def half_of(part: AnyRequest) -> BlindHalf[AnalysisSpec, State]:
    """What a part of an analysis that is a model knows of its computation on shares."""
    half = estimator_of(part.spec.kind).blind()
    if half is None:
        raise ProtocolRefusal(f"Analysis {part.spec.id} has no model to compute on shares.")
    return half


def wanted_test(question: BlindQuestion) -> WantedPhTest | None:
    """The test of proportional hazards, with the function of time as this party computes it; none where there is nothing to test."""
    transform, times = question.ph_test, [float(step) for step in question.slot_times]
    if transform is None or len(set(times)) < 2:
        return None
    g = question.transformed
    if transform == "identity":
        g = identity_times(times)
    elif transform == "log":
        # A time of 0 has no logarithm; it lies within the first step.
        g = log_times(times, least=0.5)
    return WantedPhTest(transform, g) if len(set(g)) > 1 else None


def wanted_hazard(question: BlindQuestion) -> WantedHazard | None:
    """The baseline hazard that is asked."""
    if not question.hazard_steps:
        return None
    return WantedHazard(tuple(map(float, question.hazard_steps)), question.hazard_at, EXACT_BITS)


def _setup(session: Session, name: str, question: BlindQuestion) -> BlindSetup:
    return BlindSetup(
        session.setup.hash,
        session.roster,
        session.participants,
        session.committee,
        _model(name, question),
    )


def _model(name: str, question: BlindQuestion) -> BlindModel:
    return BlindModel(
        analysis=name,
        ties=question.ties,
        convergence=question.convergence,
        max_iterations=question.max_iterations,
        n_patients=question.n_patients,
        lower=question.lower,
        upper=question.upper,
        slot_strata=question.slot_strata,
        slot_times=tuple(float(step) for step in question.slot_times),
        deaths=question.deaths,
        ph_test=wanted_test(question),
        hazard=wanted_hazard(question),
    )
