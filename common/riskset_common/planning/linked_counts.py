"""What a plan alone says of its counts under a rounded release: whether they can be told apart, and which analyses share them."""

from __future__ import annotations

from collections.abc import Iterator

from riskset_common.errors import EstimationError
from riskset_common.estimators.counts_of_plan import counts_by_analysis, plan_cells, with_words
from riskset_common.study.study import Study

SAFE_FLOOR = 5
"""From this floor on, all bits that are opened of a plan's counts left several values to each small one in all that was tried."""
NAMED = 6
"""Analyses that a sentence names at most."""


def count_problems(study: Study) -> Iterator[str]:
    """Why it cannot be worked out which counts follow from which, in words; the names that the plan uses are known to exist."""
    known = with_words(study)
    try:
        plan_cells(known).system(known)
    except EstimationError as error:
        yield f"disclosure.release: rounded: {error} For public or synthetic data, write release: exact."


def floor_doubts(study: Study) -> Iterator[str]:
    """Why a floor leaves so few values to a small count that it may be told, in words."""
    smallest = study.plan.disclosure.minimum_cell
    if 1 < smallest < SAFE_FLOOR:
        values = "is 1" if smallest == 2 else f"is one of 1 to {smallest - 1}"
        yield (
            f"disclosure.minimum_cell: {smallest}: a small count {values}, as everybody knows, and what is opened of those that protect "
            f"it may tell which. From {SAFE_FLOOR} on it does not; with 1 no count is small."
        )


def linked_analyses(study: Study) -> Iterator[str]:
    """Which analyses show the same counts: what one of them withholds is withheld in all, and may be protected in another."""
    known = with_words(study)
    place = plan_cells(known).system(known).place
    by_analysis = {
        name: {found for each in counts if (found := place[each.cell]) is not None}
        for name, counts in counts_by_analysis(known).items()
    }
    groups: list[tuple[list[str], set[int]]] = []
    for name, places in by_analysis.items():
        near = [each for each in groups if each[1] & places]
        apart = [each for each in groups if not each[1] & places]
        names = [other for each in near for other in each[0]]
        groups = [*apart, ([*names, name], places.union(*(each[1] for each in near)))]
    for names, places in groups:
        shared = [each for each in places if sum(each in by_analysis[name] for name in names) > 1]
        if shared:
            yield (
                f"analyses {_listed(names)}: {len(shared)} of their counts stand in several of them. A count has one verdict in all, and a "
                "small one that is withheld in one analysis may hold a larger one back in another."
            )


def _listed(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
