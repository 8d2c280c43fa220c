"""Findings on a terminal of 80 columns: nothing of what to write is cut off."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

from rich.console import Console

from riskset_node.commands.listings import show_findings
from riskset_node.finding_kinds import FindingKind
from riskset_node.records.findings import Finding, Severity

KEY = "data.columns.a_variable_with_quite_a_long_name.did_not_happen"


def test_a_key_that_is_longer_than_its_column_is_broken_and_never_cut():
    finding = Finding(
        kind=FindingKind.PLACEHOLDER_DATE,
        severity=Severity.ERROR,
        about=("x",),
        rows=2,
        ids_of="patients",
        local_ids=("P" * 60, "Q"),
        values=("v" * 90,),
        more_values=0,
        found="x holds dates far from all others",
        advice=f"Write them under {KEY}.",
    )
    patients: Any = SimpleNamespace(n=2, categories=(), numbers=(), dates=())
    records: Any = SimpleNamespace(
        patients=patients, read=("x",), not_read=(), by_name=(), not_held=()
    )
    screen = io.StringIO()
    show_findings(Console(file=screen, width=80), "here", records, [finding])
    lines = screen.getvalue().splitlines()
    cells = [line.split("│") for line in lines if line.startswith("│")]

    assert all(len(line) <= 80 for line in lines)
    assert KEY in "".join(cell[3].strip() for cell in cells)
    found = "".join(cell[2].strip() for cell in cells)
    assert "v" * 90 in found
    assert "P" * 60 in found
