"""The least codebook and plan: one curve of everybody. For tests of what is done with a plan, whatever it asks."""

from __future__ import annotations

CODEBOOK = """
codebook: small
version: 1
variables:
  time:   {kind: number, label: Time, unit: days}
  status: {kind: category, label: Status, levels: {alive: Alive, dead: Dead}}
"""

PLAN = """
plan: small-main
version: 1.0.0
codebook: small@1
time: {unit: days}
conventions: r
endpoints:
  OS: {label: Survival, time: {variable: time}, status: {variable: status, events: {death: [dead]}}}
analyses:
  - {id: os, kind: kaplan_meier, endpoint: OS}
"""
