"""What must hold of pooled counts whoever reported them: no number of a site is seen, but a site whose report contradicts itself shows.

Masked reports cannot be checked one by one. Their sum can: counts are not negative, the levels of a variable add up to its patients,
and analyses of one population count the same people. A report that breaks such a rule breaks it in the sum, unless others break it the
other way. Which site it was cannot be told; an audit of the signed reports can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from riskset_common.errors import EstimationError
from riskset_common.estimators.estimator import Request, Summary
from riskset_common.estimators.regression.cells import cells_of, n_cells
from riskset_common.estimators.tables.baseline import by_characteristic
from riskset_common.estimators.tables.numbers import bins_of

AnyRequest = Request[Any, Any]


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
        everyone = _everyone(request, pooled[name])
        if everyone is None:
            continue
        population = repr((request.spec.population, sorted(request.spec.where.items())))
        if everyone != known.setdefault(population, everyone):
            problems.append(f"{name}: another number of patients than in an analysis of the same")
    if problems:
        raise EstimationError(
            "a site's report is inconsistent; which one cannot be told from the sum.\n"
            + "\n".join(problems)
            + "\nNothing is released. Have the sites compare their outboxes with their records, and run the plan again."
        )


def _problems(request: AnyRequest, pooled: Summary) -> Iterator[str]:
    for array, values in pooled.items():
        if values.dtype == np.int64 and bool((values < 0).any()):
            yield f"{array} holds a negative count"
    if request.spec.kind == "baseline":
        for variable, cells in by_characteristic(request, pooled).items():
            if not np.array_equal(cells.sum(axis=0), pooled["n"]):
                yield f"the levels of {variable} do not add up to the patients of each column"
        if request.spec.number_rows:
            yield from _number_problems(request, pooled)
    if "by_level" in pooled:
        yield from _level_problems(request, pooled)


def _number_problems(request: AnyRequest, pooled: Summary) -> Iterator[str]:
    """Patients in whom a number of a table is known, against those of each column and those in its bins."""
    begin = 0
    for row, known in zip(request.spec.number_rows, pooled["known"], strict=True):
        if bool((known > pooled["n"]).any()):
            yield f"{row.number} is known of more patients than there are in a column"
        bins = bins_of(row, request.study)
        if bins is not None:
            if not np.array_equal(pooled["bins"][begin : begin + bins.n].sum(axis=0), known):
                yield f"the bins of {row.number} do not add up to the patients in whom it is known"
            begin += bins.n


def _level_problems(request: AnyRequest, pooled: Summary) -> Iterator[str]:
    """Patients and events by the cells of each term of a Cox model and each interaction, against those of all."""
    totals = np.array([pooled["n"], pooled["events"]])
    if totals[1] > totals[0]:
        yield "more events than patients"
    start = 0
    for cells in cells_of(request.spec.terms, request.spec.interaction, request.study):
        end = start + n_cells([cells])
        if not np.array_equal(pooled["by_level"][:, start:end].sum(axis=1), totals):
            yield f"the levels of {cells.term} do not add up to all patients and events"
        start = end


def _everyone(request: AnyRequest, pooled: Summary) -> int | None:
    """Patients of the analysis's population, complete or not; None where a round does not count them."""
    if request.spec.kind == "flow":
        return int(pooled["cells"].sum())
    if "missing" not in pooled:
        return None
    missing = int(pooled["missing"])
    if "n" in pooled:
        return missing + int(pooled["n"].sum())
    if "cells" in pooled:
        return missing + int(pooled["cells"].sum())
    if "censored" in pooled:
        return missing + int(pooled["events"].sum()) + int(pooled["censored"].sum())
    return None
