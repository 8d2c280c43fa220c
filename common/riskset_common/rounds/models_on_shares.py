"""The models of a plan with rounded results: worked out by the centre and every site alike from what the computation of counts gave.

Nothing here rests on what the centre says: slots, bounds and digits follow from the plan, the day sets and the released counts, and the
deaths are those of the checked uploads, of which each member holds shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from riskset_common.errors import EstimationError, ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest
from riskset_common.estimators.on_shares import Fits, NoFit, RoundedQuestion
from riskset_common.estimators.withholding import fitted_rounded
from riskset_common.release.models import ModelsWait
from riskset_common.results.whole_file import ReleasedResult
from riskset_common.rounds.blind_models import Blind, HeldBack, Models, Session, half_of
from riskset_common.rounds.counting import Outcome
from riskset_common.secure.blind.arithmetic.field import Elements, total
from riskset_common.secure.blind.cox.bounds import CoxModel, require_in_range
from riskset_common.secure.blind.cox.model import MOST_TIES, BlindModel, HiddenDeaths
from riskset_common.secure.blind.cox.within_sites import SiteStratifiedModel
from riskset_common.secure.blind.parties.counts.count_site import Kept
from riskset_common.secure.blind.parties.counts.course import Reached
from riskset_common.secure.blind.parties.setup import BlindSetup
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.study import Study


def models_of(session: Session, study: Study, reached: Reached[Outcome], label: bytes) -> Models:
    """The models that begin once the counts have ended, in the order of their names, and the parts whose model has no public bound.

    Parameters
    ----------
    label
        Under which the computation of counts has ended, 32 bytes.
    """
    begun: list[Blind] = []
    held: list[HeldBack] = []
    for spec, waits in waiting(study, reached.released):
        request: AnyRequest = estimator_of(spec.kind).first(spec, study)
        parts = estimator_of(spec.kind).parts(request)
        for part, counts in waits.models.items():
            asked = parts[part]
            try:
                questions = half_of(asked).rounded_questions(asked, reached.facts, counts)
                begun += [
                    _blind(session, request, (part, which), question, reached, label)
                    for which, question in questions.items()
                ]
            except (ProtocolRefusal, EstimationError) as error:
                held.append(HeldBack(spec.id, part, NoFit(str(error))))
    return Models(tuple(sorted(begun, key=lambda blind: blind.name)), tuple(held))


def waiting(study: Study, outcome: Outcome) -> Iterator[tuple[AnalysisSpec, ModelsWait]]:
    """The analyses whose models wait, in the order of the plan."""
    for spec in study.plan.analyses:
        found = outcome.analyses[spec.id]
        if isinstance(found, ModelsWait):
            yield spec, found


def released(study: Study, outcome: Outcome, fits: Mapping[str, Fits]) -> dict[str, ReleasedResult]:
    """The result of each analysis, from what the counts gave and the fits of its models. Run by the centre.

    Parameters
    ----------
    fits
        By analysis that has models, from `blind_models.fits_of`; a model that is not among them is withheld.
    """
    found: dict[str, ReleasedResult] = {}
    for spec in study.plan.analyses:
        reached = outcome.analyses[spec.id]
        if isinstance(reached, ModelsWait):
            none = NoFit("The model was not computed.")
            found_of = fits.get(spec.id, {})
            of_spec = {part: found_of.get(part, none) for part in reached.models}
            reached = fitted_rounded(estimator_of(spec.kind), spec, study, reached, of_spec)
        found[spec.id] = reached
    return found


def deaths_of(blind: Blind, kept: Kept[Outcome]) -> Elements | None:
    """A member's shares of the deaths at the slots of a model, shape (9, n_slots); None of a model within sites."""
    question = blind.question
    if not isinstance(question, RoundedQuestion) or question.deaths is None:
        return None
    events = total(kept.share(question.deaths, "events"), axis=1)
    n_strata = 1 + max(question.slot_strata)
    # The last row holds patients of whom the stratum is not known: a model has none.
    return events[:, :n_strata].reshape(len(events), -1)


def _blind(
    session: Session,
    request: AnyRequest,
    of: tuple[str, str],
    question: RoundedQuestion,
    reached: Reached[Outcome],
    label: bytes,
) -> Blind:
    """One model with its set-up; refused if its numbers have no public bound."""
    name = "/".join(filter(None, (request.spec.id, *of)))
    model = _model(name, question, reached)
    require_in_range(model, np.zeros(model.n_columns))
    setup = BlindSetup(
        session.setup.hash,
        session.roster,
        session.participants,
        session.committee,
        model,
        label,
    )
    return Blind(request, *of, question, setup)


def _model(name: str, question: RoundedQuestion, reached: Reached[Outcome]) -> CoxModel:
    if question.deaths is None:
        return SiteStratifiedModel(
            name,
            question.ties,
            "digits",
            question.max_iterations,
            question.n_patients,
            question.lower,
            question.upper,
            decimals=question.decimals,
        )
    return BlindModel(
        name,
        question.ties,
        "digits",
        question.max_iterations,
        question.n_patients,
        question.lower,
        question.upper,
        question.slot_strata,
        tuple(map(float, question.slot_times)),
        HiddenDeaths(_most_deaths(question, reached)),
        decimals=question.decimals,
    )


def _most_deaths(question: RoundedQuestion, reached: Reached[Outcome]) -> int:
    """A public bound of the deaths on one day: what was opened, or what the checked uploads prove.

    Raises
    ------
    EstimationError
        If there may be too many.
    """
    if question.ties_at_most is not None:
        return question.ties_at_most
    if question.deaths is None:
        raise EstimationError("A model within sites has no deaths to bound.")
    most = min(reached.bound(question.deaths, "events"), question.n_patients)
    if most > MOST_TIES:
        raise EstimationError(
            f"On one day of a stratum up to {most} deaths may fall, for all that is public, and {MOST_TIES} is the most that a model on "
            "shares takes. Choose a finer grid of time."
        )
    return most
