"""`riskset-node status`, `pause` and `doctor`, also while node.yaml is broken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from riskset_common.errors import PolicyRefusal
from riskset_node.commands.riskset_node import app
from riskset_node.config import state_written_in
from riskset_node.connection.standing import is_paused
from riskset_node.session.service import STATE_FILE
from riskset_node.state.node_state import NodeState
from riskset_node.state.refusals import RefusedMessage

NOW = datetime(2026, 11, 30, 22, 14, 5, tzinfo=UTC)
NODE = "site: dcog\nstudy_group: NOPHO\ndata: {source: {kind: csv, path: patients.csv}}\n"


@pytest.fixture
def node(tmp_path):
    """node.yaml of a site that refused a run."""
    file = tmp_path / "node.yaml"
    file.write_text(NODE + "state: kept  # by the node\n", encoding="utf-8")
    (tmp_path / "kept").mkdir()
    state = NodeState(tmp_path / "kept" / STATE_FILE)
    state.refusals.write(RefusedMessage("Offer", bytes(32), 7, 0), PolicyRefusal("Renew it."), NOW)
    state.close()
    return file


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_status_tells_a_refusal_in_full(node):
    done = run("status", node)

    assert 0 == done.exit_code
    assert "refused run 7 on 2026-11-30 22:14:05 UTC, because: Renew it.\n" in done.stdout


@pytest.mark.parametrize("broken", ["policy: {minimum_cel: 9}\n", "policy: {\n", "site: again\n"])
def test_a_broken_node_yaml_is_told_and_its_node_can_be_looked_at_and_paused(node, broken):
    node.write_text(node.read_text(encoding="utf-8") + broken, encoding="utf-8")
    done, paused, doctor = run("status", node), run("pause", node), run("doctor", node)

    assert (0, 0, 1) == (done.exit_code, paused.exit_code, doctor.exit_code)
    assert done.stdout.startswith("node.yaml     is broken: ")
    assert "refused run 7" in done.stdout
    assert is_paused(node.parent / "kept")
    assert doctor.stdout.startswith("FAIL  node.yaml")


def test_without_a_folder_that_is_there_a_broken_node_yaml_is_an_error(node):
    node.write_text(NODE + "state: elsewhere\npolicy: {\n", encoding="utf-8")
    done = run("status", node)

    assert (1, "") == (done.exit_code, done.stdout)
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ("state: kept", "kept"),
        ('state: "a folder"  # here', "a folder"),
        ("state:  'kept' ", "kept"),
        ("data:\n  state: no", None),
        ("# state: no", None),
        ("state:", None),
    ],
)
def test_the_folder_of_the_state_is_found_in_a_broken_file(tmp_path, line, folder):
    file = tmp_path / "node.yaml"
    file.write_text(f"site: {{\n{line}\npolicy: {{\n", encoding="utf-8")

    assert (None if folder is None else tmp_path / folder) == state_written_in(file)
    assert None is state_written_in(tmp_path / "none.yaml")
