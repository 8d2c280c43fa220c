"""The databases that the source `sql` reads. To add one: a module with a `Database`, and a line here."""

from __future__ import annotations

from typing import Final

from riskset_node.sources.databases.database import Database
from riskset_node.sources.databases.mariadb import MariaDb
from riskset_node.sources.databases.postgresql import PostgreSql
from riskset_node.sources.databases.sqlite import Sqlite

DATABASES: Final[tuple[Database, ...]] = (PostgreSql(), Sqlite(), MariaDb())
