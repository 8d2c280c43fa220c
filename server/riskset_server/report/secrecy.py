"""What the methods section says on pooling: masked sums, and who opened them."""

from __future__ import annotations

from collections.abc import Iterator

from riskset_common.results.whole_file import SecureComputation


def secrecy(secure: SecureComputation) -> Iterator[str]:
    """The sentence on the run's sums."""
    if secure.profile == "recoverable":
        yield (
            f"Each sum is over at least {secure.minimum_sites} sites; it took {secure.threshold} of the {len(secure.committee)} sites of "
            "a committee to open the first one without sites that were lost, and all later sums are over the same sites."
        )
    else:
        yield "Each sum is over all sites that joined, and none could be opened without every one of them."
