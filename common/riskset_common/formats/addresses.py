"""`host:port`, as configuration files and messages write the place where a program listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator


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
        if not host or "/" in text or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"{text!r} is not host:port, for example centre.example:443.")
        return cls(host.strip("[]"), int(port))

    @property
    def is_ipv6(self) -> bool:
        """Whether the host is written as an IPv6 address."""
        return ":" in self.host

    def ports_on(self, places: int) -> Self:
        """The address whose port is so many further on."""
        return type(self)(self.host, self.port + places)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


def _checked(text: str) -> str:
    Address.read(text)
    return text


AddressText = Annotated[str, AfterValidator(_checked)]
"""`host:port` in a configuration file, kept as it is written."""
