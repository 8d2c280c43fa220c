"""What the methods section says on pooling: masked sums and who opened them, or shares and who computed on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from riskset_common.results.whole_file import BlindComputation, SecureComputation
from riskset_server.displays.parts.words import Words, listed, lower_first
from riskset_server.results.typed import distinct

NUMBERS: Final = {1: "single one", 2: "two together"}
"""So many members of a committee, in words after `any`."""


def secrecy(secure: SecureComputation, words: Words) -> Iterator[str]:
    """The sentences on how the numbers of the sites were brought together."""
    if words.plan.disclosure.release == "rounded" and secure.blind is not None:
        yield from _on_shares(secure.blind, words)
    else:
        yield from _sums(secure)


def _sums(secure: SecureComputation) -> Iterator[str]:
    yield (
        "Each site sent counts and sums that were masked, so that the coordinating centre could read only their totals over all sites; "
        "estimates and tests are computed from these totals."
    )
    if secure.profile == "recoverable":
        yield (
            f"Each sum is over at least {secure.minimum_sites} sites; it took {secure.threshold} of the {len(secure.committee)} sites of "
            "a committee to open the first one without sites that were lost, and all later sums are over the same sites."
        )
    else:
        yield "Each sum is over all sites that joined, and none could be opened without every one of them."


def _on_shares(blind: BlindComputation, words: Words) -> Iterator[str]:
    yield (
        f"Each site sent its counts as random shares to a committee of {listed(blind.committee)}, of which any {NUMBERS[blind.threshold]} "
        "could read nothing from theirs."
    )
    yield (
        "Estimates, tests, and which of them may be shown were computed by the committee on shares; what was opened is what this "
        f"report and its results hold, rounded{_besides(blind, words)}."
    )
    models = distinct(name.partition("/")[0] for name in blind.evaluations)
    if models:
        yield f"Of {listed(models)} log-likelihood, score and information of the whole model were opened at each iteration."
    if blind.lost:
        yield f"Lost while the committee computed: {listed(blind.lost)}; the others went on."
    if blind.unchecked_from is not None:
        yield (
            f"From opening {blind.unchecked_from} of {blind.openings} on a wrong share would not have been noticed."
        )


def _besides(blind: BlindComputation, words: Words) -> str:
    """The steps of the time grid that are known to have an event."""
    told = [origin for origin, days in (blind.days or {}).items() if days.told]
    if not told:
        return ""
    steps = "days" if words.plan.time.grid_days == 1 else "steps of the time grid"
    origins = listed(
        [lower_first(words.happening(origin.removeprefix("time "))) for origin in told]
    )
    return f", and on which {steps} after {origins} there is any event, without the number of events or what they are"
