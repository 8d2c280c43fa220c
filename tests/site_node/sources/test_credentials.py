"""Secrets: read where node.yaml says they are, closed to others, and in no text of ours."""

from __future__ import annotations

import copy
import json
import os
import traceback
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from riskset_common.errors import NodeConfigError
from riskset_common.formats.strict_model import StrictModel
from riskset_common.formats.strict_yaml import validate
from riskset_node.config import _in_folder
from riskset_node.sources.credentials import Secret

POISON = "hunter2-ÄÖ 4711"


class Login(StrictModel):
    """Settings with a secret, as those of a source."""

    password: Secret


class Whole(StrictModel):
    """Settings with such a source."""

    REFUSED: ClassVar[dict[str, str]] = {}

    login: Login


def written(reference: object) -> Login:
    content = {"login": {"password": reference}}
    return validate(Whole, content, "node.yaml", NodeConfigError).login


def read(reference: str) -> str:
    return written(reference).password.read("data.source.password")


def refused(reference: str) -> str:
    """The message with which a secret is refused; neither it nor anything behind it holds the secret."""
    with pytest.raises(NodeConfigError) as caught:
        read(reference)
    whole = "".join(traceback.format_exception(caught.value, chain=True)) + repr(caught.value)
    behind = caught.value.__cause__ or caught.value.__context__

    assert POISON not in whole + repr(behind) + repr(vars(behind) if behind else "")
    return str(caught.value)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(POISON, encoding="utf-8")
    file.chmod(0o600)
    return file


def test_a_variable_of_the_environment_is_read(monkeypatch):
    monkeypatch.setenv("RISKSET_PASSWORD", POISON)

    assert POISON == read("env:RISKSET_PASSWORD")


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("RISKSET_PASSWORD", raising=False)

    assert "data.source.password: env:RISKSET_PASSWORD: the environment has no such variable" in (
        refused("env:RISKSET_PASSWORD")
    )


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_of_its_owner_alone_is_read(secret, mode):
    secret.chmod(mode)

    assert POISON == read(f"file:{secret}")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o602, 0o610, 0o777])
def test_a_file_that_others_can_use_is_refused_with_the_command_that_closes_it(secret, mode):
    secret.chmod(mode)
    said = refused(f"file:{secret}")

    assert f"its mode is {mode:04o}" in said
    assert said.endswith(f"Run: chmod 600 {secret}")


def test_a_file_of_another_user_is_refused(secret, monkeypatch):
    owner = os.geteuid()
    monkeypatch.setattr("riskset_node.sources.credentials._SYSTEM", owner + 2)
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    said = refused(f"file:{secret}")

    assert "belongs to another user of this machine" in said
    assert f"chown {owner + 1} {secret}" in said


def test_a_link_is_followed_to_a_closed_file_and_not_to_an_open_one(secret, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(secret)
    closed = read(f"file:{link}")
    secret.chmod(0o644)

    assert POISON == closed
    assert "its mode is 0644" in refused(f"file:{link}")


def test_a_link_to_nothing_a_folder_and_a_pipe_are_no_files(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe", 0o600)
    said = [refused(f"file:{tmp_path / name}") for name in ("link", "", "pipe")]

    assert "No such file or directory" in said[0]
    assert ["is no file" in each for each in said] == [False, True, True]


@pytest.mark.parametrize("content", ["", "\n", " \r\n\t", "\ufeff"])
def test_a_file_without_a_secret_is_empty(secret, content):
    secret.write_text(content, encoding="utf-8")

    assert f"file:{secret} is empty" in refused(f"file:{secret}")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "  \n"])
@pytest.mark.parametrize("start", ["", "\ufeff", " "])
def test_what_an_editor_adds_around_a_secret_is_none_of_it(secret, start, end):
    secret.write_bytes(f"{start}{POISON}{end}".encode())

    assert POISON == read(f"file:{secret}")


@pytest.mark.parametrize("between", ["\n", "\r", "\x00", "\x1b"])
def test_more_than_one_line_is_no_secret(secret, between):
    secret.write_bytes(f"{POISON}{between}{POISON}".encode())

    assert "more than one line" in refused(f"file:{secret}")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_refused_without_its_content(secret, encoding):
    secret.write_bytes(POISON.encode(encoding))
    said = refused(f"file:{secret}")

    assert "is no text in UTF-8" in said
    assert "hunter2" not in said


def test_a_big_file_is_no_secret(secret):
    secret.write_bytes(b"x" * 70_000)

    assert "is longer than any secret" in refused(f"file:{secret}")


def test_a_path_is_relative_to_node_yaml(secret):
    relative = _in_folder(written(f"file:{secret.name}"), secret.parent)
    absolute = _in_folder(written(f"file:{secret}"), Path("/elsewhere"))

    assert [POISON, POISON] == [each.password.read("x") for each in (relative, absolute)]
    assert "env:NAME" == str(_in_folder(written("env:NAME"), secret.parent).password)


def test_a_credential_comes_from_the_folder_of_systemd_whatever_its_group_may_do(
    secret, monkeypatch
):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))
    # The mask of an access list for the unit's user stands where the rights of the group are.
    secret.chmod(0o440)

    assert POISON == read("credential:password")
    secret.chmod(0o444)
    assert "its mode is 0444" in refused("credential:password")
    assert "No such file" in refused("credential:other")


def test_without_systemd_the_message_says_what_to_add_to_the_unit(monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)

    assert "Add LoadCredential=redcap:PATH" in refused("credential:redcap")


@pytest.mark.parametrize(
    "reference",
    [
        *("credential:../password", "credential:/etc/passwd", "credential:a/../../b"),
        *("credential:..", "credential:.", "credential:.hidden", "env:A/B", "env:A=B", "env: A"),
    ],
)
def test_a_name_leads_nowhere_else(reference):
    with pytest.raises(NodeConfigError, match="has letters, digits"):
        written(reference)


@pytest.mark.parametrize(
    "literal",
    [
        *(POISON, f"postgresql://reader:{POISON}@db/trial", f"password:{POISON}", f":{POISON}"),
        *(f"ENV:{POISON}", f" env:{POISON}", "env:", "file:", "file: ", "credential:", ""),
        *(4711, None, True, [POISON], {"env": POISON}),
    ],
)
def test_a_secret_in_node_yaml_is_refused_with_what_to_write_and_is_not_repeated(literal):
    with pytest.raises(NodeConfigError) as caught:
        written(literal)
    whole = "".join(traceback.format_exception(caught.value, chain=True))

    assert "a secret is not written into node.yaml" in str(caught.value)
    assert all(way in str(caught.value) for way in ("env:NAME", "file:PATH", "credential:NAME"))
    assert "login.password" in str(caught.value)
    assert all(part not in whole.replace(__file__, "") for part in (POISON, "hunter2", "4711")), (
        whole
    )


def test_no_text_of_the_settings_holds_a_secret(secret, monkeypatch):
    monkeypatch.setenv("RISKSET_PASSWORD", POISON)
    for reference in (f"file:{secret}", "env:RISKSET_PASSWORD"):
        login = written(reference)
        assert POISON == login.password.read("x")
        texts = [
            *(repr(login), str(login), repr(login.password), str(login.password)),
            *(repr(login.model_dump()), login.model_dump_json(), repr(copy.deepcopy(login))),
            *(repr(vars(login.password)), yaml.safe_dump(login.model_dump())),
        ]

        assert [] == [text for text in texts if POISON in text]
        assert {"password": reference} == login.model_dump() == json.loads(login.model_dump_json())
        assert login == Login.model_validate(login.model_dump())
