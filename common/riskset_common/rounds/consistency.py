"""Consistency of pooled counts: no number of a site is seen, but a site whose report contradicts itself shows.

Masked reports cannot be checked one by one. Their sum can: counts are not negative, the levels of a variable add up to its patients,
and analyses of one population count the same people. A report that breaks such a rule breaks it in the sum, unless others break it the
other way. Which site it was cannot be told; an audit of the signed reports can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from riskset_common.errors import ContradictionError
from riskset_common.estimators.catalogue import estimator_of
from riskset_common.estimators.estimator import AnyRequest, Summary


def check_pooled(
    requests: Mapping[str, AnyRequest], pooled: Mapping[str, Summary], known: dict[str, int]
) -> None:
    """Raise unless the pooled summaries of a round agree with themselves and with one another. Run by the centre.

    Parameters
    ----------
    requests, pooled
        By analysis.
    known
        Patients of each population as counted in earlier rounds; those of this round are added.
    """
    problems: list[str] = []
    for name, request in requests.items():
        problems += [f"{name}: {problem}" for problem in _problems(request, pooled[name])]
        everyone = estimator_of(request.spec.kind).everyone(request, pooled[name])
        if everyone is None:
            continue
        population = repr((request.spec.population, sorted(request.spec.where.items())))
        if everyone != known.setdefault(population, everyone):
            problems.append(f"{name}: another number of patients than in an analysis of the same")
    if problems:
        raise ContradictionError(
            "a site's report is inconsistent; which one cannot be told from the sum.\n"
            + "\n".join(problems)
            + "\nNothing is released. Have the sites compare their outboxes with their records, and run the plan again."
        )


def _problems(request: AnyRequest, pooled: Summary) -> Iterator[str]:
    for array, values in pooled.items():
        if values.dtype == np.int64 and bool((values < 0).any()):
            yield f"{array} holds a negative count"
    yield from estimator_of(request.spec.kind).contradictions(request, pooled)
