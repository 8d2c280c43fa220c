"""The report of a run: tables, figures and methods in the journal's form, from results.json alone."""

from __future__ import annotations

from riskset_server.report.build import build_report

__all__ = ["build_report"]
