"""Secrets that a source needs, such as a password: node.yaml says where they are, and never what they are."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import BeforeValidator, PlainSerializer

from riskset_common.errors import NodeConfigError

_WAYS = (
    "env:NAME (a variable of the environment), file:PATH (a file that its owner alone can read) or credential:NAME "
    "(systemd's LoadCredential)"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_SYSTEMD = "CREDENTIALS_DIRECTORY"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SYSTEM = 0
"""The user of the system's own files."""

_LONGEST = 1 << 16
"""Bytes of a secret."""


@dataclass(frozen=True)
class SecretReference:
    """Where a secret is. It is read when the source is, and kept nowhere."""

    way: Literal["env", "file", "credential"]
    name: str

    def __str__(self) -> str:
        return f"{self.way}:{self.name}"

    def in_folder(self, folder: Path) -> SecretReference:
        """The same, with the path of a file relative to a folder."""
        return replace(self, name=str(folder / self.name)) if self.way == "file" else self

    def read(self, setting: str) -> str:
        """The secret, without the blanks and line ends around it; `setting` names its place in node.yaml.

        Raises
        ------
        NodeConfigError
            If it is not there, is not one line of text, or can be read by others; the message never holds it.
        """
        where = f"{setting}: {self}"
        if self.way == "env":
            found = os.environ.get(self.name)
            if found is None:
                raise NodeConfigError(
                    f"{where}: the environment has no such variable. Set it where the node is started."
                )
        else:
            handed_over = self.way == "credential"
            found = _content(self._path(where), where, handed_over=handed_over)
        found = found.strip()
        if not found:
            raise NodeConfigError(f"{where} is empty. Write the secret into it.")
        if not found.isprintable():
            raise NodeConfigError(
                f"{where} holds more than one line, or a sign that cannot be printed. Write the secret alone into it, in one line."
            )
        return found

    def _path(self, where: str) -> Path:
        if self.way == "file":
            return Path(self.name)
        folder = os.environ.get(_SYSTEMD)
        if folder is None:
            raise NodeConfigError(
                f"{where}: {_SYSTEMD} is not set, so systemd gave no credentials. Add LoadCredential={self.name}:PATH to the node's "
                "unit, or write file:PATH."
            )
        return Path(folder) / self.name


def _content(path: Path, where: str, *, handed_over: bool) -> str:
    """The text of a file that nobody else can read; `handed_over` where systemd sees to that, in a folder that it closed."""
    try:
        # Opened once, so that what was checked is what is read; and at once, also where it is a pipe that nobody writes to.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            others = stat.S_IRWXO if handed_over else _OTHERS
            _check_closed(os.fstat(descriptor), path, where, others)
            content = os.read(descriptor, _LONGEST + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NodeConfigError(
            f"{where} cannot be read ({error.strerror}). Check the name, and who may read it."
        ) from error
    if len(content) > _LONGEST:
        raise NodeConfigError(
            f"{where} is longer than any secret ({_LONGEST:,} bytes). Check the name."
        )
    # An error of decoding would hold the content.
    text = content.decode("utf-8-sig", errors="replace")
    if "\ufffd" in text:
        raise NodeConfigError(f"{where} is no text in UTF-8. Save it as UTF-8.")
    return text


def _check_closed(state: os.stat_result, path: Path, where: str, others: int) -> None:
    """Raise unless it is a file of this user, or of the system's, that those others cannot use."""
    if not stat.S_ISREG(state.st_mode):
        raise NodeConfigError(
            f"{where} is no file. Write the path of a file that holds the secret alone."
        )
    if state.st_uid not in (os.geteuid(), _SYSTEM):
        raise NodeConfigError(
            f"{where} belongs to another user of this machine, who could change it. Run: chown {os.geteuid()} {path}"
        )
    if state.st_mode & others:
        raise NodeConfigError(
            f"{where} can be used by others than its owner (its mode is {stat.S_IMODE(state.st_mode):04o}). Run: chmod 600 {path}"
        )


def _reference(written: object) -> object:
    if isinstance(written, SecretReference):
        return written
    way, colon, name = written.partition(":") if isinstance(written, str) else ("", "", "")
    if way not in ("env", "file", "credential") or not colon or not name.strip():
        raise ValueError(f"a secret is not written into node.yaml. Write where it is: {_WAYS}.")
    if way != "file" and not _NAME.fullmatch(name):
        raise ValueError(
            f"the name after {way}: has letters, digits, '_', '.' and '-' only. Write where the secret is: {_WAYS}."
        )
    return SecretReference(cast("Literal['env', 'file', 'credential']", way), name)


Secret = Annotated[
    SecretReference, BeforeValidator(_reference), PlainSerializer(str, return_type=str)
]
"""A setting whose value is a secret: node.yaml holds a reference to it."""
