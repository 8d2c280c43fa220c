"""The transcript: each received message as a file, and an index with their hashes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from riskset_embedded.transcript import Transcript


def test_a_message_is_kept_byte_for_byte_and_indexed(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "transcript")
    transcript.received("join", "dcog", b"\x00RS\xff")
    transcript.received("round-001", "dcog", b"second")
    lines = (tmp_path / "transcript" / "index.jsonl").read_text(encoding="utf-8").splitlines()

    assert b"\x00RS\xff" == (tmp_path / "transcript" / "join" / "dcog.msg").read_bytes()
    assert [
        {
            "step": step,
            "site": "dcog",
            "bytes": len(message),
            "sha256": hashlib.sha256(message).hexdigest(),
        }
        for step, message in (("join", b"\x00RS\xff"), ("round-001", b"second"))
    ] == [json.loads(line) for line in lines]


def test_an_empty_answer_is_no_message(tmp_path: Path) -> None:
    Transcript(tmp_path / "transcript").received("keys", "dcog", b"")

    assert [] == list(tmp_path.iterdir())


def test_no_folder_keeps_nothing(tmp_path: Path) -> None:
    Transcript(None).received("join", "dcog", b"message")

    assert [] == list(tmp_path.iterdir())
