"""Whoever can change an invitation in the mail writes nothing outside of the site's folder, and cannot pass for its centre."""

from __future__ import annotations

import datetime
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from riskset_common.consortium.invitation import (
    LONGEST_CODEBOOK,
    Enrolment,
    Invitation,
    codebook_signature,
    read_file,
)
from riskset_common.errors import NodeConfigError
from riskset_common.primitives.signing import Identity, fingerprint, public_text
from riskset_node.commands.riskset_node import app
from riskset_node.config import PinnedRoster, read_node
from riskset_server.centre.certificates import make_certificates

NOW = datetime.datetime(2018, 6, 1, 12, tzinfo=datetime.UTC)
CENTRE = Identity.from_random(b"c" * 32)
GOVERNANCE = Identity.from_random(b"g" * 32).public_text
CA = make_certificates(["centre.example"], NOW)[0].decode()
OTHER_CA = make_certificates(["centre.example"], NOW)[0].decode()
GOOD = {
    "invitation": 1,
    "site": "Sankt-Anna",
    "study_group": "Sankt Anna",
    "address": "centre.example:443",
    "ca": CA,
    "key": CENTRE.public_text,
    "token": "0f" * 32,
}


def written(**changes: object) -> Path:
    """An invitation in the current folder."""
    path = Path("sent.invite")
    path.write_text(json.dumps(GOOD | changes), encoding="utf-8")
    return path


CODEBOOK = """\
# The words of the study.
codebook: infants
version: 1
variables:
  sex: {kind: category, label: "Sex, at birth", levels: {male: Männlich, female: Female}}
"""


def with_codebook(text: str, signer: Identity = CENTRE) -> Path:
    return written(codebook=text, codebook_signature=codebook_signature(text, signer))


def init(*arguments: object):
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


def all_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch) -> Path:
    """The folder in which somebody at the site joins, with another beside it."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("site", "more"),
    [("../outside/pwned", []), ("../../elsewhere/dropped", ["--in", "node_b"])],
)
def test_the_product_itself_refuses_an_invitation_whose_site_is_a_path(home, site, more):
    path = written(site=site)
    before = all_files(home.parent)
    ended = subprocess.run(
        [sys.executable, "-m", "riskset_node", "init", str(path), *more],
        capture_output=True, text=True, check=False, env=dict(os.environ),
    )  # fmt: skip

    assert 1 == ended.returncode
    assert f"sent.invite: site: {site!r} is no name of a site" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert before == all_files(home.parent)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("site", "/tmp/x"), ("site", ".."), ("site", "."), ("site", ""), ("site", "a/b"), ("site", "a\\b"), ("site", "a\npolicy: {}"),
        ("site", "a\x00"), ("site", "a\x1b[2J"), ("site", "a" * 65), ("site", "\u202eanna"), ("site", ["a"]), ("site", None),
        ("site", "Sankt Anna"), ("site", "-rf"), ("site", "~root"),
        ("study_group", "G\npolicy: {minimum_sites: 2}"), ("study_group", "G\x1b[2J"), ("study_group", "G\x85"), ("study_group", ""),
        ("study_group", "G\u202e"), ("study_group", "G" * 201),
        ("address", "centre.example"), ("address", "centre.example:443\nca: x"), ("address", "https://centre.example:443"),
        ("address", "centre.example:443/../x"), ("address", "user@centre.example:443"), ("address", "centre.example:99999"),
        ("address", "centre.example :443"), ("address", "file:1:1"),
        ("ca", ""), ("ca", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"), ("ca", CA + "\n# more"), ("ca", "x" + CA),
        ("key", "A" * 43), ("key", public_text(b"k" * 31)), ("key", GOVERNANCE + "\n"),
        ("token", "a b"), ("token", "a\nb"), ("token", ""), ("token", "t" * 129),
        ("invitation", 2), ("governance", [GOVERNANCE]), ("policy", {}),
    ],
)  # fmt: skip
def test_a_field_that_is_not_of_its_type_is_refused_before_anything_is_written(home, field, value):
    path = written(**{field: value})
    before = all_files(home.parent)
    ended = init(path)

    assert 1 == ended.exit_code
    assert f"sent.invite: {field}: " in ended.stderr
    assert (
        "is no invitation of riskset that can be used, and nothing was made of it" in ended.stderr
    )
    assert not any(mark in ended.stderr for mark in "\x1b\x00\x85\u202e")
    assert before == all_files(home.parent)


def test_the_codebook_of_the_centre_comes_along_as_it_was_written(home):
    ended = init(with_codebook(CODEBOOK))
    path = home / "Sankt-Anna" / "codebook.yaml"

    assert 0 == ended.exit_code
    assert CODEBOOK.encode() == path.read_bytes()
    assert f"the codebook        came along, {Path('Sankt-Anna/codebook.yaml')}" in ended.stdout
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_an_invitation_without_codebook_says_what_to_ask_for(home):
    ended = init(written())

    assert 0 == ended.exit_code
    assert "did not come along: ask the centre for it" in ended.stdout
    assert not (home / "Sankt-Anna" / "codebook.yaml").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"codebook": CODEBOOK},
        {"codebook_signature": codebook_signature(CODEBOOK, CENTRE)},
        {"codebook": CODEBOOK, "codebook_signature": "x"},
        {"codebook": CODEBOOK, "codebook_signature": "é"},
        {"codebook": CODEBOOK, "codebook_signature": ["x"]},
        {"codebook": CODEBOOK.replace("male:", "mann:"), "codebook_signature": codebook_signature(CODEBOOK, CENTRE)},
        {"codebook": CODEBOOK, "codebook_signature": codebook_signature(CODEBOOK, Identity.from_random(b"e" * 32))},
        {"codebook": {"codebook": "infants"}, "codebook_signature": codebook_signature(CODEBOOK, CENTRE)},
        {"codebook": "x" * (LONGEST_CODEBOOK + 1), "codebook_signature": codebook_signature("x" * (LONGEST_CODEBOOK + 1), CENTRE)},
    ],
)  # fmt: skip
def test_a_codebook_that_the_centre_did_not_sign_is_refused_before_anything_is_written(
    home, changes
):
    path = written(**changes)
    before = all_files(home.parent)
    ended = init(path)

    assert 1 == ended.exit_code
    assert "sent.invite: codebook" in ended.stderr
    assert "nothing was made of it" in ended.stderr
    assert before == all_files(home.parent)


@pytest.mark.parametrize(
    "text",
    [
        "", "- a", "codebook: [", "codebook: x\n", CODEBOOK + "policy: {}\n", CODEBOOK.replace("infants", "../x"),
        "[" * 5000, "a: &a [x, x]\nb: [*a, *a]\n", CODEBOOK + "\x1b[2J", CODEBOOK.replace("sex:", "se x:"),
    ],
)  # fmt: skip
def test_what_is_no_codebook_is_refused_before_anything_is_written(home, text):
    path = with_codebook(text)
    before = all_files(home.parent)
    ended = init(path)

    assert 1 == ended.exit_code
    assert "the codebook in the invitation" in ended.stderr
    assert not any(mark in ended.stderr for mark in ("\x1b", "Traceback"))
    assert before == all_files(home.parent)


@pytest.mark.parametrize("name", ["codebook.yaml", "ca.pem", "site.key", "Sankt-Anna.enrolment"])
@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_that_is_there_is_not_written_over_nor_a_link_followed(home, name, is_link):
    path, folder = with_codebook(CODEBOOK), home / "Sankt-Anna"
    folder.mkdir()
    if is_link:
        (folder / name).symlink_to(home.parent / "elsewhere" / "dropped")
    else:
        (folder / name).write_text("mine", encoding="utf-8")
    before = all_files(home.parent)
    ended = init(path)

    assert 1 == ended.exit_code
    assert f"{name}: is there already, and is not written over" in ended.stderr
    assert before == all_files(home.parent)
    assert is_link or "mine" == (folder / name).read_text(encoding="utf-8")


def test_the_longest_codebook_fits_into_an_invitation_whatever_its_letters_are(home):
    text = CODEBOOK + "#" + '"' * (LONGEST_CODEBOOK - len(CODEBOOK.encode()) - 1)

    assert 0 == init(with_codebook(text)).exit_code


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"invitation"', b"{" + b" " * 300_000 + b"}", b'{"enrolment": 1}', b'"invitation"'],
)  # fmt: skip
def test_a_file_that_is_no_invitation_at_all_is_refused(home, content):
    Path("sent.invite").write_bytes(content)
    ended = init("sent.invite")

    assert 1 == ended.exit_code
    assert "error: sent.invite: is no invitation of riskset. Ask for the file again" in ended.stderr
    assert {"sent.invite"} == all_files(home)


def test_a_site_joins_in_a_folder_of_its_own_that_others_cannot_enter(home):
    ended = init(written(), "--governance", GOVERNANCE)

    assert 0 == ended.exit_code
    assert {"sent.invite", "Sankt-Anna"} == {path.name for path in home.iterdir()}
    assert 0o700 == stat.S_IMODE((home / "Sankt-Anna").stat().st_mode)
    config = read_node(home / "Sankt-Anna" / "node.yaml")
    assert ("Sankt-Anna", "Sankt Anna") == (config.site, config.study_group)
    assert config.roster is not None
    assert (GOVERNANCE,) == config.roster.governance
    enrolment = read_file(Enrolment, home / "Sankt-Anna" / "Sankt-Anna.enrolment")
    assert f"read out            {enrolment.fingerprint}" in ended.stdout


def test_the_site_sees_the_centres_fingerprint_and_is_asked_to_compare_it():
    path = written()
    ended = init(path)

    assert f"the centre's        {read_file(Invitation, path).fingerprint}" in ended.stdout
    assert (
        "Have the centre read out its fingerprint in the same call, and compare all eight groups"
        in ended.stdout
    )


def test_the_fingerprint_that_the_centre_read_out_is_taken():
    path = written()
    heard = read_file(Invitation, path).fingerprint.replace(" ", "-")
    ended = init(path, "--centre-fingerprint", heard)

    assert 0 == ended.exit_code
    assert "Have the centre read out" not in ended.stdout


@pytest.mark.parametrize(
    "changes",
    [
        {"key": Identity.from_random(b"e" * 32).public_text},
        {"ca": OTHER_CA},
        {"ca": CA + OTHER_CA},
        {"ca": OTHER_CA + CA},
    ],
)
def test_another_key_or_authority_than_the_centres_is_refused_before_anything_is_written(
    home, changes
):
    heard = Invitation.model_validate(GOOD).fingerprint
    path = written(**changes)
    before = all_files(home)
    ended = init(path, "--centre-fingerprint", heard)
    shown = ended.stdout + ended.stderr

    assert 3 == ended.exit_code
    assert "is not the fingerprint of the centre in this invitation. Nothing was written." in shown
    assert "Call the centre again" in shown
    assert before == all_files(home)
    assert not any(group in shown for group in read_file(Invitation, path).fingerprint.split(" "))


@pytest.mark.parametrize("heard", ["", "1", "no digits"])
def test_a_fingerprint_that_was_not_read_out_is_refused(home, heard):
    ended = init(written(), "--centre-fingerprint", heard)

    assert 3 == ended.exit_code
    assert {"sent.invite"} == all_files(home)


def test_the_centres_fingerprint_covers_its_key_and_its_authority():
    public = CENTRE.public + CA.encode()

    assert fingerprint(public) == Invitation.model_validate(GOOD).fingerprint


def test_without_governance_keys_a_roster_is_left_to_fill_in(home):
    init(written())
    file = home / "Sankt-Anna" / "node.yaml"
    text = file.read_text(encoding="utf-8")
    before, roster, after = re.split(r"(?m)^(#roster:\n(?:#.*\n)+)", text)
    taken_out = re.sub(r"(?m)^#", "", roster).replace(
        "KEY OF 44 CHARACTERS, WHICH ENDS IN =", GOVERNANCE
    )
    file.write_text(f"{before}{taken_out}{after}", encoding="utf-8")
    pinned = read_node(file).roster

    assert "Fill in, because the node does not start without it" in text
    assert pinned == PinnedRoster(
        path=file.parent / "roster.yaml", governance=(GOVERNANCE,), needed=1
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--governance", "A" * 43], "--governance: This is not a public key"),
        (["--governance", GOVERNANCE, "--needed", "2"], "--governance: 2 of 1 governance keys cannot be"),
        (["--governance", GOVERNANCE, "--governance", GOVERNANCE], "each key stands once"),
        (["--in", "sent.invite"], "sent.invite: cannot be made"),
        (["--in", "sent.invite/x"], "sent.invite/x: cannot be made"),
    ],
)  # fmt: skip
def test_what_the_site_gives_wrongly_is_told_and_nothing_is_written(home, arguments, said):
    ended = init(written(), *arguments)

    assert 1 == ended.exit_code
    assert said in ended.stderr
    assert {"sent.invite"} == all_files(home)


def test_the_name_of_a_site_in_words_is_refused_with_one_that_would_do(home):
    node = home / "node.yaml"
    node.write_text(
        "site: Sankt Anna\nstudy_group: A\ndata: {source: {kind: csv, path: a.csv}}\n",
        encoding="utf-8",
    )
    with pytest.raises(NodeConfigError) as refused:
        read_node(node)

    assert f"{node}: site: 'Sankt Anna' is no name of a site" in str(refused.value)
    assert "Write Sankt-Anna; the name in words belongs in study_group." in str(refused.value)


def test_lines_in_the_name_of_a_folder_are_no_lines_of_node_yaml(home):
    ended = init(written(), "--in", "a\npolicy: {minimum_sites: 2}\nb")
    (folder,) = (path for path in home.iterdir() if path.is_dir())

    assert 0 == ended.exit_code
    assert 5 == read_node(folder / "node.yaml").policy.minimum_sites
