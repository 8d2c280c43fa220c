"""The transcript of a run: every message that the centre received or published, byte for byte, for audits and for attacks.

It is also all that the centre must keep to go on with a run that stopped (`driving.recorded.Memory`): the rest follows from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from riskset_common.programs.secret_files import append, closed_folder, write_closed


class Transcript:
    """Writes each received message to `folder/STEP/SITE.msg` and an index with their hashes; openings to `folder/openings/`.

    An opening holds exact sums, so all of it is for its owner alone.

    Without a folder nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def steps(self) -> list[str]:
        """Steps that sites answered, in order."""
        index = None if self._folder is None else self._folder / "index.jsonl"
        if index is None or not index.exists():
            return []
        lines = index.read_text(encoding="utf-8").splitlines()
        return list(dict.fromkeys(json.loads(line)["step"] for line in lines))

    def replies(self, step: str) -> dict[str, bytes]:
        """What sites answered in a step of this run before it stopped, by name."""
        if self._folder is None:
            return {}
        paths = sorted((self._folder / step).glob(f"*{_MESSAGE}"))
        return {path.name.removesuffix(_MESSAGE): path.read_bytes() for path in paths}

    def keep_asked(self, step: str, messages: Mapping[str, bytes]) -> None:
        """Keep nothing: what is asked follows from what was received."""

    def keep_replies(self, step: str, replies: Mapping[str, bytes]) -> None:
        """Keep messages as they arrived; an empty answer is no message."""
        for site, message in replies.items():
            if self._folder is not None and message:
                _write(self._folder / step / f"{site}{_MESSAGE}", message)
                entry = {
                    "step": step,
                    "site": site,
                    "bytes": len(message),
                    "sha256": hashlib.sha256(message).hexdigest(),
                }
                append(self._folder / "index.jsonl", json.dumps(entry).encode() + b"\n")

    def keep_opening(self, step: str, opening: bytes) -> None:
        """Keep the opening of a round, from which anybody can add up its sum again."""
        if self._folder is not None:
            _write(self._folder / "openings" / f"{step}.opening", opening)


_MESSAGE = ".msg"


def _write(path: Path, message: bytes) -> None:
    """Write a file for its owner alone that is there in full or not at all."""
    closed_folder(path.parent)
    write_closed(path, message)
