"""The last phase of a run: every analysis is finished, and the results are released."""

from __future__ import annotations

from dataclasses import dataclass

from riskset_common.errors import EstimationError
from riskset_common.formats.canonical_json import sha256_hex
from riskset_common.results.whole_file import (
    SCHEMA,
    BlindComputation,
    CodebookReference,
    HeldCount,
    PlanReference,
    Results,
    SecureComputation,
)
from riskset_common.rounds.questions import sites_of
from riskset_server.run.run import Progress


@dataclass(frozen=True)
class Finished:
    """A run that is finished.

    Attributes
    ----------
    progress
        With the result of each analysis: exact, of a plan that releases exact numbers, or what a committee opened, of one that
        releases rounded ones.
    blind
        What results.json says of the computation on shares, where there is any.
    held_counts
        Counts that no analysis of a rounded release shows.
    """

    progress: Progress
    blind: BlindComputation | None = None
    held_counts: tuple[HeldCount, ...] | None = None

    def results(self) -> Results:
        """The contract of results.json.

        Raises
        ------
        EstimationError
            If sums were opened of a plan that releases rounded numbers: what a committee did not open is not written.
        """
        joined, here = self.progress.joined, self.progress.contributors
        plan, codebook = joined.study.plan, joined.study.codebook
        terms, roster = joined.setup.terms, joined.run.roster
        if (plan.disclosure.release == "rounded") != (self.progress.survey is not None):
            raise EstimationError(
                f"{plan.plan} releases {plan.disclosure.release} numbers, and these are others. Nothing is written; run the plan again."
            )
        return Results(
            schema=SCHEMA,
            plan=PlanReference(plan.plan, plan.version, sha256_hex(plan)),
            codebook=CodebookReference(codebook.reference, sha256_hex(codebook)),
            sites=tuple(here),
            lost_sites=tuple(site.name for site in sites_of(roster) if site.name not in here),
            secure=SecureComputation(
                profile=terms.profile,
                minimum_sites=joined.run.rule.minimum_sites,
                committee=tuple(roster.name(number) for number in terms.committee),
                threshold=terms.threshold,
                blind=self.blind,
            ),
            released_to=plan.disclosure.to_be_given_to,
            rounds=self.progress.rounds,
            analyses={each.id: self.progress.finished[each.id] for each in plan.analyses},
            held_counts=self.held_counts,
        )
