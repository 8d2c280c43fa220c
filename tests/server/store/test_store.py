"""The centre's memory: what was asked and answered is kept byte for byte, and a run is played again from it."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable
from tests.server.conftest import NOW

from riskset_common.errors import InputError, ProtocolRefusal
from riskset_server.driving.recorded import Recorded
from riskset_server.store import RunState, database, open_database
from riskset_server.store.database import migrate
from riskset_server.store.runs import Arrived
from riskset_server.store.tables import MessageRow, Table


class Counting:
    """A carrier that counts what it is asked."""

    def __init__(self, *answering: str) -> None:
        self.answering = answering
        self.asked: list[str] = []

    def ask(self, messages, step, on_replies):
        self.asked += sorted(messages)
        replies = {site: f"{step} {site}".encode() for site in messages if site in self.answering}
        on_replies(replies)
        return replies


@pytest.fixture
def number(centre):
    centre.admit("a", "b")
    return centre.add_run()


def recorded(centre, number, carrier) -> Recorded:
    return Recorded(carrier, centre.runs.memory(number, lambda: NOW))


def test_the_migrations_make_the_tables_that_the_code_reads(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'centre.sqlite'}")
    migrate(engine)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Table.metadata)
    engine.dispose()

    assert [] == differences


def columns_in(sql: str) -> dict[str, set[str]]:
    """The lines of each table's definition, by the table's name, with the columns that were added later."""
    found = re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", sql, re.DOTALL)
    columns = {table: {line.strip(" \t,") for line in lines.splitlines()} for table, lines in found}
    for table, column in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (.*?);", sql):
        columns[table].add(column)
    return columns


def test_for_postgresql_too_the_migrations_make_the_tables_that_the_code_reads():
    sql = io.StringIO()
    as_sql = {"as_sql": True, "output_buffer": sql}
    context = MigrationContext.configure(dialect_name="postgresql", opts=as_sql)
    scripts = ScriptDirectory(str(Path(database.__file__).parent / "migrations"))
    with Operations.context(context):
        for revision in reversed(list(scripts.walk_revisions())):
            revision.module.upgrade()
    tables = Table.metadata.sorted_tables
    wanted = "".join(
        str(CreateTable(each).compile(dialect=postgresql.dialect())) for each in tables
    )

    assert {each.name for each in tables} == columns_in(wanted).keys()
    assert columns_in(wanted) == {
        table: columns
        for table, columns in columns_in(sql.getvalue()).items()
        if table != "alembic_version"
    }


def test_a_database_may_be_opened_twice(centre, number):
    again = open_database(centre.config.store)
    again.close()

    assert [number] == [run.number for run in centre.runs.all()]


@pytest.mark.parametrize("url", ["nonsense", "unknown://x/y", "sqlite:////no/such/folder/x"])
def test_a_url_that_leads_nowhere_is_an_error_that_says_what_to_write(url):
    with pytest.raises(InputError, match="Write sqlite:///FILE or postgresql"):
        open_database(url)


def test_who_answered_before_is_not_asked_again(centre, number):
    first, second = Counting("a"), Counting("a", "b")
    messages = {"a": b"question", "b": b"question"}
    answered: list[str] = []
    recorded(centre, number, first).ask(messages, "join", lambda *_: None)
    replies = recorded(centre, number, second).ask(messages, "join", answered.extend)

    assert (["a", "b"], ["b"]) == (first.asked, second.asked)
    assert {"a": b"join a", "b": b"join b"} == replies
    assert ["a", "b"] == sorted(answered)


def test_another_question_in_the_same_step_is_refused(centre, number):
    recorded(centre, number, Counting()).ask({"a": b"question"}, "join", lambda *_: None)
    with pytest.raises(ProtocolRefusal, match="was asked something else before"):
        recorded(centre, number, Counting()).ask({"a": b"other"}, "join", lambda *_: None)


def test_a_run_that_went_on_without_a_site_does_so_again(centre, number):
    messages = {"a": b"question", "b": b"question"}
    for step, sites in (("join", messages), ("keys", {"a": b"keys"})):
        recorded(centre, number, Counting("a")).ask(sites, step, lambda *_: None)
    back = Counting("a", "b")
    replies = recorded(centre, number, back).ask(messages, "join", lambda *_: None)

    assert ([], {"a": b"join a"}) == (back.asked, replies)


def test_a_site_that_missed_the_keys_gets_them_when_the_run_is_resumed(centre, number):
    messages = {"a": b"keys", "b": b"keys"}
    for step, sites in (("keys", messages), ("round-001", {"a": b"q"})):
        recorded(centre, number, Counting("a")).ask(sites, step, lambda *_: None)
    back = Counting("a", "b")
    recorded(centre, number, back).ask(messages, "keys", lambda *_: None)

    assert ["b"] == back.asked


def test_what_all_sites_are_asked_is_kept_once_and_still_known_of_each(centre, number):
    messages = {"a": b"question", "b": b"question", "c": b"another"}
    recorded(centre, number, Counting()).ask(messages, "join", lambda *_: None)
    with centre.database.session() as session:
        rows = session.execute(select(MessageRow.site, MessageRow.content, MessageRow.sha256)).all()
    contents = {row.site: row.content for row in rows}
    hashes = {row.site: row.sha256 for row in rows}

    assert {"a": b"question", "b": b"", "c": b"another"} == contents
    assert {site: hashlib.sha256(asked).hexdigest() for site, asked in messages.items()} == hashes


def test_replies_that_are_the_same_are_kept_of_each_site(centre, number):
    memory = centre.runs.memory(number, lambda: NOW)
    memory.keep_replies("join", {"a": b"reply", "b": b"reply"})

    assert {"a": b"reply", "b": b"reply"} == memory.replies("join")


def test_what_was_opened_is_kept_once_and_never_changes(centre, number):
    carrier = recorded(centre, number, Counting())
    carrier.published("round-001", b"sum")
    carrier.published("round-001", b"sum")
    with pytest.raises(ProtocolRefusal, match="opened another sum before"):
        carrier.published("round-001", b"another")

    assert {"round-001": b"sum"} == centre.runs.openings(number)
    assert [] == centre.runs.arrived(number)


def test_a_run_has_the_same_inputs_when_it_is_resumed(centre, number):
    inputs = centre.runs.inputs(number)

    assert centre.sites.roster() == inputs.roster
    assert 32 == len(inputs.nonce)


def test_the_transcript_holds_every_reply_in_the_order_of_arrival(centre, number):
    carrier = recorded(centre, number, Counting("a", "b"))
    for step in ("join", "round-001"):
        carrier.ask({"a": b"q", "b": b"q"}, step, lambda *_: None)

    assert [
        ("join", "a", b"join a"),
        ("join", "b", b"join b"),
        ("round-001", "a", b"round-001 a"),
        ("round-001", "b", b"round-001 b"),
    ] == list(centre.runs.transcript(number))
    assert [Arrived("join", 2, 2), Arrived("round-001", 2, 2)] == centre.runs.arrived(number)
    assert 1 == centre.runs.get(number).rounds


def test_results_are_there_when_a_run_is_finished_and_not_before(centre, number):
    with pytest.raises(InputError, match="is waiting and has no results"):
        centre.runs.results(number)
    centre.runs.finish(number, "{}\n", NOW)

    assert "{}\n" == centre.runs.results(number)
    assert RunState.FINISHED is centre.runs.get(number).state


def test_a_run_that_is_not_there_is_an_error(centre):
    with pytest.raises(InputError, match="run 7: there is no run of that number"):
        centre.runs.get(7)
