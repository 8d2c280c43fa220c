"""The difference of two independent estimates, its standard error and Wald limits.

References
----------
Klein JP, Moeschberger ML (2003), Survival Analysis, 2nd ed, section 7.8 (survival at a fixed time). Royston P, Parmar MKB
(2013), BMC Med Res Methodol 13:152 (restricted mean).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from riskset_common.survival.arrays.distributions import normal_p_value, normal_quantile


@dataclass(frozen=True)
class Difference:
    """A difference with its standard error, limits, and the P of its being 0; NaN where a standard error does not exist."""

    estimate: float
    std_err: float
    lower: float
    upper: float
    p_value: float


def difference(
    estimate: float, std_err: float, of: float, std_err_of: float, level: float
) -> Difference:
    """`estimate` minus `of`: independent, so SE² = se² + se_of²; limits are the difference ± z SE, P is of |difference|/SE.

    P is NaN where SE is 0.
    """
    gap, error = estimate - of, math.hypot(std_err, std_err_of)
    width = normal_quantile(0.5 + level / 2) * error
    p_value = normal_p_value(gap / error) if error > 0 else math.nan
    return Difference(gap, error, gap - width, gap + width, p_value)
