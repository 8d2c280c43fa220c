"""Checking a report: do its numbers add up, agree with one another, and come from results.json."""

from __future__ import annotations

from riskset_server.report_check.check import CHECKS, check_report
from riskset_server.report_check.disagreement import Disagreement

__all__ = ["CHECKS", "Disagreement", "check_report"]
