"""A site whose policy is changed while its node runs: it acts at once, and log, status and doctor say what happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskset_node.commands.riskset_node import app


def told(command: str, node: Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [command, str(node)])
    return done.exit_code, done.stdout


@pytest.fixture
def node(two_sites):
    """node.yaml of a site; it is again as it was after the test, and its node runs."""
    file = two_sites.federation.folder / "sites" / "inst-02" / "node.yaml"
    text = file.read_text(encoding="utf-8")
    two_sites.all_connected()
    yield file
    file.write_text(text, encoding="utf-8")


def test_a_policy_that_is_changed_refuses_the_next_run_and_everybody_at_the_site_can_read_why(
    two_sites, node
) -> None:
    text = node.read_text(encoding="utf-8")
    node.write_text(text.replace("  minimum_sites: 2\n", "  minimum_sites: 9\n"), encoding="utf-8")
    refused_run = two_sites.start_run()
    refused = two_sites.watch(refused_run)
    node.write_text(text, encoding="utf-8")
    finished_run = two_sites.start_run()
    finished = two_sites.watch(finished_run)
    two_sites.until_log("inst-02", f"UTC  ended run {finished_run}, ncctg-lung 1.0.0: Survival in")
    status = told("status", node)
    node.write_text(text + "polisy: {}\n", encoding="utf-8")
    broken, doctor = told("status", node), told("doctor", node)
    node.write_text(text, encoding="utf-8")
    two_sites.kill("inst-02")
    killed = told("status", node)
    two_sites.federation.start("inst-02")
    log = two_sites.federation.log("inst-02")
    reason = "policy.minimum_sites: 2 in this run (inst-01, inst-02), here at least 9."

    assert finished.endswith(": finished")
    assert "site inst-02: refused (policy)" in refused
    assert 0 == status[0]
    for said in (reason, "connected; it last answered", "ended on", "purpose: Shows riskset"):
        assert said in status[1]
    for said in (
        "policy changed: policy.minimum_sites: 2 -> 9.",
        f"WARNING refused run {refused_run}",
        reason,
    ):
        assert said in log
    assert broken[1].startswith("node.yaml     is broken: ")
    assert (1, True) == (doctor[0], doctor[1].startswith("FAIL  node.yaml"))
    assert "does not run: it was killed" in killed[1]
    assert "not connected; it last answered" in killed[1]
