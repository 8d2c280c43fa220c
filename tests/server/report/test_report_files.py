"""Writing files whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from riskset_server.report.files import write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_whole(path, b"one")
    write_whole(path, b"two")

    assert b"two" == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


def test_a_failed_writing_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    write_whole(path, b"old")

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_whole(path, b"new")

    assert b"old" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())
