"""A site's own Table 1."""

from __future__ import annotations

import datetime

from riskset_node.records.profile import profile

ROWS = """
    1,2010-01-01,,,,2012-01-01,male,1
    2,2010-03-01,,,,2013-01-01,male,3
    3,2010-02-01,,,,,female,7
    4,2010-02-01,,,,,,
    """


def test_a_profile_counts_levels_quartiles_days_and_the_missing(site):
    rows = {row.name: row for row in profile(site.records(ROWS).patients, site.codebook(), "NOPHO")}

    assert ({"male": 2, "female": 1}, 3, 1) == (
        rows["sex"].counts,
        rows["sex"].known,
        rows["sex"].missing,
    )
    assert ("months", (2.0, 3.0, 5.0)) == (rows["age"].unit, rows["age"].quartiles)
    assert (datetime.date(2012, 1, 1), datetime.date(2013, 1, 1)) == rows["seen"].days
    assert (None, 0, 4) == (rows["relapse"].days, rows["relapse"].known, rows["relapse"].missing)
    assert {"< 6": 2, ">= 6": 1} == rows["age_2"].counts
    assert {"north": 4, "south": 0} == rows["region"].counts
    assert 3 == rows["girl"].missing


def test_a_site_without_patients_has_an_empty_profile(site):
    rows = profile(site.records("").patients, site.codebook(), "NOPHO")

    assert {0} == {row.known + row.missing for row in rows}
    assert all(row.quartiles is None and row.days is None for row in rows)
