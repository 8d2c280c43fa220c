"""The secret of the inside port."""

from __future__ import annotations

import pytest

from riskset_common.errors import InputError
from riskset_server.flower.inside import INSIDE_HEADER, inside_word, read_secret, shows

SECRET = bytes(range(32))
HEADER = INSIDE_HEADER.encode()


def test_what_is_shown_is_not_the_secret_and_another_secret_shows_another_word():
    word = inside_word(SECRET)

    assert SECRET.hex() not in word
    assert word != inside_word(SECRET[::-1])
    assert shows([(HEADER, word.encode())], word)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(HEADER, b"")],
        [(HEADER, b"\xff\xfe")],
        [(b"another", inside_word(SECRET).encode())],
        [(HEADER, inside_word(SECRET).encode())] * 2,
    ],
)
def test_nothing_else_is_the_word(headers):
    assert not shows(headers, inside_word(SECRET))


def test_a_secret_that_others_may_read_that_is_short_or_missing_is_refused(tmp_path):
    secret = tmp_path / "superexec.secret"
    with pytest.raises(InputError, match=r"flower\.secret.*cannot be read"):
        read_secret(secret)
    secret.write_bytes(SECRET)
    secret.chmod(0o604)
    with pytest.raises(InputError, match=r"open to every user of this machine.*chmod 600"):
        read_secret(secret)
    secret.chmod(0o600)

    assert SECRET == read_secret(secret)

    secret.write_bytes(SECRET[:15])
    with pytest.raises(InputError, match=r"15 bytes.*at least 16"):
        read_secret(secret)
