"""Driving one run of the store to its end, and writing down how it ended."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Protocol

import structlog

from riskset_common.consortium.roster import Roster
from riskset_common.errors import CodebookError, PlanError, RisksetError
from riskset_common.formats.addresses import Address
from riskset_common.formats.canonical_json import parse_canonical
from riskset_common.formats.strict_yaml import validate
from riskset_common.planning.read import ReleasePlan
from riskset_common.programs.secret_files import close_all
from riskset_common.results.as_json import to_text
from riskset_common.study.codebook import Codebook
from riskset_server.centre.config import CentreConfig
from riskset_server.driving.recorded import Recorded
from riskset_server.driving.relay import Relay, Route
from riskset_server.driving.streams import RunStreams
from riskset_server.run.course import run_course
from riskset_server.run.joining import offer_run
from riskset_server.run.replies import SitesLost, SitesRefused
from riskset_server.store import Runs, RunState, Sites, open_database

_LOG: structlog.stdlib.BoundLogger = structlog.get_logger()


class Routes(Protocol):
    """Gives the routes to the sites, best first, from their connection keys by name and the streams of the run."""

    def __call__(
        self,
        sites: Mapping[str, bytes],
        streams: RunStreams | None,
        release_seen: Callable[[str, str], None],
    ) -> Iterable[Route]:
        """The routes; `release_seen` is told each site's name and release when it answers."""
        ...


def drive_run(
    centre: CentreConfig,
    number: int,
    routes: Routes,
    *,
    now: Callable[[], datetime],
    random: Callable[[int], bytes],
) -> None:
    """Drive run `number` from where it is to its end.

    Raises
    ------
    RisksetError
        As it ended, after the store has it too.
    """
    database = open_database(centre.store)
    try:
        runs = Runs(database)
        runs.move(number, RunState.RUNNING)
        try:
            _drive(centre, number, routes, runs, Sites(database), now, random)
        except SitesRefused as error:
            runs.move(number, RunState.REFUSED, now(), str(error))
            raise
        except SitesLost as error:
            runs.move(number, RunState.SILENT, now(), f"{error} {_call_them(number)}")
            raise
        except Exception as error:
            why = str(error) if isinstance(error, RisksetError) else type(error).__name__
            runs.move(number, RunState.FAILED, now(), why)
            raise
    finally:
        database.close()


def _call_them(number: int) -> str:
    return (
        f"Call them; when their nodes are back, `riskset run resume {number}` goes on from there."
    )


def _drive(
    centre: CentreConfig,
    number: int,
    routes: Routes,
    runs: Runs,
    sites: Sites,
    now: Callable[[], datetime],
    random: Callable[[int], bytes],
) -> None:
    inputs = runs.inputs(number)
    plan = validate(ReleasePlan, parse_canonical(inputs.plan_json), "the run's plan", PlanError)
    codebook = validate(
        Codebook, parse_canonical(inputs.codebook_json), "the run's codebook", CodebookError
    )
    offered = offer_run(plan, codebook, inputs.roster, centre.identity(), inputs.nonce, number)
    keys = {
        site.name: site.connection_key
        for site in sites.all()
        if site.is_admitted and site.connection_key is not None
    }
    streams = _streams(centre, inputs.roster, random)
    try:
        relay = Relay(
            list(routes(keys, streams, sites.release_seen)),
            deadline=centre.rounds.deadline,
            closing=centre.rounds.closing,
            again_after=centre.rounds.again_after,
            now=monotonic,
        )
        results = run_course(offered, Recorded(relay, runs.memory(number, now)))
    finally:
        if streams is not None:
            streams.close()
    text = to_text(results)
    write_run(centre.folder / str(number), text, runs, number)
    runs.finish(number, text, now())


def _streams(
    centre: CentreConfig, roster: Roster, random: Callable[[int], bytes]
) -> RunStreams | None:
    """The streams of a run; None where the centre takes none, or other runs have all ports: it then goes by single messages."""
    if centre.listen.stream is None or centre.stream_address is None:
        return None
    listened, reached = Address.read(centre.listen.stream), Address.read(centre.stream_address)
    certificate, key = centre.tls.certificate.read_bytes(), centre.tls.key.read_bytes()
    for place in range(centre.listen.stream_ports):
        try:
            return RunStreams(
                str(listened.ports_on(place)),
                certificate,
                key,
                roster,
                random,
                reached_at=str(reached.ports_on(place)),
            )
        except RuntimeError as error:
            _LOG.info("stream_port_taken", place=place, reason=str(error))
    _LOG.warning("streams_not_opened", address=centre.listen.stream)
    return None


def write_run(
    final: Path,
    text: str,
    runs: Runs,
    number: int,
) -> None:
    """Write the folder of a finished run: results.json with plan and codebook, what the centre received, and what it opened.

    It appears complete or not at all, and is for the centre's user alone: openings are exact sums.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    (made / "results.json").write_text(text, encoding="utf-8")
    inputs = runs.inputs(number)
    (made / "plan.json").write_bytes(inputs.plan_json)
    (made / "codebook.json").write_bytes(inputs.codebook_json)
    for step, site, message in runs.transcript(number):
        if message:
            folder = made / "transcript" / step
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{site}.msg").write_bytes(message)
    openings = made / "transcript" / "openings"
    openings.mkdir(parents=True)
    for step, opening in runs.openings(number).items():
        (openings / f"{step}.opening").write_bytes(opening)
    close_all(made)
    if final.exists():
        shutil.rmtree(final)
    made.rename(final)
