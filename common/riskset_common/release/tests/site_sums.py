"""A test stratified by site: observed less expected events and their covariance, which each site computes alone and sends as shares.

The strata lie within the sites, so that the sums over the sites are those of the test (Mantel 1966). So they are of each pair of groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from riskset_common.release.counted import Counted, CountedArray, OwnNumbers
from riskset_common.release.tests.own_strata import own_strata
from riskset_common.release.times import LeavingTimes
from riskset_common.study.patients import Integers, Patients
from riskset_common.study.study import Study, cross
from riskset_common.survival.arrays.shapes import FloatArray
from riskset_common.survival.tests.group_sums import pairs_of, said_of
from riskset_common.survival.tests.log_rank import log_rank_sums, total
from riskset_common.survival.tests.weighing import Weighing, open_weights

FRACTION_BITS = 40
"""Binary digits of a site's reals: 10^-12, so that their sum is rounded as the exact one is."""


@dataclass(frozen=True)
class SiteSums(Counted):
    """One test's sums over a site's own strata.

    Attributes
    ----------
    followed
        The patients, their events and their groups, as the curves count them.
    strata
        The variables whose combinations of levels are the strata; one of them lies within sites.
    weighing
        Of the events; weights are divided by its scale.
    pairwise
        Whether each pair of groups has sums of its own.
    patients
        A public bound of the patients.
    """

    followed: LeavingTimes
    strata: tuple[str, ...]
    weighing: Weighing
    pairwise: bool
    patients: int

    def arrays(self, study: Study) -> Mapping[str, CountedArray]:
        """`difference` (k - 1,) and `covariance` (k (k - 1)/2,) as in `GroupSums`; of pairs `pair_difference` and `pair_covariance`."""
        k = self.followed.n_rows(study) - 1
        n = len(pairs_of(k))
        found = {"difference": self._reals(k - 1), "covariance": self._reals(n)}
        if self.pairwise:
            found |= {"pair_difference": self._reals(n), "pair_covariance": self._reals(n)}
        return found

    def of(self, patients: Patients, study: Study) -> OwnNumbers:
        """This site's sums."""
        k = self.followed.n_rows(study) - 1
        chosen, times, group = self.followed.grouped(patients, study)
        known = group < k
        strata = own_strata(times.rows(known), group[known], self._stratum(chosen, study)[known], k)
        found: dict[str, FloatArray] = {}

        def summed(groups: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
            rows = list(groups)
            weights = open_weights(self.weighing)
            each = [log_rank_sums(one.at_risk[rows], one.events[rows], weights) for one in strata]
            size = len(rows)
            difference, covariance = (
                said_of(total(each), range(size))
                if each
                else (np.zeros(size - 1), np.zeros(len(pairs_of(size))))
            )
            scale = float(self.weighing.scale(self.patients))
            return difference / scale, covariance / scale**2

        found["difference"], found["covariance"] = summed(tuple(range(k)))
        if self.pairwise:
            pairs = [summed(pair) for pair in pairs_of(k)]
            found["pair_difference"] = np.array([pair[0][0] for pair in pairs])
            found["pair_covariance"] = np.array([pair[1][0] for pair in pairs])
        return found

    def _reals(self, n: int) -> CountedArray:
        # A difference is at most the events, and a covariance a quarter of them: weights are at most 1.
        return CountedArray((n,), FRACTION_BITS, self.patients)

    def _stratum(self, patients: Patients, study: Study) -> Integers:
        sizes = [len(study.levels(name)) for name in self.strata]
        return cross((patients.categories[name] for name in self.strata), sizes, patients.n)
