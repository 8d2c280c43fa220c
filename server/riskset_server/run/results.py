"""The last phase of a run: every analysis is finished, and the results are released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskset_common.formats.canonical_json import sha256_hex
from riskset_common.results.whole_file import (
    SCHEMA,
    BlindComputation,
    CodebookReference,
    PlanReference,
    ReleasedResult,
    Results,
    SecureComputation,
)
from riskset_common.rounds.questions import sites_of
from riskset_server.disclosure.axis import RoundTimes
from riskset_server.kinds.release import release
from riskset_server.run.run import Progress


@dataclass(frozen=True)
class Finished:
    """A run that is finished. `blind` is what results.json says of the computation of blind models, where there are any."""

    progress: Progress
    blind: BlindComputation | None = None

    def results(self) -> Results:
        """The contract of results.json, under the plan's disclosure rules."""
        joined, here = self.progress.joined, self.progress.contributors
        plan, codebook = joined.study.plan, joined.study.codebook
        terms, roster = joined.setup.terms, joined.run.roster
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
            analyses=self._released(),
        )

    def _released(self) -> Mapping[str, ReleasedResult]:
        plan, finished = self.progress.joined.study.plan, self.progress.finished
        if self.progress.survey is not None:
            return finished  # a program gives what is released, and nothing else was opened
        return {
            analysis.id: release(
                finished[analysis.id], plan.disclosure, RoundTimes.of(plan, analysis.id)
            )
            for analysis in plan.analyses
        }
