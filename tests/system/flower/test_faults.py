"""Processes that are killed in the middle of a run, sites that are not admitted, and what then becomes of the run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes
from subprocess import CompletedProcess, run

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.runs import finished_results, plan_with

from riskset_common.consortium.invitation import Enrolment, Invitation, read_file, write_file
from riskset_embedded.federation import is_alive, is_healthy, pin
from riskset_node.enrolment.joining import join_folder
from riskset_server.store import Runs, open_database


@contextmanager
def waiting_for_one_site(deployed) -> Iterator[int]:
    """A run in which all sites but one have answered the offer, and that one is frozen until the block ends."""
    deployed.signal("inst-04", signal.SIGSTOP)
    try:
        number = deployed.start_run()
        deployed.until_status(number, "join: 3 of 4 sites")
        yield number
    finally:
        deployed.signal("inst-04", signal.SIGCONT)


def riskset_node(deployed, command: str, site: str, *options: str) -> CompletedProcess[str]:
    """A command of the site's own people."""
    node = deployed.federation.folder / "sites" / site / "node.yaml"
    return run(
        [sys.executable, "-m", "riskset_node", command, str(node), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def driver_of(deployed) -> int:
    """The process that drives a run: what the SuperExec started. Its command, which every user of a machine sees, bears no token."""
    parent = deployed.federation.processes["superexec"]
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    (driver,) = [
        int(pid)
        for pid in children
        if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"\0centre\0drive\0")
    ]
    return driver


def test_a_node_that_is_killed_with_a_question_in_hand_is_asked_again(four_sites) -> None:
    four_sites.all_connected()
    with waiting_for_one_site(four_sites) as number:
        four_sites.kill("inst-04")
        four_sites.federation.start("inst-04")

    assert f"run {number}: finished" == four_sites.watch(number)
    assert four_sites.expected == four_sites.results(number)


def test_a_run_whose_driver_is_killed_goes_on_with_the_answers_it_has(four_sites) -> None:
    four_sites.all_connected()
    with waiting_for_one_site(four_sites) as number:
        os.kill(driver_of(four_sites), signal.SIGKILL)
        early = four_sites.command("run", "resume", str(number))
        stopped = four_sites.command("run", "stop", str(number))
    resumed = four_sites.command("run", "resume", str(number), "--watch")

    assert (1, "") == (early.returncode, early.stdout)
    assert "its driver is alive" in early.stderr
    assert f"run {number}: stopped\n" == stopped.stdout
    assert resumed.stdout.endswith(f"run {number}: finished\n")
    assert four_sites.expected == four_sites.results(number)


def test_a_run_that_is_stopped_while_it_waits_goes_on_when_it_is_resumed(four_sites) -> None:
    four_sites.all_connected()
    with waiting_for_one_site(four_sites) as number:
        stopped = four_sites.command("run", "stop", str(number))
        state = four_sites.state(number)
    resumed = four_sites.command("run", "resume", str(number), "--watch")

    assert (f"run {number}: stopped\n", "stopped") == (stopped.stdout, state)
    assert resumed.stdout.endswith(f"run {number}: finished\n")
    assert four_sites.expected == four_sites.results(number)


def test_a_node_that_its_people_stop_and_start_goes_on_in_the_middle_of_a_run(four_sites) -> None:
    four_sites.all_connected()
    with waiting_for_one_site(four_sites) as number:
        stopped = riskset_node(four_sites, "stop", "inst-02")
        four_sites.federation.start("inst-02")

    assert (0, "ended\n") == (stopped.returncode, stopped.stdout[-6:])
    assert f"run {number}: finished" == four_sites.watch(number)
    assert four_sites.expected == four_sites.results(number)


def test_a_run_waits_for_a_node_that_its_people_paused(four_sites) -> None:
    four_sites.all_connected()
    before = four_sites.federation.log("inst-02").count("paused: ")
    paused = riskset_node(four_sites, "pause", "inst-02")
    try:
        four_sites.until(
            lambda: four_sites.federation.log("inst-02").count("paused: ") > before, "the pause"
        )
        number = four_sites.start_run()
        four_sites.until_status(number, "join: 3 of 4 sites")
    finally:
        on = riskset_node(four_sites, "pause", "inst-02", "--end")

    assert (0, 0) == (paused.returncode, on.returncode)
    assert f"run {number}: finished" == four_sites.watch(number)
    assert four_sites.expected == four_sites.results(number)


def test_two_runs_at_one_time_have_streams_of_their_own_and_both_are_right(four_sites) -> None:
    four_sites.all_connected()
    before = four_sites.pushed_replies()
    with waiting_for_one_site(four_sites) as first:
        second = four_sites.start_run()
        four_sites.until_status(second, "join: 3 of 4 sites")
    ended = [four_sites.watch(number) for number in (first, second)]

    assert [f"run {number}: finished" for number in (first, second)] == ended
    assert {four_sites.expected} == {four_sites.results(number) for number in (first, second)}
    # Each site answers the offer by message, perhaps twice; all else rides on the streams.
    assert four_sites.pushed_replies() - before <= 2 * 2 * 4


def test_a_run_and_the_superexec_outlive_the_superlink(four_sites) -> None:
    four_sites.all_connected()
    with waiting_for_one_site(four_sites) as number:
        four_sites.kill("superlink")
        four_sites.federation.start("superlink")
        four_sites.until(lambda: is_healthy(four_sites.federation.centre), "the SuperLink")
    ended = four_sites.watch(number)
    if not ended.endswith("finished"):
        # Flower may give the driver up meanwhile; what was received is kept.
        ended = four_sites.command("run", "resume", str(number), "--watch").stdout.strip()
    another = four_sites.start_run("--watch")
    superexec = four_sites.federation.processes["superexec"]

    assert ended.endswith(f"run {number}: finished")
    assert four_sites.expected == four_sites.results(number) == four_sites.results(another)
    assert is_alive(superexec)
    assert "the SuperLink answers again" in four_sites.federation.log("superexec")
    for log in map(four_sites.federation.log, ("superexec", "superlink")):
        assert "Traceback" not in log
        assert "\x1b" not in log


def test_a_blind_model_goes_on_when_a_member_of_its_committee_was_killed(
    four_sites, tmp_path
) -> None:
    four_sites.all_connected()
    terms = [{"factor": "sex", "reference": "male"}, {"number": "age"}]
    model = {"id": "pooled", "kind": "cox", "endpoint": "OS", "terms": terms}
    one_model = plan_with(analyses=[model], displays=None)
    shutil.copytree(four_sites.study, tmp_path / "study")
    one_model(tmp_path / "study")
    plan, codebook = tmp_path / "study" / "plan.yaml", four_sites.study / "codebook.yaml"
    pin(four_sites.federation.folder, plan, codebook)
    number = int(
        four_sites.command("run", "start", plan, "--codebook", codebook)
        .stdout.splitlines()[0]
        .removeprefix("run ")
    )
    four_sites.until(lambda: _blind_step(four_sites, number) > 5, "the blind model", 90)
    four_sites.kill("inst-02")
    four_sites.federation.start("inst-02")
    local = finished_results(four_sites.study, one_model)

    assert f"run {number}: finished" == four_sites.watch(number)
    here, there = (
        [term["coef"] for term in json.loads(text)["analyses"]["pooled"]["terms"]]
        for text in (local.read_bytes(), four_sites.results(number))
    )
    # Masks are drawn anew, and the last of 64 binary digits is rounded by them.
    assert here == pytest.approx(there, rel=1e-9)


def _blind_step(deployed, number: int) -> int:
    """The last step of the blind models that somebody answered."""
    database = open_database(deployed.federation.centre.store)
    steps = [each.step for each in Runs(database).arrived(number) if each.answered]
    database.close()
    return max((int(step.rpartition("-")[2]) for step in steps if "-blind-" in step), default=0)


def test_a_node_with_a_key_that_nobody_admitted_waits_and_takes_no_part(four_sites) -> None:
    sites = four_sites.federation.folder / "sites"
    shutil.copytree(sites / "inst-01", sites / "stranger", ignore=shutil.ignore_patterns("state"))
    key = ec.generate_private_key(ec.SECP384R1())
    (sites / "stranger" / "connection.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    four_sites.federation.start("stranger")
    four_sites.until_log("stranger", "its connection key is not registered there")
    listed = four_sites.command("site", "list").stdout

    assert "stranger" not in listed
    assert "waiting for a run" not in four_sites.federation.log("stranger")
    four_sites.kill("stranger")


def test_a_revoked_site_is_shut_out_at_once_and_comes_back_with_new_keys_only(
    four_sites, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    four_sites.all_connected()
    home = four_sites.federation.folder / "sites" / "inst-02"
    revoked = four_sites.command("site", "revoke", "inst-02")
    four_sites.until_log("inst-02", "the centre no longer knows this node")
    listed = four_sites.command("site", "list").stdout
    four_sites.command("site", "invite", "inst-02", "--study-group", "NCCTG 02")
    invitation = read_file(Invitation, tmp_path / "inst-02.invite")
    old = read_file(Enrolment, home / "inst-02.enrolment").model_copy(
        update={"token": invitation.token}
    )
    new = join_folder(invitation, tmp_path / "new", random=token_bytes)

    def admit(enrolment: Enrolment, read_out: str) -> tuple[int, str]:
        write_file(enrolment, tmp_path / "enrolment")
        done = four_sites.command("site", "admit", "enrolment", "--fingerprint", read_out)
        return done.returncode, done.stdout.partition(";")[0]

    misheard = admit(new, "12345")
    with_old_keys = admit(old, old.fingerprint)
    with_new_keys = admit(new, new.fingerprint)
    for key in ("site.key", "connection.key"):
        shutil.copy(tmp_path / "new" / key, home)
    four_sites.send_roster()
    for name in four_sites.federation.sites:
        four_sites.kill(name)
        four_sites.federation.start(name)
    four_sites.all_connected()

    assert revoked.stdout.startswith("inst-02: revoked")
    assert "inst-02              revoked" in listed
    assert (3, "") == misheard
    assert (1, "") == with_old_keys
    assert (0, "inst-02: admitted") == with_new_keys
