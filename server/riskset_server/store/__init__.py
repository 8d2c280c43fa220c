"""The memory of the centre: its sites, its runs, and every message of a run, on SQLite or PostgreSQL."""

from riskset_server.store.database import Database, open_database
from riskset_server.store.run_state import RunRecord, RunState
from riskset_server.store.runs import Runs
from riskset_server.store.sites import SiteRecord, Sites

__all__ = [
    "Database",
    "RunRecord",
    "RunState",
    "Runs",
    "SiteRecord",
    "Sites",
    "open_database",
]
