"""`host:port`, as configuration files and messages write the place where a program listens."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator

from riskset_common.errors import InputError

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"{_LABEL}(?:\.{_LABEL})*\.?"
_PORT = r"[0-9]{1,5}"
_LONGEST_HOST = 253


@dataclass(frozen=True)
class Address:
    """A host and a TCP port. An IPv6 host is held without the brackets in which text has it."""

    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `host:port` or `[IPv6]:port`.

        Raises
        ------
        ValueError
            If the text is neither, or the port is not in 1..65535.
        """
        host, _, port = text.rpartition(":")
        if not (_is_host(host) and re.fullmatch(_PORT, port) and 0 < int(port) < 65536):
            raise ValueError(
                f"{text!r} is not host:port: a name or an IP address (IPv6 in brackets), and a port from 1 to 65535, "
                "for example centre.example:443."
            )
        return cls(host.strip("[]"), int(port))

    @classmethod
    def of_option(cls, text: str, option: str) -> Self:
        """Read what was given to an option of a command, and raise `InputError` that names it."""
        try:
            return cls.read(text)
        except ValueError as error:
            raise InputError(f"{option}: {error}") from None

    @property
    def is_ipv6(self) -> bool:
        """Whether the host is written as an IPv6 address."""
        return ":" in self.host

    def ports_on(self, places: int) -> Self:
        """The address whose port is so many further on."""
        return type(self)(self.host, self.port + places)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


def _is_host(host: str) -> bool:
    """Whether the text is a host name, an IPv4 address, or an IPv6 address in brackets."""
    if host.startswith("[") and host.endswith("]"):
        return "%" not in host and _is_ip(host[1:-1], ipaddress.IPv6Address)
    if re.fullmatch(r"[0-9.]+", host):
        return _is_ip(host, ipaddress.IPv4Address)
    return len(host) <= _LONGEST_HOST and re.fullmatch(_HOST, host) is not None


def _is_ip(text: str, version: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> bool:
    try:
        version(text)
    except ValueError:
        return False
    return True


def _checked(text: str) -> str:
    Address.read(text)
    return text


AddressText = Annotated[str, AfterValidator(_checked)]
"""`host:port` in a configuration file, kept as it is written."""
