"""The paragraph of the methods section on pooling: masked sums, who opened them, and models on shares."""

from __future__ import annotations

from collections.abc import Iterator

from riskset_common.results.whole_file import SecureComputation
from riskset_server.displays.parts.words import listed


def secrecy(secure: SecureComputation) -> Iterator[str]:
    """Sentences on the run's sums, and on its blind models where it has any."""
    if secure.profile == "recoverable":
        yield (
            f"Each sum is over at least {secure.minimum_sites} sites; it took {secure.threshold} of the {len(secure.committee)} sites of "
            "a committee to open the first one without sites that were lost, and all later sums are over the same sites."
        )
    else:
        yield "Each sum is over all sites that joined, and none could be opened without every one of them."
    blind = secure.blind
    if blind:
        learns = "alone learns" if blind.threshold == 1 else "together learn"
        yield (
            f"Risk sets of {listed(list(blind.evaluations))} reach across sites: sums over them were seen by nobody. They were "
            f"computed on shares, which are random numbers, by {listed(blind.committee)}, of which {blind.threshold} {learns} "
            "nothing; only log-likelihood, score and information of the whole model were opened at each iteration."
        )
