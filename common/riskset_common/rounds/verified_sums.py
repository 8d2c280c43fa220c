"""Checks that a site makes itself, instead of trusting the centre: the sums behind later questions, and how often a question may be asked.

The centre shows each site the opening of a round whose sums later questions rest on (`rests_on` of its estimator). A site adds it up again
and works out for itself what it needs, such as the function of time of a test or the distribution of the censoring.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest, Summary
from riskset_common.rounds.asked_once import AskedOnce, ask_once
from riskset_common.rounds.questions import shapes_of
from riskset_common.rounds.survey import is_surveyed
from riskset_common.study.study import Study
from riskset_common.wire.sections import Section

VerifiedSums = Mapping[str, Summary]
"""Sums that a site checked and keeps, by analysis."""


def must_be_shown(request: AnyRequest) -> bool:
    """Whether each site must be shown the opening of a round that asks this."""
    rests_on = estimator_of(request.spec.kind).rests_on(request.spec, request.study)
    return not set(rests_on).isdisjoint(shapes_of(request))


def add_verified(verified: VerifiedSums, study: Study, pooled: VerifiedSums) -> VerifiedSums:
    """What a site keeps, with the sums of one more opening that it checked; the same value where that holds nothing to keep.

    The first round asks what several analyses share in one of them only; here each has its own. Of a survey everything is kept: it is asked
    once, and a sum of the same signed reports is always the same.

    Raises
    ------
    ProtocolRefusal
        Where an opening shows other sums than one before it: a second count of the same patients is for finding differences.
    """
    if is_surveyed(study):
        return verified or pooled
    more: dict[str, Summary] = {}
    for name, arrays in _first_round(study).completed(pooled).items():
        spec = study.plan.analysis(name)
        kept = {
            array: arrays[array]
            for array in estimator_of(spec.kind).rests_on(spec, study)
            if array in arrays
        }
        known = verified.get(name, {})
        for array, values in kept.items():
            if array in known and not np.array_equal(known[array], values):
                raise ProtocolRefusal(
                    f"A second opening shows other {array} of analysis {name} than the first. They are counted once; start a new run."
                )
        if not kept.keys() <= known.keys():
            more[name] = {**known, **kept}
    return {**verified, **more} if more else verified


def _first_round(study: Study) -> AskedOnce:
    """What every plan asks first, each count once."""
    analyses = study.plan.analyses
    return ask_once({each.id: estimator_of(each.kind).first(each, study) for each in analyses})


def check_repeated(
    requests: Mapping[str, AnyRequest],
    sections: Iterable[Section],
    earlier: Iterable[Iterable[Section]],
) -> None:
    """Raise where a round asks a question once more than the plan has it. Run by a site.

    Each evaluation of a likelihood at coefficients of the centre's choice says a little; a limit keeps it a little.

    Parameters
    ----------
    sections
        Of the round.
    earlier
        The sections of all rounds before it that this site answered.
    """
    asked = Counter(section.key for each in earlier for section in each)
    limits = {name: _limits(request) for name, request in requests.items()}
    for section in sections:
        most = limits[section.analysis].get(section.name, 1)
        if asked[section.key] >= most:
            allowed = "once" if most == 1 else f"{most} times"
            raise ProtocolRefusal(
                f"The round asks {section.name} of analysis {section.analysis} more than {allowed}, which is all that the plan allows. "
                "The centre must run this release."
            )


def _limits(request: AnyRequest) -> dict[str, int]:
    """How often each array of an analysis and of its parts may be asked, where a kind says more than once."""
    estimator = estimator_of(request.spec.kind)
    return {
        f"{name}.{array}" if name else array: most
        for name, part in (("", request), *estimator.parts(request).items())
        for array, most in estimator_of(part.spec.kind).asked_at_most(part.spec, part.study).items()
    }
