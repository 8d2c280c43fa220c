"""The transcript of a run: every message that the centre received, byte for byte, for audits and for attacks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


class Transcript:
    """Writes each received message to `folder/STEP/SITE.msg`, and an index with their hashes. None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def received(self, step: str, site: str, message: bytes) -> None:
        """Keep one message as it arrived; an empty answer is no message."""
        if self._folder is None or not message:
            return
        path = self._folder / step / f"{site}.msg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(message)
        entry = {
            "step": step,
            "site": site,
            "bytes": len(message),
            "sha256": hashlib.sha256(message).hexdigest(),
        }
        with (self._folder / "index.jsonl").open("a", encoding="utf-8") as index:
            index.write(json.dumps(entry) + "\n")
