"""Everything a person can get wrong: the command says what, where, what was found and what to do, and leaves all as it was."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.system.end_to_end.small_study import SITES, SmallStudy, command, write_small_study
from typer.testing import CliRunner

from riskset_common.primitives.signing import Identity
from riskset_server.commands.riskset import app

CENTRE, STRANGER = Identity.from_random(b"c" * 32), Identity.from_random(b"s" * 32)


@pytest.fixture
def study(tmp_path: Path) -> SmallStudy:
    return write_small_study(tmp_path)


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong: how it comes about, what the command ends with, and what it must say."""

    name: str
    change: Callable[[SmallStudy], object]
    exit_code: int
    said: tuple[str, ...]


def plan(old: str, new: str) -> Callable[[SmallStudy], object]:
    return lambda study: study.change(study.plan, old, new)


def codebook(old: str, new: str) -> Callable[[SmallStudy], object]:
    return lambda study: study.change(study.codebook, old, new)


def row(text: str, site: str = "north") -> Callable[[SmallStudy], object]:
    return lambda study: study.add_row(site, text)


def node(change: Callable[[Any], object], *sites: str) -> Callable[[SmallStudy], object]:
    def change_each(study: SmallStudy) -> None:
        for site in sites or ("north",):
            study.change_yaml(study.node(site), change)

    return change_each


def policy(*sites: str, **fields: Any) -> Callable[[SmallStudy], object]:
    return node(lambda content: content["policy"].update(fields), *(sites or ("north",)))


def file(text: str) -> Callable[[SmallStudy], object]:
    return lambda study: study.rows("north").write_text(text, encoding="utf-8")


def with_entry(study: SmallStudy) -> None:
    """Time under observation begins at `entry`, and one patient's begins after it ended."""
    study.change(study.codebook, "variables:", "variables:\n  entry: {kind: number, label: Entry}")
    study.change(
        study.plan, "time: {variable: time}", "time: {variable: time}\n    entry: {variable: entry}"
    )
    for site in SITES:
        lines = study.rows(site).read_text(encoding="utf-8").splitlines()
        entries = ["entry", *("5" for _ in lines[2:]), "5000" if site == "north" else "5"]
        both = [f"{line},{entry}" for line, entry in zip(lines, entries, strict=True)]
        study.rows(site).write_text("\n".join(both) + "\n", encoding="utf-8")


def decimal_commas(study: SmallStudy) -> None:
    text = study.rows("north").read_text(encoding="utf-8").replace(",", ";")
    study.rows("north").write_text(re.sub(r";(\d\d);(f?e?male)", r";\1,5;\2", text), "utf-8")
    study.change_yaml(
        study.node("north"), lambda content: content["data"]["source"].update(delimiter=";")
    )


def pins(key: Identity) -> Callable[[SmallStudy], object]:
    return node(lambda content: content.update(centre={"key": key.public_text}))


def signed(then: Callable[[SmallStudy], object]) -> Callable[[SmallStudy], object]:
    """Sign the plan, then change something."""

    def change(study: SmallStudy) -> None:
        key = study.folder / "centre.key"
        key.write_bytes(CENTRE.to_pem())
        files = [str(study.plan), "--codebook", str(study.codebook), "--key", str(key)]
        ended = CliRunner().invoke(app, ["plan", "sign", *files])
        if ended.exit_code != 0:
            raise AssertionError(ended.stderr)
        then(study)

    return change


def without_nodes(study: SmallStudy) -> None:
    for site in SITES:
        study.node(site).unlink()


def one_site_alone(study: SmallStudy) -> None:
    for site in SITES[1:]:
        study.node(site).unlink()
    policy("east", aggregation="secure")(study)


def different_reasons(study: SmallStudy) -> None:
    study.add_row("north", "n-1,-5,dead,50,male")
    study.change_yaml(study.node("east"), lambda content: content["policy"].update(minimum_sites=9))
    study.change_yaml(
        study.node("south"), lambda content: content["policy"].update(expires="2001-01-31")
    )
    study.rows("west").write_text("", encoding="utf-8")


def blind_where_none_is_allowed(study: SmallStudy) -> None:
    study.change(study.plan, "strata: [site]", "strata: []")
    policy("east", blind={"send": False})(study)


INPUT, REFUSED = 1, 3
PLANS = [
    Wrong("unknown variable", plan("variable: time}", "variable: tiem}"), INPUT,
          ("plan.yaml: endpoints.OS: 'tiem' is not in the codebook.", "Did you mean 'time'?")),
    Wrong("unknown level", plan("reference: male", "reference: males"), INPUT,
          ("plan.yaml: analysis cox: ", "'males'", "Did you mean 'male'?")),
    Wrong("unknown key", plan("by: sex, at", "bye: sex, at"), INPUT,
          ("plan.yaml: analyses.os_sex", "bye: unknown key. Did you mean 'by'?")),
    Wrong("duplicate key", plan("version: 1.0.0", "version: 1.0.0\nversion: 1.0.1"), INPUT,
          ("plan.yaml, line 4", "'version'")),
    Wrong("unquoted yes", codebook("{male: Male", "{yes: Male"), INPUT,
          ("codebook.yaml, line 8", "yes", "quotes")),
    Wrong("not YAML", lambda study: study.plan.write_text("plan: [", "utf-8"), INPUT,
          ("plan.yaml, line 1", "not YAML")),
    Wrong("not UTF-8", lambda study: study.codebook.write_bytes(b"codebook: caf\xe9\n"), INPUT,
          ("codebook.yaml: not UTF-8 at byte 13", "Save the file as UTF-8")),
    Wrong("a list", lambda study: study.plan.write_text("- plan", "utf-8"), INPUT,
          ("plan.yaml: the file must hold 'key: value' lines, but holds a list",)),
    Wrong("empty plan", lambda study: study.plan.write_text("", "utf-8"), INPUT,
          ("plan.yaml", "holds nothing")),
    Wrong("another codebook version", plan("small@1", "small@2"), INPUT,
          ("plan.yaml: codebook is 'small@2', but the codebook file is 'small@1'.",
           "Use the file that the plan names.")),
    Wrong("quorum", plan("conventions: r", "conventions: r\nquorum: {sites: 5, of: 9}"), REFUSED,
          ("quorum: the plan needs 5 sites, and 4 take part. Nothing was asked of them.",)),
    Wrong("unstratified Cox model", blind_where_none_is_allowed, REFUSED,
          ("site east: policy.blind.send: analysis cox", "Write send: true", "strata: [site]")),
    Wrong("plan changed after signing", signed(plan("at: [200, 400]", "at: [200]")), REFUSED,
          ("plan.yaml.sig: the plan (signed", "changed after signing", "riskset plan sign")),
    Wrong("codebook changed after signing", signed(codebook("label: Age", "label: Years")), REFUSED,
          ("plan.yaml.sig: the codebook (signed", "changed after signing")),
    Wrong("no signature in the file",
          lambda study: (study.folder / "plan.yaml.sig").write_text("mine", "utf-8"), INPUT,
          ("plan.yaml.sig: not a plan signature", "riskset plan sign")),
]  # fmt: skip
NODES = [
    Wrong("no nodes", without_nodes, INPUT,
          ("nodes: there is no *.yaml file", "Write one node.yaml for each site")),
    Wrong("two sites with one name", node(lambda content: content.update(site="east")), INPUT,
          ("north.yaml: site 'east' is also the name in", "east.yaml", "a name of its own")),
    Wrong("unknown key in node.yaml", node(lambda content: content.update(studygroup="x")), INPUT,
          ("north.yaml: studygroup: unknown key. Did you mean 'study_group'?",)),
    Wrong("missing file of a site", lambda study: study.rows("north").unlink(), INPUT,
          ("site north: ", "north.csv", "No such file")),
    Wrong("column that is missing", node(
        lambda content: content["data"].update(columns={"time": "tage", "status": "status", "age": "age", "sex": "sex"})
    ), INPUT, ("site north: ", "'tage'", "north.csv")),
    Wrong("unreadable identity key", node(lambda content: content.update(identity={"key": "absent.key"})),
          INPUT, ("site north: identity.key", "absent.key: the key cannot be read (No such file or directory)")),
    Wrong("another centre's key", pins(STRANGER), REFUSED,
          ("site north: The offer is signed with another key than that of the centre this site joined.",)),
    Wrong("exact release refused", policy("east", "north", release="rounded"), REFUSED,
          ("site east: policy.release: the plan asks for exact, here rounded.",
           "site north: policy.release: the plan asks for exact, here rounded.")),
    Wrong("minimum of sites", policy(minimum_sites=9), REFUSED,
          ("site north: policy.minimum_sites: 4 in this run (east, north, south, west), here at least 9.",
           "Wait for more sites.")),
    Wrong("one site alone", one_site_alone, REFUSED,
          ("site east: policy.aggregation: with one site in the run its numbers would be seen alone",)),
    Wrong("all for different reasons", different_reasons, REFUSED,
          ("site east: policy.minimum_sites: 4 in this run", "site north: error: negative_time",
           "site south: policy.expires: the policy held until 2001-01-31", "site west: ", "west.csv")),
]  # fmt: skip
RECORDS = [
    Wrong("code outside of the mapping", row("n-1,300,dead,50,divers"), INPUT,
          ("site north: ", "unmapped_code", "'divers'", "patient n-1", "data.columns.sex.codes")),
    Wrong("decimal commas read as text", decimal_commas, INPUT,
          ("site north: ", "not_a_number", "24 rows", 'set data.source.decimal to ","')),
    Wrong("negative time", row("n-1,-5,dead,50,male"), INPUT, ("site north: ", "negative_time", "-5.0", "patient n-1")),
    Wrong("time off the grid", row("n-1,300.5,dead,50,male"), INPUT,
          ("site north: ", "off_grid", "300.5", "patient n-1", "time.grid_days")),
    Wrong("duplicate patients", row("north-3,300,dead,50,male"), INPUT,
          ("site north: ", "duplicate_patient", "north-3", "Keep one row for each patient,")),
    Wrong("entry after exit", with_entry, INPUT,
          ("site north: ", "entry_not_before_exit", "patient north-23")),
    Wrong("missing time", row("n-1,,dead,50,male"), INPUT,
          ("site north: ", "missing_required", "time", "patient n-1")),
    Wrong("empty file", file(""), INPUT, ("site north: ", "north.csv", "empty")),
    Wrong("only a header", file("pat,time,status,age,sex\n"), INPUT,
          ("site north: ", "no_patients", "only a header", "Check data.source.path")),
]  # fmt: skip


@pytest.mark.parametrize("wrong", [*PLANS, *NODES, *RECORDS], ids=lambda wrong: wrong.name)
def test_what_is_wrong_is_told_and_nothing_is_left_behind(study: SmallStudy, wrong: Wrong) -> None:
    wrong.change(study)
    study.out.mkdir()
    (study.out / "results.json").write_text("an earlier run", encoding="utf-8")
    before = study.listing()
    ended = study.run()

    assert wrong.exit_code == ended.exit_code, (ended.exception, ended.stderr)
    assert "" == ended.stdout
    assert ended.stderr.startswith("error: ")
    for said in wrong.said:
        assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert before == study.listing()
    assert "an earlier run" == (study.out / "results.json").read_text(encoding="utf-8")


def test_every_reason_of_every_site_is_told_and_each_line_names_its_site(study: SmallStudy) -> None:
    different_reasons(study)
    lines = study.run().stderr.removeprefix("error: ").splitlines()

    assert set(SITES) == {line.split(":")[0].removeprefix("site ") for line in lines}


def test_the_kind_of_the_first_reason_decides_how_the_command_ends(study: SmallStudy) -> None:
    study.add_row("east", "e-1,-5,dead,50,male")
    study.change_yaml(study.node("west"), lambda content: content["policy"].update(minimum_sites=9))
    ended = study.run()

    assert 1 == ended.exit_code
    assert "site west: policy.minimum_sites" in ended.stderr


def test_a_key_that_every_site_pins_is_accepted_and_another_refused(study: SmallStudy) -> None:
    for name, identity in (("centre", CENTRE), ("stranger", STRANGER)):
        (study.folder / f"{name}.key").write_bytes(identity.to_pem())
    node(lambda content: content.update(centre={"key": CENTRE.public_text}), *SITES)(study)

    assert 3 == study.run("--key", str(study.folder / "stranger.key")).exit_code
    assert 3 == study.run().exit_code
    assert not study.out.exists()
    assert 0 == study.run("--key", str(study.folder / "centre.key")).exit_code


def test_a_plan_that_another_key_signed_is_refused(study: SmallStudy) -> None:
    signed(lambda study: None)(study)
    stranger = study.folder / "stranger.key"
    stranger.write_bytes(STRANGER.to_pem())
    ended = study.run("--key", str(stranger))

    assert 3 == ended.exit_code
    assert "plan.yaml.sig: signed with the key" in ended.stderr
    assert not study.out.exists()


@pytest.mark.parametrize("content", [b"", b"no key", b"\xff\xfe"])
def test_a_key_file_that_is_none_is_named(study: SmallStudy, content: bytes) -> None:
    key = study.folder / "centre.key"
    key.write_bytes(content)
    ended = study.run("--key", str(key))

    assert 1 == ended.exit_code
    assert f"error: {key}: The identity key cannot be read" in ended.stderr


@pytest.mark.parametrize("option", ["plan", "codebook", "nodes"])
def test_a_file_that_is_not_there_is_wrong_usage(study: SmallStudy, option: str) -> None:
    ended = study.run(**{option: study.folder / "absent"})

    assert 2 == ended.exit_code
    assert f"--{option}" in ended.stderr
    assert not study.out.exists()


@pytest.mark.parametrize(
    ("option", "instead"), [("plan", "nodes"), ("codebook", "nodes"), ("nodes", "plan.yaml")]
)
def test_a_file_for_a_folder_or_the_reverse_is_wrong_usage(
    study: SmallStudy, option: str, instead: str
) -> None:
    assert 2 == study.run(**{option: study.folder / instead}).exit_code


def test_a_folder_for_a_key_is_wrong_usage(study: SmallStudy) -> None:
    assert 2 == study.run("--key", str(study.nodes)).exit_code


@pytest.mark.parametrize(
    "arguments", [["run", "local"], ["run", "remote"], ["demo", "lung", "--fast"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    assert 2 == command(*arguments).exit_code


def test_a_file_in_the_place_of_the_output_is_left_alone(study: SmallStudy) -> None:
    study.out.write_text("mine", encoding="utf-8")
    before = study.listing()
    ended = study.run()

    assert 1 == ended.exit_code
    assert (
        f"--out {study.out}: there is a file of that name. Choose another folder." in ended.stderr
    )
    assert before == study.listing()
    assert "mine" == study.out.read_text(encoding="utf-8")


def test_an_output_that_cannot_be_written_is_told(study: SmallStudy) -> None:
    before = study.listing()
    ended = study.run(out=study.plan / "out")

    assert 1 == ended.exit_code
    assert "cannot be written" in ended.stderr
    assert before == study.listing()


def test_the_study_itself_cannot_be_the_output(study: SmallStudy) -> None:
    before = study.listing()
    ended = study.run(out=study.folder)

    assert 1 == ended.exit_code
    assert "something else than an earlier run" in ended.stderr
    assert before == study.listing()


def test_folders_made_on_the_way_to_the_output_go_with_a_failed_run(study: SmallStudy) -> None:
    study.add_row("north", "n-1,-5,dead,50,male")
    before = study.listing()

    assert 1 == study.run(out=study.folder / "a" / "b").exit_code
    assert before == study.listing()


def test_the_command_itself_ends_with_the_code_and_one_clean_text(study: SmallStudy) -> None:
    study.change(study.plan, "variable: time}", "variable: tiem}")
    files = ["--plan", study.plan, "--codebook", study.codebook, "--nodes", study.nodes]
    ended = subprocess.run(
        [
            *(
                sys.executable,
                "-c",
                "from riskset_server.commands.riskset import main; main()",
                "run",
                "local",
            ),
            *map(str, files),
            *("--out", str(study.out)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert 1 == ended.returncode
    assert "" == ended.stdout
    assert (
        f"error: {study.plan}: endpoints.OS: 'tiem' is not in the codebook. Did you mean 'time'?\n"
        == ended.stderr
    )
