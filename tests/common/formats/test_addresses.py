from __future__ import annotations

import pytest

from riskset_common.errors import InputError
from riskset_common.formats.addresses import Address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("centre.example:443", "centre.example", 443), ("[2001:db8::1]:8443", "2001:db8::1", 8443)],
)
def test_an_address_is_read_and_written_again(text: str, host: str, port: int) -> None:
    address = Address.read(text)

    assert Address(host, port) == address
    assert text == str(address)
    assert Address(host, port + 2) == address.ports_on(2)


@pytest.mark.parametrize(
    "text",
    ["centre.example", ":443", "centre:0", "centre:65536", "https://centre:443", "centre:x", "localhost", "a b:1",
     "centre:443\n", "cen\ntre:443", "centre\x1b[31m:443", "centre:٤٤٣", "::1:443", "[::1:443", "[fe80::1%x]:443", "[centre]:443",
     "999.1.1.1:443", "a..b:443", "-a:443", "a@b:443", "a?b:443", "a" * 64 + ":443", "centre:+443", "centre:4 43", "\u202eabc:443"],
)  # fmt: skip
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        Address.read(text)


def test_an_address_given_to_an_option_is_refused_under_its_name() -> None:
    with pytest.raises(InputError, match="--address: 'localhost' is not host:port"):
        Address.of_option("localhost", "--address")
