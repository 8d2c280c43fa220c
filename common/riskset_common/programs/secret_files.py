"""Files for their owner's eyes: closed to other users of the machine from their first byte."""

from __future__ import annotations

import os
from pathlib import Path

from riskset_common.errors import InputError

_OWNER_ALONE = 0o600


def write_new(path: Path, content: bytes) -> None:
    """Write a secret into a new file.

    Raises
    ------
    InputError
        If a file of that name is there already, or the file cannot be written.
    """
    try:
        _write(path, os.O_EXCL, content)
    except FileExistsError as error:
        raise InputError(
            f"{path}: is there already and is not written over, because a lost key cannot be made again. "
            "Move it away, or choose another name."
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}).") from error


def replace(path: Path, content: bytes) -> None:
    """Write a secret file anew; after a crash the whole new content is there, or the whole old one. Raises `OSError`."""
    made = path.with_suffix(".part")
    _write(made, os.O_TRUNC, content)
    made.replace(path)


def _write(path: Path, flag: int, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flag, _OWNER_ALONE), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
