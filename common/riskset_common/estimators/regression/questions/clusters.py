"""For robust variances: the products of the sites' scores, or of the patients' shares in them, at the fitted coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.estimator import Shape, Summary, reals
from riskset_common.estimators.regression.questions.asked import CoxRequest
from riskset_common.estimators.regression.questions.at_coefficients import AskModel
from riskset_common.estimators.regression.questions.memory import CoxMemory
from riskset_common.estimators.regression.spec import (
    CONTRIBUTING,
    FEWEST_CLUSTERS,
    CoxSpec,
)
from riskset_common.results.regression import CoxResult
from riskset_common.study.patients import EndpointTimes
from riskset_common.study.study import Study
from riskset_common.survival.arrays.triangles import symmetric, upper_triangle
from riskset_common.survival.regression.cox import CoxDesign, cox_sums
from riskset_common.survival.regression.score_residuals import residual_products


class AskClusters(AskModel):
    """The products of each site's score with itself, or of each patient's share in it."""

    clusters: Literal[True] = True

    def require_grounds(self, request: CoxRequest) -> None:
        """As of every model; sites that are clusters are enough, as this site counted them with the others."""
        super().require_grounds(request)
        if request.spec.counts_sites:
            _require_clusters(request)

    def shapes(self, spec: CoxSpec, study: Study) -> Mapping[str, Shape]:
        """The upper triangle of the products."""
        p = len(self.columns_asked(spec, study))
        if spec.robust is None:
            raise ProtocolRefusal(
                f"The round asks the products of the sites' scores for analysis {spec.id}, whose plan has no `robust`. "
                "The centre must run this release."
            )
        return {"score_products": reals(p * (p + 1) // 2)}

    def summary(self, design: CoxDesign, times: EndpointTimes, request: CoxRequest) -> Summary:
        """The site's products."""
        del times
        beta = self.coefficients
        if request.spec.counts_sites:
            score = cox_sums(design, beta).score
            products = np.outer(score, score)
        else:
            products = residual_products(design, beta)
        return {"score_products": upper_triangle(products)}

    def after(self, request: CoxRequest, pooled: Summary) -> CoxResult:
        """The fitted model with its robust variances."""
        memory: CoxMemory = request.memory
        products = symmetric(pooled["score_products"], len(self.exponent))
        return memory.result(request, products)


def _require_clusters(request: CoxRequest) -> None:
    """Raise unless enough sites contribute, as this site checked it: from few, a site's score could nearly be read back."""
    contributing = int(request.checked(CONTRIBUTING)[CONTRIBUTING])
    if contributing < FEWEST_CLUSTERS:
        raise ProtocolRefusal(
            f"The round asks the products of the sites' scores for analysis {request.spec.id}, but fewer than {FEWEST_CLUSTERS} sites bear "
            "on it. The centre must run this release."
        )
