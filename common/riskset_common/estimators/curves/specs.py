"""The keys in a plan that all analyses of curves share: groups, times, intervals, and the test between groups."""

from __future__ import annotations

from pydantic import Field

from riskset_common.study.analysis import EndpointSpec, Names
from riskset_common.study.study import Study, within_sites
from riskset_common.survival.curves.kaplan_meier import LimitKind


class CurvesSpec(EndpointSpec):
    """Curves by group and a test between the groups, which may be stratified. Times are in the plan's unit."""

    by: Names = ()
    at: tuple[float, ...] = ()
    ci: LimitKind | None = None
    level: float = Field(default=0.95, gt=0, lt=1)
    strata: Names = ()

    def grouped_by(self) -> tuple[str, ...]:
        """The variables whose levels are the groups."""
        return self.by

    def interval_kind(self, study: Study) -> LimitKind:
        """The interval that the analysis names, else the one of the plan's conventions (R: log, SAS: log-log)."""
        return self.ci or ("log" if study.plan.conventions == "r" else "log-log")

    def within_sites(self, study: Study) -> bool:
        """Whether every stratum of the test lies within one site, which then computes its share alone."""
        return within_sites(self.strata, study.sites)

    def counted_by(self, study: Study) -> tuple[str, ...]:
        """The variables by which counts are split: strata first, then groups. Strata within a site are left out."""
        return self.by if self.within_sites(study) else (*self.strata, *self.by)
