"""The least codebook and plan: one curve of everybody. For tests of what is done with a plan, whatever it asks.

A test that asks more writes its variables and analyses with `codebook_of` and `plan_of`.
"""

from __future__ import annotations


def codebook_of(*variables: str, derived: str = "") -> str:
    """codebook.yaml with survival and further variables, each as its line; `derived` is the line of a derived one."""
    lines = "".join(f"\n  {line}" for line in variables)
    return f"""
codebook: small
version: 1
variables:
  time:   {{kind: number, label: Time, unit: days, required: true}}
  status: {{kind: category, label: Status, levels: {{alive: Alive, dead: Dead}}, required: true}}{lines}
{f"derived:{chr(10)}  {derived}" if derived else ""}"""


def plan_of(*analyses: str) -> str:
    """plan.yaml with the endpoint OS and some analyses, each as its line."""
    lines = "".join(f"  - {line}\n" for line in analyses)
    return f"""
plan: small-main
version: 1.0.0
codebook: small@1
time: {{unit: days}}
conventions: r
endpoints:
  OS:
    label: Overall survival
    time: {{variable: time}}
    status: {{variable: status, events: {{death: [dead]}}}}
analyses:
{lines}"""


CODEBOOK = codebook_of()
PLAN = plan_of("{id: os, kind: kaplan_meier, endpoint: OS}")
