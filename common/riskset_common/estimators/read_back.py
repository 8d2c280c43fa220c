"""results.json read back: the result of each analysis as the dataclass that the estimator of its kind names."""

from __future__ import annotations

from riskset_common.estimators.catalogue import ESTIMATORS
from riskset_common.results import from_json
from riskset_common.results.whole_file import ReleasedResult, Results


def results_from_json(value: object, where: str = "results") -> Results:
    """The contents of results.json.

    Raises
    ------
    InputError
        Where a field is unknown or missing, or a value is not of its type; the message says where, beginning with `where`.
    """
    kinds = {each.kind: each.result for each in ESTIMATORS}
    return from_json.whole_from_json(value, kinds, where)


def analysis_from_json(value: object, where: str = "results") -> ReleasedResult:
    """The result of one analysis; raises as `results_from_json`."""
    kinds = {each.kind: each.result for each in ESTIMATORS}
    return from_json.analysis_from_json(value, kinds, where)
