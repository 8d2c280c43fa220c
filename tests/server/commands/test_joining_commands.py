"""`riskset centre new`, `site invite` and `site admit`: what is refused, and what both sides compare by telephone."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from tests.server.conftest import NOW
from typer.testing import CliRunner

from riskset_common.consortium.invitation import Enrolment, Invitation, made, read_file
from riskset_common.errors import InputError, Refusal
from riskset_server.commands.riskset import app
from riskset_server.sites.admission import admit
from riskset_server.store import Sites, open_database


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def place(tmp_path: Path, monkeypatch) -> Path:
    """An empty folder to work in, with another beside it, and a centre elsewhere."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("RISKSET_CENTRE", raising=False)
    return tmp_path / "here"


def fingerprint_in(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("fingerprint  ")]
    return line.removeprefix("fingerprint  ")


@pytest.mark.parametrize(
    "address", ["localhost", "localhost:0", "https://x:1", "a b:1", "x:1\ny", "[::1:443", ""]
)
def test_a_centre_at_no_address_is_refused_before_anything_is_made(place, address):
    ended = run("centre", "new", "c", "--address", address)

    assert 1 == ended.exit_code
    assert f"--address: {address!r} is not host:port" in ended.stderr
    assert [] == list(place.iterdir())


@pytest.mark.parametrize(
    "port", [["--port", "0"], ["--port", "70000"], ["--inside", "-1"], ["--stream", "65536"]]
)
def test_a_port_that_is_none_is_refused_before_anything_is_made(place, port):
    ended = run("centre", "new", "c", "--address", "localhost:443", *port)

    assert 0 != ended.exit_code
    assert isinstance(ended.exception, SystemExit)
    assert [] == list(place.iterdir())


def test_centre_invitation_and_site_name_one_fingerprint(place):
    new = run("centre", "new", "c", "--address", "centre.example:443")
    invited = run("site", "invite", "DCOG", "--centre", "c")
    invitation = read_file(Invitation, place / "DCOG.invite")

    assert fingerprint_in(new.stdout) == fingerprint_in(invited.stdout) == invitation.fingerprint
    assert "That is the centre's. Read it out to the site in the call" in invited.stdout
    assert 0o600 == stat.S_IMODE((place / "c" / "centre.sqlite").stat().st_mode)
    assert {0o700} == {
        stat.S_IMODE((place / "c" / name).stat().st_mode) for name in (".", "flower", "runs")
    }


@pytest.mark.parametrize(
    ("site", "proposal"),
    [("Sankt Gallen", "Write Sankt-Gallen; the name in words belongs in study_group"), ("../evil", "Write evil;"),
     ("/etc/x", "Write etc-x;"), ("a\nb", "Write a-b;"), ("..", "Choose one of these")],
)  # fmt: skip
def test_a_site_is_invited_under_a_name_that_files_can_have(place, site, proposal):
    run("centre", "new", "c", "--address", "centre.example:443")
    before = set(place.parent.rglob("*")) | {
        place / "c" / f"centre.sqlite{end}" for end in ("", "-wal", "-shm")
    }
    ended = run("site", "invite", site, "--centre", "c")

    assert 1 == ended.exit_code
    assert f"invitation: site: {site!r} is no name of a site" in ended.stderr
    assert proposal in ended.stderr
    assert set(place.parent.rglob("*")) <= before
    database = open_database(f"sqlite:///{place / 'c' / 'centre.sqlite'}")
    assert [] == Sites(database).all()
    database.close()


def test_a_study_group_is_one_line(place):
    run("centre", "new", "c", "--address", "centre.example:443")
    ended = run("site", "invite", "a", "--study-group", "x\ny", "--centre", "c")

    assert "invitation: study_group: 'x\\ny' is no name in words" in ended.stderr
    assert not (place / "a.invite").exists()


def test_the_codebook_goes_with_the_invitation_signed_by_the_centre(place):
    text = "codebook: x\nversion: 1\nvariables: {a: {kind: date, label: Ä}}  # as agreed\n"
    (place / "codebook.yaml").write_text(text, encoding="utf-8")
    run("centre", "new", "c", "--address", "centre.example:443")
    invited = run("site", "invite", "a", "--codebook", "codebook.yaml", "--centre", "c")
    without = run("site", "invite", "b", "--centre", "c")

    assert text == read_file(Invitation, place / "a.invite").codebook
    assert "a one-time token, and the codebook\n" in invited.stdout
    assert "send the codebook beside it, or invite with --codebook" in without.stdout
    assert "codebook" not in (place / "b.invite").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("codebook: x\n", "codebook.yaml: version: this key is required"),
        ("codebook: x\nversion: 1\nvariables: {a: {kind: date, label: A}}\n#" + "x" * 140_000, "is longer than 128 KiB"),
    ],
)  # fmt: skip
def test_a_codebook_that_cannot_be_sent_invites_nobody(place, text, said):
    (place / "codebook.yaml").write_text(text, encoding="utf-8")
    run("centre", "new", "c", "--address", "centre.example:443")
    ended = run("site", "invite", "a", "--codebook", "codebook.yaml", "--centre", "c")

    assert 1 == ended.exit_code
    assert said in ended.stderr
    assert not (place / "a.invite").exists()
    assert "a" not in run("site", "list", "--centre", "c").stdout.split()


@pytest.mark.parametrize("command", [["site", "invite", "a"], ["site", "roster"], ["run", "list"]])
def test_without_a_centre_the_folder_and_the_option_are_named(place, command):
    ended = run(*command)

    assert 1 == ended.exit_code
    assert (
        f"{place}: holds no centre.yaml, so it is no centre's folder. Name the folder with --centre FOLDER"
        in ended.stderr
    )


def test_a_wrong_fingerprint_on_the_telephone_never_prints_the_right_one(centre):
    enrolment = centre.enrol("a")
    with pytest.raises(Refusal) as refused:
        admit(centre.sites, centre.engine, enrolment, "11111 " * 8, NOW)

    assert "Call the site again" in str(refused.value)
    assert not any(group in str(refused.value) for group in enrolment.fingerprint.split(" "))
    assert not centre.sites.get("a").is_admitted


@pytest.mark.parametrize(
    ("field", "value"),
    [("site", "../x"), ("site", "a b"), ("token", "a\nb"), ("signing_key", "x"), ("connection_key", "x"), ("release", "1\n2"),
     ("release", "\x1b[2J"), ("enrolment", 2), ("more", 1)],
)  # fmt: skip
def test_a_hostile_enrolment_is_refused_by_its_field(centre, field, value):
    centre.enrol("a")
    path = centre.folder / "sites" / "a" / "a.enrolment"
    path.write_text(
        json.dumps(json.loads(path.read_text("utf-8")) | {field: value}), encoding="utf-8"
    )
    with pytest.raises(InputError, match=f"a.enrolment: {field}: "):
        read_file(Enrolment, path)


def test_a_key_of_another_curve_text_is_no_connection_key(centre):
    enrolment = centre.enrol("a")
    with pytest.raises(
        InputError, match=r"enrolment: connection_key: is no public EC key in PEM form\."
    ):
        made(
            Enrolment,
            enrolment.model_dump(exclude={"enrolment"})
            | {"connection_key": enrolment.connection_key + "\n"},
        )


@pytest.mark.parametrize("broken", [b"", b"nonsense", None])
def test_an_authority_that_cannot_be_read_is_told_with_its_file(centre, broken):
    ca = centre.config.tls.ca
    if broken is None:
        ca.unlink()
    else:
        ca.write_bytes(broken)
    with pytest.raises(InputError, match=f"tls.ca: {ca}: "):
        centre.config.fingerprint()


def test_what_stands_beside_the_certificates_of_an_authority_is_not_sent(centre):
    ca = centre.config.tls.ca
    plain = ca.read_text("ascii")
    ca.write_text(f"Issuer: somebody\n{plain}\n", encoding="ascii")

    assert plain == centre.config.authority()


def test_a_file_that_cannot_be_written_is_told(centre, place):
    invitation_folder = place / "a.invite"
    invitation_folder.mkdir()
    run("centre", "new", "c", "--address", "centre.example:443")
    ended = run("site", "invite", "a", "--centre", "c")

    assert 1 == ended.exit_code
    assert "a.invite: cannot be written" in ended.stderr


def test_a_site_joins_from_what_the_centre_sent(centre):
    enrolment = centre.enrol("a")

    assert enrolment == read_file(Enrolment, centre.folder / "sites" / "a" / "a.enrolment")
