"""The cuts of sessions: records that may change while a run lasts are read once a session, and kept for a node that is started again.

A cut of a session holds what the codebook names, coded, without the site's own ids and without findings. It goes when the session's
keys go.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from riskset_common.errors import DataError, InputError
from riskset_common.programs.secret_files import closed_folder, replace
from riskset_node.sources.cut_file import Cut, read_cut, to_bytes

_OF_A_SESSION = re.compile(r"[0-9a-f]{64}(\.part)?")


class SessionCuts:
    """One file for each session, readable by its owner alone, in a folder that is there as long as it holds one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, sid: bytes, cut: Cut) -> None:
        """Write the cut of a session through to the disk, without ids and findings.

        Raises
        ------
        DataError
            If it cannot be written.
        """
        bare = cut.header.model_copy(update={"patient": None, "local_ids": None, "findings": ()})
        try:
            closed_folder(self._folder)
            replace(self._path(sid), to_bytes(Cut(bare, cut.patients, cut.rows)))
        except InputError as error:
            raise DataError(f"The cut of this session cannot be written. {error}") from error
        except OSError as error:
            raise DataError(
                f"{self._path(sid)}: the cut of this session cannot be written ({error.strerror}). Make room there for this user."
            ) from error

    def of(self, sid: bytes) -> Cut | None:
        """The cut of a session; None where there is none. Raises `DataError` if it is damaged."""
        path = self._path(sid)
        return read_cut(path, "the folder of state") if path.exists() else None

    def forget(self, sid: bytes) -> None:
        """Delete the cut of a session, if there is one."""
        self._delete([self._path(sid)])

    def keep_only(self, sids: Collection[bytes]) -> None:
        """Delete every cut but those of these sessions: a node may have been killed between the end of a session and its deletion."""
        kept = {sid.hex() for sid in sids}
        own = self._folder.iterdir() if self._folder.is_dir() else ()
        old = [path for path in own if _OF_A_SESSION.fullmatch(path.name)]
        self._delete([path for path in old if path.name not in kept])

    def _delete(self, paths: Collection[Path]) -> None:
        if not self._folder.is_dir():
            return
        for path in paths:
            path.unlink(missing_ok=True)
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _path(self, sid: bytes) -> Path:
        return self._folder / sid.hex()
