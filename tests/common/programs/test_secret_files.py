from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from riskset_common.errors import InputError
from riskset_common.programs.secret_files import (
    append,
    close_all,
    closed_folder,
    replace,
    write_closed,
    write_new,
)


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


@pytest.mark.parametrize("laid", ["file", "link", "dangling"])
def test_a_secret_is_not_written_into_what_another_laid_there(tmp_path: Path, laid: str) -> None:
    path, there, others = tmp_path / "a.cut", tmp_path / "a.part", tmp_path / "others"
    if laid != "dangling":
        others.write_bytes(b"")
    if laid == "file":
        others.rename(there)
        there.chmod(0o666)
    else:
        there.symlink_to(others)
    replace(path, b"secret")

    assert (b"secret", False) == (path.read_bytes(), path.is_symlink())
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert not others.exists() or b"" == others.read_bytes()


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request):
    """What the machine takes from the mode of a new file: nothing, the usual, nearly all."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_a_folder_is_closed_whether_it_is_new_or_was_open(tmp_path: Path, umask) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "open").chmod(0o777)
    made = [closed_folder(tmp_path / name) for name in ("open", "new")]

    assert [0o700, 0o700] == [stat.S_IMODE(folder.stat().st_mode) for folder in made]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file: cannot be made \(File exists\)\. Choose another"):
        closed_folder(tmp_path / "file")


def test_a_folder_is_closed_with_all_that_it_holds_and_no_link_is_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "theirs").touch(0o644)
    folder = tmp_path / "run" / "inner"
    folder.mkdir(parents=True)
    (folder / "one.opening").touch(0o666)
    (folder / "link").symlink_to(outside / "theirs")
    (tmp_path / "run" / "away").symlink_to(outside)
    close_all(tmp_path / "run")

    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    assert 0o600 == stat.S_IMODE((folder / "one.opening").stat().st_mode)
    assert 0o644 == stat.S_IMODE((outside / "theirs").stat().st_mode)
    assert 0o700 != stat.S_IMODE(outside.stat().st_mode)


def test_a_closed_file_is_written_over_and_an_open_one_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a.msg"
    path.touch(0o666)
    write_closed(path, b"first")
    write_closed(path, b"second")
    append(tmp_path / "index", b"1")
    append(tmp_path / "index", b"2")

    assert (b"second", b"12") == (path.read_bytes(), (tmp_path / "index").read_bytes())
    assert {0o600} == {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
