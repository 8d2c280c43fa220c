"""What a kind of analysis knows of `release: rounded`: what is counted for it on shares, and the program that makes its result of that."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from riskset_common.errors import ProtocolRefusal
from riskset_common.estimators.on_shares import Fits
from riskset_common.release.cells import Counts
from riskset_common.release.counted import Counted
from riskset_common.release.curves.plan_times import Wanted
from riskset_common.release.facts import Facts
from riskset_common.release.given import Given
from riskset_common.release.models import ModelsWait
from riskset_common.release.program import Opened, Program
from riskset_common.results.shown import WithheldAnalysis
from riskset_common.results.whole_file import AnalysisResult
from riskset_common.study.analysis import AnalysisSpec
from riskset_common.study.patients import Patients
from riskset_common.study.study import Study

Spec = TypeVar("Spec", bound=AnalysisSpec)
Result = TypeVar("Result", bound=AnalysisResult)


class Rounded(ABC, Generic[Spec, Result]):
    """The half of an estimator that a plan with rounded results uses. A kind that has no program is refused there."""

    def not_rounded(self, spec: Spec, study: Study) -> Iterator[str]:
        """What of the analysis cannot be computed on shares, in words: a plan that releases rounded numbers is then refused."""
        del study
        yield f"a {spec.kind} analysis cannot be computed on shares."

    def words(self, spec: Spec, study: Study) -> Study:
        """The study with the variables that only this analysis has; the same where it has none."""
        del spec
        return study

    def values(self, spec: Spec, patients: Patients, study: Study) -> Patients:
        """This site's patients with the values of these variables. Run by a site."""
        del spec, study
        return patients

    def cells(self, spec: Spec, study: Study) -> Iterator[Counts]:
        """The counts of patients that the result shows, or that decide whether something is shown. A function of plan and codebook."""
        del spec, study
        return iter(())

    def uploads(self, spec: Spec, study: Study, facts: Facts) -> tuple[Counted, ...]:
        """What the sites count for the analysis where the plan releases rounded numbers. Run by both sides."""
        del spec, study, facts
        return ()

    def curves(self, spec: Spec, study: Study, facts: Facts) -> tuple[Wanted, ...]:
        """The curves that the analysis shows. Their times are found for the whole plan, before its program."""
        del spec, study, facts
        return ()

    def program(self, spec: Spec, given: Given) -> Program[Result | WithheldAnalysis | ModelsWait]:
        """The analysis under `release: rounded`, on counts of all sites. Run by the members of the committee and by the centre.

        It ends with the models of the analysis that wait for their fits, if it has any.
        """
        del given
        raise ProtocolRefusal(f"Analysis {spec.id} cannot be computed on shares.")

    def implied(self, spec: Spec, given: Given, result: Result) -> Mapping[str, Opened]:
        """What the program must have opened, by the name of each ask, worked out from the released result and public facts alone."""
        del given, result
        raise ProtocolRefusal(f"Analysis {spec.id} cannot be computed on shares.")

    def fitted_rounded(
        self, spec: Spec, study: Study, waits: ModelsWait, fits: Fits
    ) -> Result | WithheldAnalysis:
        """The released result of an analysis whose program ended with models that wait. Run by the centre, through `withholding`.

        Raises `EstimationError` as `next` does.
        """
        del study, waits, fits
        raise ProtocolRefusal(f"Analysis {spec.id} has no model to compute on shares.")
