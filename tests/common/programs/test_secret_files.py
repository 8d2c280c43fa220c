from __future__ import annotations

import stat
from pathlib import Path

import pytest

from riskset_common.errors import InputError
from riskset_common.programs.secret_files import replace, write_new


def test_a_secret_is_for_its_owner_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "site.key"
    write_new(path, b"first")

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    with pytest.raises(InputError, match=r"site\.key: is there already .* cannot be made again"):
        write_new(path, b"second")
    assert b"first" == path.read_bytes()


def test_a_secret_without_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"site\.key: cannot be written \(No such file"):
        write_new(tmp_path / "absent" / "site.key", b"key")


def test_a_replaced_secret_stays_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    replace(path, b"first")
    replace(path, b"second")

    assert b"second" == path.read_bytes()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(tmp_path.iterdir())
