"""What a plan may take for an exposure that is none."""

from __future__ import annotations

from collections.abc import Iterator

from riskset_common.estimators.catalogue import estimator_of
from riskset_common.study.codebook import NumberVariable
from riskset_common.study.study import Study


def everybody_exposed(study: Study) -> Iterator[str]:
    """Exposures by a time without conditions: a file often holds the end of waiting of those who were not exposed in the same column."""
    for analysis in study.plan.analyses:
        for exposure in estimator_of(analysis.kind).uses(analysis).times:
            variable = study.codebook.variables.get(exposure.variable)
            if isinstance(variable, NumberVariable) and not exposure.where:
                key = "exposure_where" if analysis.kind == "landmark" else "where"
                yield (
                    f"analysis {analysis.id}: everybody who has a time in {exposure.variable} counts as exposed from then on. If it also "
                    f"holds the end of waiting of those who were not, write who was: {key}: {{CATEGORY: [LEVEL]}} beside the exposure."
                )
