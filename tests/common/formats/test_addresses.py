from __future__ import annotations

import pytest

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
    "text", ["centre.example", ":443", "centre:0", "centre:65536", "https://centre:443", "centre:x"]
)
def test_what_is_no_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        Address.read(text)
