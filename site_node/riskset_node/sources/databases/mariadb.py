"""MariaDB and MySQL, through PyMySQL."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from riskset_common.errors import DataError, NodeConfigError, RisksetError
from riskset_node.sources.databases.address import Address
from riskset_node.sources.databases.database import (
    CONNECT_SECONDS,
    Limits,
    ended_early,
    no_such_driver,
    not_a_select,
    not_allowed,
    not_reached,
    only_reading,
    too_slow,
)
from riskset_node.sources.source import Examined

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_FLOAT = 4
"""Of the types of columns in the protocol (PyMySQL's FIELD_TYPE.FLOAT)."""

_REFUSES = "the database refuses this user or this password"
_TOO_MANY = "it has no connection left for this user. Try again later"
_NOT_CONNECTED: Final = {
    1040: _TOO_MANY,
    1044: "this user may not use the database",
    1045: _REFUSES,
    1049: "there is no database of this name",
    1203: _TOO_MANY,
    1226: _TOO_MANY,
    1698: _REFUSES,
}
_NOT_ALLOWED = (1142, 1143, 1227, 1370)
_NO_TABLE, _NAMES = 1146, (1054, 1060, 1064)
_READ_ONLY = (1792, 1290)
_TOO_SLOW = (1969, 3024, 1317)
_LOST = (2006, 2013)

_ONLY_READS = {"USAGE", "SELECT", "SHOW VIEW"}
_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<what>\S+) TO ")

READER = """create user riskset_reader identified by '...' require ssl with max_user_connections 2;
create view trial.riskset_export as select ... from ...;      -- one row a patient, only what is needed
grant select on trial.riskset_export to riskset_reader;"""


class MariaDb:
    """MariaDB 10.5 or newer, MySQL 8."""

    drivers: tuple[str, ...] = ("mariadb+pymysql", "mysql+pymysql", "mariadb", "mysql")
    quote: str = "`"

    def place(self, address: Address) -> str:
        """Such as `trial on db.umc.example`."""
        return f"{address.database} on {address.hosts()[0]}"

    def engine(self, address: Address, limits: Limits) -> Engine:
        """Opened read only whatever the user may do, at one state of the database, with TLS verified for host and certificate."""
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool

        address.check_parameters("unix_socket")
        authority = address.authority(limits.ca)
        by_path = address.parameter("unix_socket")
        if by_path is not None and not Path(by_path).is_socket():
            raise not_reached(
                f"sql {self.place(address)}", "there is no socket of a server at this path"
            )
        trusted: dict[str, object] = {}
        if authority is not None:
            trusted = {"ssl_ca": authority, "ssl_verify_cert": True, "ssl_verify_identity": True}
        driver = "mysql+pymysql" if address.url.drivername.startswith("mysql") else self.drivers[0]
        try:
            engine = create_engine(
                address.url.set(drivername=driver),
                poolclass=NullPool,
                isolation_level="REPEATABLE READ",
                hide_parameters=True,
                connect_args={
                    "connect_timeout": CONNECT_SECONDS,
                    "read_timeout": limits.timeout,
                    "charset": "utf8mb4",
                    "local_infile": False,
                    **trusted,
                },
            )
        except ModuleNotFoundError:
            raise no_such_driver("PyMySQL", "mariadb") from None
        event.listen(engine, "connect", lambda opened, _: _prepare(opened, limits.timeout))
        return engine

    def check_types(
        self, connection: Connection, columns: Sequence[tuple[str, object]], place: str
    ) -> None:
        """Refuse FLOAT, of which the server sends six digits; what is not one value comes as bytes, and is refused where it is read."""
        for name, kind in columns:
            if kind == _FLOAT:
                raise DataError(
                    f"{place}: column {name!r} has the type FLOAT, of which the database sends six digits only, so 1234567 comes as "
                    f"1234570. Write cast({name} as decimal(20, 6)) as {name} in the query or the view, or give the column the type DOUBLE."
                )

    def cut_off(self, connection: Connection) -> Callable[[], None]:
        """Close the socket under the driver."""
        line: object = getattr(connection.connection.driver_connection, "_sock", None)

        def end() -> None:
            if isinstance(line, socket.socket):
                line.shutdown(socket.SHUT_RDWR)

        return end

    def told(self, error: BaseException, place: str, timeout: int) -> RisksetError:
        """By the number of the error; the server's own words only where they speak of names, and not of values."""
        number, said = (*error.args, 0, "")[:2]
        if number in _NOT_CONNECTED:
            return not_reached(place, _NOT_CONNECTED[number])
        if number in _NOT_ALLOWED:
            return not_allowed(place, str(said))
        if number == _NO_TABLE:
            return NodeConfigError(
                f"{place}: {said}. Correct data.source.table or data.source.query, and ask whether this user may see it."
            )
        if number in _NAMES:
            return not_a_select(place, str(said))
        if number in _READ_ONLY:
            return only_reading(place)
        if number in _TOO_SLOW:
            return too_slow(place, timeout)
        if number in _LOST:
            slow = "timed out" in str(said)
            return too_slow(place, timeout) if slow else ended_early(place)
        if number in (2003, 2026):
            return not_reached(place, _why(str(said)))
        return NodeConfigError(
            f"{place}: the database gave the error {number}. Show it to the database's people."
        )

    def examined(self, connection: Connection) -> Iterator[Examined]:
        """TLS, and what the user may do beside reading; nothing of the grants is shown, because they may hold a hash of the password."""
        cipher = connection.exec_driver_sql("show session status like 'Ssl_cipher'").one()[1]
        yield Examined("encrypted (TLS)" if cipher else "not encrypted, on this machine")
        lines = [str(row[0]) for row in connection.exec_driver_sql("show grants")]
        grants = [found for line in lines if (found := _GRANT.match(line))]
        written = any(
            set(found["rights"].upper().split(", ")) - _ONLY_READS
            for found in grants
            if not found["rights"].upper().startswith("SELECT (")
        )
        seen = any(found["what"].endswith("*") for found in grants if found["rights"] != "USAGE")
        if not written and not seen:
            yield Examined("the user can only read what was granted by name")
            return
        too_much = [
            "may do more than read" if written else "",
            "sees whole databases" if seen else "",
        ]
        yield Examined(
            f"the database's user {' and '.join(filter(None, too_much))}; the node needs to read one view. Nothing is written all the "
            f"same, because the node only reads. Ask the database's people for a user of its own:\n{READER}",
            warns=True,
        )


def _why(said: str) -> str:
    for words, why in (
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not that of this host, or not signed by the authority in data.source.ca"),
        ("doesn't support", "the database offers no TLS. Ask its people to switch it on; nothing was sent"),
        ("refused", "nothing listens at this host and port"),
        ("timed out", f"no answer within {CONNECT_SECONDS} seconds"),
        ("not known", "the name of the host is not known here"),
        ("name resolution", "the name of the host is not known here"),
    ):  # fmt: skip
        if words in said:
            return why
    return "the connection failed"


def _prepare(opened: object, timeout: int) -> None:
    """Settings of the session, whatever the user's are; MariaDB and MySQL have each a word of their own for the time limit."""
    from pymysql.connections import Connection as PyMySqlConnection

    if not isinstance(opened, PyMySqlConnection):
        raise TypeError("this is no connection of PyMySQL.")
    limit = (
        f"max_statement_time = {timeout}"
        if "MariaDB" in opened.get_server_info()
        else f"max_execution_time = {timeout * 1000}"
    )
    with opened.cursor() as cursor:
        cursor.execute("set session transaction read only")
        cursor.execute("set session time_zone = '+00:00'")
        cursor.execute(f"set session {limit}")
    opened.commit()
