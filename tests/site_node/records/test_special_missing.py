"""Missing values of several kinds, as SAS, SPSS and Stata have them: they do not vanish beside an empty cell in a date of an event."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from riskset_common.study.patients import NO_DATE, UNKNOWN_DAY
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.reading import read_records

N = 3
DIAGNOSED, DIED = 58_000, 58_100
"""Days since 1858-11-17, for files that count from different days."""


def _days(numbers, day_0):
    zero = (day_0 - datetime.date(1858, 11, 17)).days
    return [np.nan if np.isnan(number) else number - zero for number in numbers]


def _spss(path):
    count = lambda numbers: [day * 86_400 for day in _days(numbers, datetime.date(1582, 10, 14))]  # noqa: E731
    unknown = 99.0
    pyreadstat.write_sav(
        pd.DataFrame(
            {
                "pat": ["a", "b", "c"],
                "diagnosed": count([DIAGNOSED] * N),
                "died": [*count([DIED, np.nan]), unknown],
                "sex": [1.0, 2.0, 9.0],
                "age": [5.0, 99.0, np.nan],
            }
        ),
        str(path),
        variable_format={"diagnosed": "EDATE10", "died": "DATE11"},
        missing_ranges={"died": [unknown], "age": [99]},
        variable_value_labels={"sex": {9.0: "not asked"}},
    )
    return "user-missing 1"


def _stata(path):
    count = lambda numbers: _days(numbers, datetime.date(1960, 1, 1))  # noqa: E731
    pyreadstat.write_dta(
        pd.DataFrame(
            {
                "pat": ["a", "b", "c"],
                "diagnosed": count([DIAGNOSED] * N),
                "died": [*count([DIED, np.nan]), "u"],
                "sex": [1, 2, 9],
                "age": [5.0, "z", np.nan],
            }
        ),
        str(path),
        version=15,
        variable_format={"diagnosed": "%td", "died": "%td"},
        missing_user_values={"died": ["u"], "age": ["z"]},
        variable_value_labels={"sex": {9: "not asked"}},
    )
    return ".u"


def _sas(path):
    count = lambda numbers: _days(numbers, datetime.date(1960, 1, 1))  # noqa: E731
    pyreadstat.write_xport(
        pd.DataFrame(
            {
                "pat": ["a", "b", "c"],
                "diagnosed": count([DIAGNOSED] * N),
                "died": count([DIED, np.nan, np.nan]),
                "sex": [1.0, 2.0, 9.0],
                "age": [5.0, np.nan, np.nan],
            }
        ),
        str(path),
        variable_format={"diagnosed": "DATE9", "died": "DATE9"},
    )
    content = path.read_bytes()
    plain = b"\x2e" + bytes(7)
    # The second patient's died and age, and the third's.
    before, first, second, third, after = content.split(plain)
    path.write_bytes(
        before + plain + first + b"Z" + bytes(7) + second + b"U" + bytes(7) + third + plain + after
    )
    return ".U"


WRITERS = {"spss": _spss, "stata": _stata, "sas": _sas}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_special_missing_date_of_an_event_is_asked_for(site, tmp_path, kind):
    path = tmp_path / "patients.bin"
    sign = WRITERS[kind](path)
    node = """
        source: {{kind: {kind}, path: {path}}}
        patient: pat
        columns:
          diagnosed: diagnosed
          died: {{from: died, {died}}}
          sex: {{from: sex, codes: {{1: male, 2: female}}}}
          age: age
        absent: {{remission: x, relapse: x, seen: x}}
        """
    asked, told = (
        read_records(
            site.node(node.format(kind=kind, path=path, died=died)), site.codebook(), site.TODAY
        )
        for died in ("missing: []", f"day_unknown: [{sign}]")
    )
    unclear = [each for each in asked.findings if each.kind is FindingKind.UNCLEAR_MISSING]
    unmapped = [each for each in told.findings if each.kind is FindingKind.UNMAPPED_CODE]
    label = "" if kind == "sas" else ' ("not asked")'

    assert [(sign,)] == [each.values for each in unclear]
    assert [(f"9{label}",)] == [each.values for each in unmapped]
    assert 1 == len(told.findings)
    assert [DIED - 40_587, NO_DATE, UNKNOWN_DAY] == told.patients.dates["died"].tolist()
    assert [True, False, False] == told.patients.known("age").tolist()
