"""The transcript of a run: every message that the centre received or published, byte for byte, for audits and for attacks.

It is also all that the centre must keep to go on with a run that stopped: the rest follows from it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


class Transcript:
    """Writes each received message to `folder/STEP/SITE.msg` and an index with their hashes; openings to `folder/openings/`.

    Without a folder nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def received(self, step: str, site: str, message: bytes) -> None:
        """Keep one message as it arrived; an empty answer is no message."""
        if self._folder is None or not message:
            return
        path = self._folder / step / f"{site}.msg"
        _write(path, message)
        entry = {
            "step": step,
            "site": site,
            "bytes": len(message),
            "sha256": hashlib.sha256(message).hexdigest(),
        }
        with (self._folder / "index.jsonl").open("a", encoding="utf-8") as index:
            index.write(json.dumps(entry) + "\n")

    def kept(self, step: str, site: str) -> bytes | None:
        """What a site answered in a step of this run before it stopped; None where it did not."""
        path = None if self._folder is None else self._folder / step / f"{site}.msg"
        return path.read_bytes() if path is not None and path.exists() else None

    def went_on(self, step: str) -> bool:
        """Whether sites answered a later step already."""
        index = None if self._folder is None else self._folder / "index.jsonl"
        if index is None or not index.exists():
            return False
        steps = [json.loads(line)["step"] for line in index.read_text("utf-8").splitlines()]
        return step in steps and steps[-1] != step

    def published(self, step: str, message: bytes) -> None:
        """Keep the opening of a round, from which anybody can add up its sum again."""
        if self._folder is not None:
            _write(self._folder / "openings" / f"{step}.opening", message)


def _write(path: Path, message: bytes) -> None:
    """Write a file that is there in full or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_suffix(".part")
    made.write_bytes(message)
    made.replace(path)
