"""Groups of patients that an analysis compares: the combinations of the levels of its `by` variables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product

from riskset_common.study.patients import Integers, Patients
from riskset_common.study.study import Study, cross


def group_sizes(study: Study, names: Sequence[str]) -> tuple[int, ...]:
    """Number of levels of each variable."""
    return tuple(len(study.levels(name)) for name in names)


def n_groups(study: Study, names: Sequence[str]) -> int:
    """Number of combinations of levels; 1 without variables."""
    return math.prod(group_sizes(study, names))


def group_levels(study: Study, names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Levels of each group in the order of the group codes, the first variable varying slowest."""
    for levels in product(*(study.levels(name) for name in names)):
        yield dict(zip(names, levels, strict=True))


def group_codes(study: Study, patients: Patients, names: Sequence[str]) -> Integers:
    """Code of each patient's group, shape (n,)."""
    return cross(
        (patients.categories[name] for name in names), group_sizes(study, names), patients.n
    )


def group_name(levels: dict[str, str]) -> str:
    """A group in a table's heading: its levels, or 'all' where there is only one group."""
    return " / ".join(levels.values()) or "all"
