"""What a person at the terminal sees of a run beside its results: notices and progress on stderr, the report's path on stdout."""

from __future__ import annotations

import errno
import json
import sqlite3
from pathlib import Path

import pytest
from tests.system.end_to_end.small_study import SITES, SmallStudy, command

from riskset_common.errors import InputError, NodeConfigError
from riskset_common.estimators.read_back import results_from_json
from riskset_common.results.as_json import to_text
from riskset_embedded import local_run
from riskset_embedded.local_run import read_nodes, read_study, run_files, run_for_results
from riskset_embedded.output_folder import write_folder
from riskset_embedded.run_folder import RunFolder


def run_aloud(study: SmallStudy):
    files = {"plan": study.plan, "codebook": study.codebook, "nodes": study.nodes, "out": study.out}
    options = [text for name, path in files.items() for text in (f"--{name}", str(path))]
    return command("run", "local", *options)


def test_progress_goes_to_stderr_and_the_reports_path_to_stdout(study: SmallStudy) -> None:
    ended = run_aloud(study)

    assert 0 == ended.exit_code, ended.stderr
    assert f"{study.out / 'report.html'}\n" == ended.stdout
    assert (study.out / "report.html").exists()
    assert "sites joined" in ended.stderr
    assert f"{len(SITES)}/{len(SITES)}" in ended.stderr
    assert "numbers" in ended.stderr


def test_a_quiet_run_says_nothing_but_the_reports_path(study: SmallStudy) -> None:
    ended = study.run()

    assert "" == ended.stderr
    assert f"{study.out / 'report.html'}\n" == ended.stdout


def test_where_an_earlier_run_went_is_told(study: SmallStudy) -> None:
    study.run()
    ended = run_aloud(study)

    assert f"What was in {study.out} is now in {study.out}.before-1.\n" in ended.stderr
    assert json.loads((study.out / "results.json").read_text(encoding="utf-8"))


def test_settings_without_effect_here_are_told_once(study: SmallStudy) -> None:
    for site in SITES[:2]:
        study.change_yaml(study.node(site), lambda content: content.update(state="state"))
    said = run_aloud(study).stderr

    assert 1 == said.count("Without effect in a local run")
    assert "share this machine: state.\n" in said


def test_the_folder_holds_plan_codebook_and_a_log_of_events_without_values(
    finished: SmallStudy,
) -> None:
    names = {path.name for path in finished.out.iterdir()}
    events = [
        json.loads(line)
        for line in (finished.out / "log.jsonl").read_text(encoding="utf-8").splitlines()
    ]

    assert {"results.json", "report.html", "plan.json", "codebook.json", "log.jsonl"} <= names
    assert {"figures", "tables", "transcript", "outboxes"} <= names
    assert {"session_joined", "summary_sent", "opening_checked", "session_closed"} == {
        event["event"] for event in events
    }
    assert set(SITES) == {event["site"] for event in events}
    assert {
        *("site", "run", "plan", "version", "title", "round", "numbers", "event", "timestamp")
    } == set().union(*events)


def test_a_run_from_python_gives_the_finished_folder(study: SmallStudy) -> None:
    files = study.plan, study.codebook, study.nodes, study.out

    assert study.out == run_files(*files, quiet=True)


def test_a_run_for_its_results_gives_those_of_the_folder_and_leaves_nothing(
    finished: SmallStudy, study: SmallStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(study.folder.rglob("*"))
    results = run_for_results(study.plan, study.codebook, study.nodes)

    assert (finished.out / "results.json").read_text(encoding="utf-8") == to_text(results)
    assert before == sorted(study.folder.rglob("*"))
    assert ("", "") == capsys.readouterr()


def test_the_folder_written_from_results_is_that_of_a_run_without_what_only_a_run_leaves(
    finished: SmallStudy, study: SmallStudy, tmp_path: Path
) -> None:
    of_files = read_study(study.plan, study.codebook, study.nodes)
    results = json.loads((finished.out / "results.json").read_text(encoding="utf-8"))
    out = tmp_path / "written"
    out.mkdir()
    write_folder(out, results_from_json(results), of_files.plan, of_files.codebook)

    left = {"log.jsonl", "transcript", "outboxes"}
    assert {path.name for path in finished.out.iterdir()} == left | {
        path.name for path in out.iterdir()
    }
    for path in out.rglob("*"):
        if path.is_file():
            assert (finished.out / path.relative_to(out)).read_bytes() == path.read_bytes()


def test_both_endings_of_yaml_are_read_in_the_order_of_their_names(study: SmallStudy) -> None:
    study.node("west").rename(study.nodes / "a.yml")

    assert ["west", "east", "north", "south"] == [config.site for config in read_nodes(study.nodes)]


def test_a_folder_without_nodes_is_told(tmp_path: Path) -> None:
    with pytest.raises(NodeConfigError, match=r"there is no \*\.yaml file"):
        read_nodes(tmp_path)


def test_a_signing_key_that_is_none_is_told_with_its_site_and_file(study: SmallStudy) -> None:
    key = study.node(SITES[0]).with_name("broken.key")
    key.write_text("no key", encoding="ascii")
    study.change_yaml(study.node(SITES[0]), lambda node: node.update(identity={"key": str(key)}))
    ended = study.run()

    assert 0 != ended.exit_code
    assert f"site {SITES[0]}: identity.key {key}: The identity key cannot be read" in ended.stderr


def test_a_second_process_on_one_run_is_refused_and_the_first_goes_on(study: SmallStudy) -> None:
    at_work = study.out.with_name("out.run")
    refused = []

    def meanwhile(*_: object) -> None:
        with pytest.raises(InputError) as error, RunFolder(at_work, continued=True).alone():
            pass
        refused.append(str(error.value))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(local_run._Bars, "opened", meanwhile)
        ended = study.run()

    assert 0 == ended.exit_code, ended.stderr
    assert refused
    assert f"{at_work}: another process is at work on this run." in refused[0]
    assert not at_work.exists()


def _no_room_for_a_file() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def _no_room_for_a_state() -> None:
    database = sqlite3.connect(":memory:")
    try:
        database.execute("PRAGMA max_page_count = 1")
        database.execute("CREATE TABLE kept (number INTEGER)")
        database.execute("CREATE TABLE more (number INTEGER)")
    finally:
        database.close()


@pytest.mark.parametrize("no_room", [_no_room_for_a_file, _no_room_for_a_state])
def test_a_full_disk_is_told_and_the_same_command_goes_on(study: SmallStudy, no_room) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(local_run._Bars, "opened", lambda *_: no_room())
        full = study.run()
    left = sorted(
        path.name for path in study.folder.iterdir() if path.name.startswith(("out", "."))
    )
    ended = study.run()

    assert 1 == full.exit_code
    assert (
        f"error: --out {study.out}: the disk is full. Make room and give the same command again"
        in full.stderr
    )
    assert ["out.run"] == left
    assert 0 == ended.exit_code, ended.stderr


def test_a_fault_that_is_no_full_disk_is_not_called_one(study: SmallStudy, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(local_run._Bars, "opened", broken)
    with pytest.raises(OSError, match="Input/output error"):
        run_files(study.plan, study.codebook, study.nodes, study.out, quiet=True)

    assert not study.out.exists()
