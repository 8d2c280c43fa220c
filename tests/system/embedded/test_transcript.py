"""The transcript: each received message as a file, and an index with their hashes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from riskset_embedded.transcript import Transcript


def test_a_message_is_kept_byte_for_byte_and_indexed(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "transcript")
    transcript.keep_replies("join", {"dcog": b"\x00RS\xff"})
    transcript.keep_replies("round-001", {"dcog": b"second"})
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
    Transcript(tmp_path / "transcript").keep_replies("keys", {"dcog": b""})

    assert [] == list(tmp_path.iterdir())


def test_no_folder_keeps_nothing(tmp_path: Path) -> None:
    Transcript(None).keep_replies("join", {"dcog": b"message"})

    assert [] == list(tmp_path.iterdir())


def test_what_was_kept_is_there_for_a_run_that_continues(tmp_path: Path) -> None:
    before = Transcript(tmp_path / "transcript")
    before.keep_replies("join", {"dcog": b"first", "bfm": b"other"})
    before.keep_replies("keys", {"dcog": b""})
    before.keep_replies("round-001", {"dcog": b"second"})
    before.keep_opening("round-001", b"opened")
    after = Transcript(tmp_path / "transcript")

    assert ["join", "round-001"] == after.steps()
    assert {"bfm": b"other", "dcog": b"first"} == after.replies("join")
    assert {} == after.replies("keys")
    assert ([], {}) == (Transcript(None).steps(), Transcript(None).replies("join"))
