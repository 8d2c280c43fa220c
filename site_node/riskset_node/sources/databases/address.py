"""Where a database is: its URL, which may hold a password and is then a secret, and what messages may say of it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter

from riskset_common.errors import NodeConfigError
from riskset_node.sources.credentials import Secret, SecretReference

if TYPE_CHECKING:
    from sqlalchemy import URL

FORMS = "postgresql+psycopg://USER:PASSWORD@HOST:5432/DATABASE, mariadb+pymysql://USER:PASSWORD@HOST:3306/DATABASE or sqlite:///FILE"

_SECRET_WAYS = ("env:", "file:", "credential:")
_OPEN = re.compile(
    r"[a-z0-9+]+://(?:[A-Za-z0-9_.-]+@)?(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])?(?::[0-9]{1,5})?/[^@?#]*(?:\?[^@#]*)?"
)
"""A URL in which no part can be a password, but for its parameters."""

_OPEN_PARAMETERS = frozenset(
    {"host", "port", "hostaddr", "sslcert", "sslkey", "krbsrvname", "mode", "uri", "unix_socket"}
)
_NAME = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:]+")
_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class OpenUrl:
    """A URL that node.yaml may hold itself, because there is no password in it."""

    text: str

    def __str__(self) -> str:
        return self.text

    def in_folder(self, folder: Path) -> OpenUrl:
        """The same, with the path of a SQLite file relative to a folder."""
        if not self.text.startswith(_SQLITE):
            return self
        scheme, file = (_SQLITE, self.text.removeprefix(_SQLITE))
        if file.startswith("file:"):
            scheme, file = f"{_SQLITE}file:", file.removeprefix("file:")
        return replace(self, text=f"{scheme}{(folder / file).absolute()}")

    def read(self, setting: str) -> str:
        """The URL."""
        return self.text


def _written(written: object) -> object:
    if isinstance(written, OpenUrl | SecretReference):
        return written
    if isinstance(written, str) and "://" in written and not written.startswith(_SECRET_WAYS):
        parameters = re.findall(r"[?&]([^=&]*)", written)
        if _OPEN.fullmatch(written) and _OPEN_PARAMETERS.issuperset(parameters):
            return OpenUrl(written)
        raise ValueError(
            "a URL with a password, or with a sign that may be part of one, is not written into node.yaml. Write it into a file that "
            "its owner alone can read (chmod 600), and here file:PATH; or env:NAME or credential:NAME."
        )
    return TypeAdapter(Secret).validate_python(written)


DatabaseUrl = Annotated[
    OpenUrl | SecretReference,
    BeforeValidator(_written),
    PlainSerializer(str, return_type=str),
]
"""A setting that says where a database is: a reference to a secret, or a URL without a password."""


@dataclass(frozen=True, repr=False)
class Address:
    """A database's address, with the password where it has one; so it has no repr of its own.

    Attributes
    ----------
    url
        As SQLAlchemy parsed it.
    setting
        What messages call the setting: `data.source.url` and where it is read from.
    """

    url: URL
    setting: str

    @classmethod
    def read(cls, written: OpenUrl | SecretReference) -> Address:
        """Read the URL; raises `NodeConfigError`, whose message never holds it."""
        setting = "data.source.url"
        text = written.read(setting)
        if isinstance(written, SecretReference):
            setting = f"{setting} ({written})"
        try:
            from sqlalchemy import make_url
            from sqlalchemy.exc import ArgumentError
        except ImportError as error:
            raise NodeConfigError(
                "kind: sql needs SQLAlchemy, which is not installed. Install it with: pip install 'riskset-node[sql]'"
            ) from error
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            # Their texts hold parts of the URL.
            raise NodeConfigError(
                f"{setting}: this is no URL of a database. Write {FORMS}."
            ) from None
        address = cls(url, setting)
        address._check()
        return address

    def _check(self) -> None:
        """Refuse what was parsed otherwise than it was meant: then a part of the password stands where a host or a name belongs."""
        parts = [self.url.database or "", *map(str, self.url.query.values())]
        host = self.url.host
        if any("@" in part for part in parts) or not (host is None or _NAME.fullmatch(host)):
            raise NodeConfigError(
                f"{self.setting}: the name or the password holds a sign that means something else in a URL. Write @ as %40, / as %2F, "
                ": as %3A, # as %23, ? as %3F and % as %25."
            )

    @property
    def database(self) -> str:
        """Name of the database; the file of SQLite."""
        return self.url.database or ""

    def parameter(self, name: str) -> str | None:
        """One parameter after the `?`; None where it is not there."""
        value = self.url.query.get(name)
        return value if isinstance(value, str) or value is None else ",".join(value)

    def check_parameters(self, *known: str) -> None:
        """Refuse parameters of which some would take back what the node sets: TLS, read-only transactions, time limits."""
        unknown = sorted(set(self.url.query) - set(known))
        if unknown:
            raise NodeConfigError(
                f"{self.setting}: the node does not take the parameter {unknown[0]!r} after the '?'. Remove it; it sets TLS, read-only "
                f"transactions and time limits itself. It takes: {', '.join(known) or 'none'}."
            )

    def hosts(self) -> tuple[str, ...]:
        """Machines, or folders of Unix sockets, that may be connected to; raises `NodeConfigError` if none is named."""
        named = [
            self.url.host,
            self.parameter("host"),
            self.parameter("hostaddr"),
            self.parameter("unix_socket"),
        ]
        hosts = tuple(part.strip() for each in named if each for part in each.split(","))
        if not hosts:
            raise NodeConfigError(
                f"{self.setting}: the URL names no machine. Write the host after the //, or localhost."
            )
        return hosts

    def is_here(self) -> bool:
        """Whether all of that is this machine, so that nothing crosses a network."""
        return all(map(_is_here, self.hosts()))

    def authority(self, ca: Path | None) -> str | None:
        """File of the certificate authority; None where the database is on this machine and none is named.

        Raises
        ------
        NodeConfigError
            If the database is elsewhere and no authority is named, or if the file is not there.
        """
        if ca is None and not self.is_here():
            raise NodeConfigError(
                f"data.source.ca is missing. The database is on another machine ({self.hosts()[0]}), so the connection is encrypted and "
                "its certificate checked. Write the file of the authority that signed it, as the database's people give it; that of "
                "this machine is often /etc/ssl/certs/ca-certificates.crt or /etc/pki/tls/certs/ca-bundle.crt."
            )
        if ca is not None and not ca.is_file():
            raise NodeConfigError(f"data.source.ca: there is no file {ca}.")
        return None if ca is None else str(ca)


def _is_here(host: str) -> bool:
    if host.startswith("/") or host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
