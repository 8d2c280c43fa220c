"""A folder for data sets, and a trial of the shape of CDISC's pilot."""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cdisc_files import Columns, DataSets


@pytest.fixture
def folder(tmp_path: Path) -> DataSets:
    """An empty folder for data sets."""
    return DataSets(tmp_path)


@dataclass(frozen=True)
class Trial:
    """A trial of the shape of CDISC's pilot: 254 subjects, one parameter, AVAL one day more than the dates say."""

    adsl: Columns
    adtte: Columns
    days: Mapping[str, int]
    events: Mapping[str, int]


@pytest.fixture(scope="session")
def pilot() -> Trial:
    """Subjects in an order of their own in each file, as after two sorts."""
    draw = random.Random(254)
    names = [f"01-7{draw.randrange(10, 18)}-{number}" for number in range(1001, 1255)]
    days = {name: min(1 + int(draw.expovariate(1 / 90)), 200) for name in names}
    events = {name: int(draw.random() < 0.6) for name in names}
    begun = {
        name: datetime.date(2012, 7, 1) + datetime.timedelta(days=draw.randrange(700))
        for name in names
    }
    later = sorted(names, key=lambda name: name[::-1])
    adtte: Columns = {
        "STUDYID": ["CDISCPILOT01"] * len(later),
        "USUBJID": later,
        "AGE": [50 + len(name) for name in later],
        "PARAM": ["Time to First Dermatologic Event"] * len(later),
        "PARAMCD": ["TTDE"] * len(later),
        "AVAL": [days[name] + 1 for name in later],
        "STARTDT": [begun[name] for name in later],
        "ADT": [begun[name] + datetime.timedelta(days=days[name]) for name in later],
        "CNSR": [1 - events[name] for name in later],
        "EVNTDESC": [
            "Dermatologic Event" if events[name] else "Study Completion Date" for name in later
        ],
    }
    adsl: Columns = {
        "STUDYID": ["CDISCPILOT01"] * len(names),
        "USUBJID": names,
        "SEX": [draw.choice("FM") for _ in names],
        "TRTSDT": [begun[name] for name in names],
    }
    return Trial(adsl, adtte, days, events)
