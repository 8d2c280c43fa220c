"""Files and folders for their owner's eyes: closed to other users of the machine, whatever the umask says."""

from __future__ import annotations

import os
from pathlib import Path

from riskset_common.errors import InputError

_OWNER_ALONE = 0o600
_FOLDER = 0o700


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
    # Another's file or link of that name would keep its rights, or lead elsewhere.
    made.unlink(missing_ok=True)
    _write(made, os.O_EXCL, content)
    made.replace(path)


def closed_folder(folder: Path) -> Path:
    """Make a folder for its owner alone, or close the one that is there; folders on the way to it are made as usual.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=_FOLDER, exist_ok=True)
        folder.chmod(_FOLDER)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be made ({error.strerror}). Choose another folder."
        ) from error
    return folder


def close_all(folder: Path) -> None:
    """Close a folder with all that it holds. A link is left alone, and so is what it leads to. Raises `OSError`."""
    folder.chmod(_FOLDER)
    for here, folders, files in os.walk(folder):
        for names, mode in ((folders, _FOLDER), (files, _OWNER_ALONE)):
            for path in (Path(here, name) for name in names):
                if not path.is_symlink():
                    path.chmod(mode)


def write_closed(path: Path, content: bytes) -> None:
    """Write a file for its owner alone, over one that is there; a reader finds the old one or the new one. Raises `OSError`."""
    made = path.with_name(f".{path.name}.part")
    made.unlink(missing_ok=True)
    _write(made, os.O_EXCL, content, through=False)
    made.replace(path)


def append(path: Path, content: bytes) -> None:
    """Add to the end of a file for its owner alone, which is made where it is not there. Raises `OSError`."""
    _write(path, os.O_APPEND, content, through=False)


def _write(path: Path, flag: int, content: bytes, *, through: bool = True) -> None:
    """Write; `through` waits until the disk has it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flag, _OWNER_ALONE), "wb") as file:
        file.write(content)
        if through:
            file.flush()
            os.fsync(file.fileno())
