"""Shared by all commands: how they end if something is wrong, and how they print their release."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import PackageNotFoundError, version
from typing import ParamSpec, TypeVar

import riskset_common
from riskset_common.errors import RisksetError
from riskset_common.programs.screen import guarded

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

LEAVE_ESCAPES = {"color": True}
"""Settings of a program's context. Without them click drops the escape sequences of a text before the guard can show them."""


def errors_as_text(command: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """Decorate a command: every error that riskset raises on purpose becomes its text on stderr and its exit code.

    0 done, 1 found problems, 2 usage (left to whoever parses the arguments), 3 refused. Every other exception is a fault of
    riskset and keeps its traceback. Whatever the command writes passes the guard of `screen`.
    """

    @wraps(command)
    def ended(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        with guarded():
            try:
                return command(*args, **kwargs)
            except RisksetError as error:
                sys.stdout.flush()
                sys.stderr.write(f"error: {error}\n")
                raise SystemExit(error.exit_code) from error

    return ended


def version_of(distribution: str) -> str:
    """Version of an installed distribution; of the checkout where the four are installed as one."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return riskset_common.__version__


def show_version(program: str, distribution: str) -> Callable[[bool], None]:
    """The callback of a command's --version: print it and end."""

    def shown(wanted: bool) -> None:  # noqa: FBT001 - the parser calls it so
        if wanted:
            sys.stdout.write(f"{program} {version_of(distribution)}\n")
            raise SystemExit(0)

    return shown
