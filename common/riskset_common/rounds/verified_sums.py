"""What a site does not take from the centre: sums on which later questions rest, and how often one question may be asked.

The centre shows each site the opening of a round whose sums later questions rest on (`rests_on` of an analysis). A site adds it up again
and works out for itself what it needs, such as the function of time of a test or the distribution of the censoring.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.catalogue import parts_of
from riskset_common.estimators.estimator import Summary
from riskset_common.estimators.regression.fine_gray import FineGraySpec
from riskset_common.estimators.regression.fitting import MAINS
from riskset_common.estimators.regression.spec import CoxSpec
from riskset_common.rounds.questions import AnyRequest, shapes_of
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.study import Study
from riskset_common.wire.sections import Section

VerifiedSums = Mapping[str, Summary]
"""Sums that a site checked and keeps, by analysis."""

EVALUATED: Final = frozenset({"log_likelihood", MAINS + "log_likelihood"})
"""The arrays of an evaluation of a model, which are asked once for all coefficients that Newton's method tries."""

ONCE: Final = frozenset({"time_score", "score_products", "effect_sums", "random_sums"})
"""Arrays at coefficients, or sums of estimates, that an analysis is asked once."""


def must_be_shown(request: AnyRequest) -> bool:
    """Whether each site must be shown the opening of a round that asks this."""
    return not set(request.spec.rests_on(request.study)).isdisjoint(shapes_of(request))


def add_verified(verified: VerifiedSums, study: Study, pooled: VerifiedSums) -> VerifiedSums:
    """What a site keeps, with the sums of one more opening that it checked; the same value where that holds nothing to keep.

    Raises
    ------
    ProtocolRefusal
        Where an opening shows other sums than one before it: a second count of the same patients is for finding differences.
    """
    more: dict[str, Summary] = {}
    for name, arrays in pooled.items():
        spec = study.plan.analysis(name)
        kept = {array: arrays[array] for array in spec.rests_on(study) if array in arrays}
        known = verified.get(name, {})
        for array, values in kept.items():
            if array in known and not np.array_equal(known[array], values):
                raise ProtocolRefusal(
                    f"A second opening shows other {array} of analysis {name} than the first. They are counted once; start a new run."
                )
        if not kept.keys() <= known.keys():
            more[name] = {**known, **kept}
    return {**verified, **more} if more else verified


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
    for section in sections:
        part, _, array = section.name.rpartition(".")
        if array not in EVALUATED | ONCE:
            continue
        spec = parts_of(requests[section.analysis])[part].spec
        most = evaluations_at_most(spec) if array in EVALUATED else 1
        if asked[section.key] >= most:
            raise ProtocolRefusal(
                f"The round asks {section.name} of analysis {section.analysis} for the {most + 1}th time; by the plan it is asked "
                f"{most} times at most. The centre must run this release."
            )


def evaluations_at_most(spec: AnalysisSpec) -> int:
    """How often the likelihood of a model is asked at most: at 0 and after each iteration."""
    model = spec.model if isinstance(spec, FineGraySpec) else spec
    return 1 + model.iterations_at_most() if isinstance(model, CoxSpec) else 1
