"""The references themselves: what is shipped is found, and what is left out is left out for a reason that is written down."""

from __future__ import annotations

from collections import Counter


def test_every_shipped_set_is_read(shipped):
    assert {"lung", "rossi", "edge_left_trunc", "edge_huge_ties", "edge_time0"} <= {
        reference.analysis["dataset"] for reference in shipped
    }
    expected = {"km": 16, "reverse_km": 5, "logrank": 16, "cox": 37, "table": 2, "cif": 3}

    assert expected | {"fine_gray": 2} == Counter(
        reference.analysis["kind"] for reference in shipped
    )


def test_every_reason_to_leave_an_analysis_out_has_its_case(left_out):
    assert all(count > 0 for count in left_out.values())
