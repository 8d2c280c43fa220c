"""From files to a finished folder: read plan, codebook and nodes, run, write, and report progress on the terminal."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from riskset_common.errors import InputError, NodeConfigError, RisksetError
from riskset_common.formats.canonical_json import sha256_hex
from riskset_common.primitives.signing import Identity, read_identity
from riskset_common.results.whole_file import Results
from riskset_common.study.codebook import Codebook
from riskset_common.study.plan import Plan
from riskset_common.study.study import Site
from riskset_embedded.engine import Parties, run_local
from riskset_embedded.output_folder import OutputFolder, output_folder, write_folder
from riskset_embedded.run_folder import RunFolder, run_folder
from riskset_embedded.transcript import Transcript
from riskset_node.commands.console import visible_console
from riskset_node.config import NodeConfig, read_node
from riskset_server.plans.submitted import submitted
from riskset_server.run.replies import SitesLost
from riskset_server.run.rounds import Opened


@dataclass(frozen=True)
class LocalStudy:
    """A study that was read from its files and checked. `centre` is the key that was given for the centre, if one was."""

    plan: Plan
    codebook: Codebook
    nodes: Sequence[NodeConfig]
    centre: Identity | None


def read_study(plan: Path, codebook: Path, nodes: Path, key: Path | None = None) -> LocalStudy:
    """Read a study and check it before any site is asked.

    A plan with a signature beside it (plan.yaml.sig) must still say what was signed. If `key` is given, it must have signed.

    Raises
    ------
    RisksetError
        With every problem of the first file that has one.
    """
    centre = None if key is None else read_identity(key)
    configs = read_nodes(nodes)
    sites = [Site(config.site, config.study_group) for config in configs]
    submission = submitted(plan, codebook, sites=sites, key=centre)
    return LocalStudy(submission.plan, submission.codebook, configs, centre)


def run_for_results(
    plan: Path, codebook: Path, nodes: Path, *, key: Path | None = None, lose: Sequence[str] = ()
) -> Results:
    """Run the plan in these files and give what results.json holds; no report is made.

    It leaves nothing behind, finished or not: no folder, no transcript, no log. A run that stops cannot be continued.
    `write_folder` writes what a report needs from what this gives.

    Raises
    ------
    SitesLost
        Where the run cannot go on without sites that are away.
    RisksetError
        Of any other kind.
    """
    study = read_study(plan, codebook, nodes, key)
    with _log_to(Path(os.devnull)):
        return run_local(
            study.plan,
            study.codebook,
            Parties(study.nodes, study.centre, cut=cuts_of(lose)),
        )


def run_files(
    plan: Path,
    codebook: Path,
    nodes: Path,
    out: Path,
    *,
    key: Path | None = None,
    lose: Sequence[str] = (),
    quiet: bool = False,
) -> Path:
    """Run the plan in these files and give the finished folder, which is `out`.

    It leaves `out` with what `write_folder` writes and with the log, the transcript and the sites' states of the run. A run that
    stopped leaves `out` as it was and what it needs to go on beside it; the same call continues it.

    Parameters
    ----------
    key
        Whose signature a signed plan must have.
    lose
        A rehearsal of loss: SITE or SITE@ROUND, the site whose line is cut from that round on (0 is joining; 1 when not said).

    Raises
    ------
    SitesLost
        Where the run cannot go on without sites that are away; the same command continues it.
    RisksetError
        Of any other kind. `out` is in each case as it was before.
    """
    study = read_study(plan, codebook, nodes, key)
    console = visible_console(stderr=True, quiet=quiet)
    for line in _notices(study.nodes):
        console.print(line, style="dim", highlight=False, soft_wrap=True)
    kept = run_folder(out, _identified_by(study))
    parties = Parties(study.nodes, study.centre, kept.draw, cuts_of(lose))
    with kept.alone():
        folder = _run_kept(out, study, parties, kept, console)
    if folder.moved_aside is not None:
        moved = f"What was in {out} is now in {folder.moved_aside}."
        console.print(moved, highlight=False, soft_wrap=True)
    return folder.path


def _run_kept(
    out: Path, study: LocalStudy, parties: Parties, kept: RunFolder, console: Console
) -> OutputFolder:
    """Begin or continue the run; where it stops, keep what lets it go on, and say how."""
    if kept.continued:
        console.print(f"Continuing the run in {kept.path}.", highlight=False, soft_wrap=True)
    try:
        return _run_into(out, study, parties, kept, console)
    except SitesLost as lost:
        raise SitesAway(lost, kept.path) from None
    except RisksetError:
        if not kept.continued:
            kept.give_up()
        raise
    except (OSError, sqlite3.OperationalError) as error:
        if not _is_full(error):
            raise
        raise InputError(
            f"--out {out}: the disk is full. Make room and give the same command again: it continues the run that waits in {kept.path}. "
            f"To let the run go, delete {kept.path.name}."
        ) from error


def _is_full(error: OSError | sqlite3.OperationalError) -> bool:
    """Whether there was no room, which a person can mend; anything else is a fault of riskset."""
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return error.sqlite_errorcode == sqlite3.SQLITE_FULL


def _run_into(
    out: Path, study: LocalStudy, parties: Parties, kept: RunFolder, console: Console
) -> OutputFolder:
    """Run, and write the output folder."""
    with output_folder(out) as folder:
        with _log_to(folder.path / "log.jsonl"), _Bars(console, len(parties.nodes)) as bars:
            results = run_local(
                study.plan,
                study.codebook,
                parties,
                transcript=Transcript(kept.transcript),
                outboxes=kept.outboxes,
                watcher=bars,
            )
        write_folder(folder.path, results, study.plan, study.codebook)
        kept.finish(folder.path)
    if results.lost_sites:
        console.print(_without(results), highlight=False, soft_wrap=True)
    return folder


class SitesAway(RisksetError):
    """A run that waits for sites, and how it goes on."""

    def __init__(self, lost: SitesLost, path: Path) -> None:
        super().__init__(
            f"{lost}\nThe run waits in {path}. When the sites are back, give the same command again: it continues where it stopped. "
            f"To let the run go, delete {path.name}."
        )


def cuts_of(lose: Sequence[str]) -> dict[str, int]:
    """From which round on each site's line is cut, from texts SITE or SITE@ROUND."""
    cuts = {}
    for text in lose:
        name, at, number = text.partition("@")
        if at and not number.isdecimal():
            raise InputError(f"--lose {text}: write SITE, or SITE@ROUND with a whole number.")
        cuts[name] = int(number) if at else 1
    return cuts


def _identified_by(study: LocalStudy) -> dict[str, object]:
    return {
        "plan": sha256_hex(study.plan),
        "codebook": sha256_hex(study.codebook),
        "sites": [[config.site, config.study_group] for config in study.nodes],
    }


def _without(results: Results) -> str:
    here, lost = results.sites, results.lost_sites
    return (
        f"The results hold {len(here)} of {len(here) + len(lost)} sites. Without: {', '.join(lost)}. "
        "A later run with them is a new release."
    )


def read_nodes(folder: Path) -> list[NodeConfig]:
    """Read every node.yaml of a folder, in the order of the file names.

    Raises
    ------
    NodeConfigError
        Where there is none, or two sites have one name.
    """
    paths = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not paths:
        raise NodeConfigError(
            f"{folder}: there is no *.yaml file. Write one node.yaml for each site."
        )
    configs: dict[str, NodeConfig] = {}
    origin: dict[str, Path] = {}
    for path in paths:
        config = read_node(path)
        if config.site in configs:
            raise NodeConfigError(
                f"{path}: site {config.site!r} is also the name in {origin[config.site]}. Give each site a name of its own."
            )
        configs[config.site], origin[config.site] = config, path
    return list(configs.values())


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Send the log events of all parties to one file, a JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        structlog.configure(
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.WriteLoggerFactory(file),
        )
        try:
            yield
        finally:
            structlog.reset_defaults()


def _notices(configs: Sequence[NodeConfig]) -> list[str]:
    """That nobody at the sites is asked; and the settings that only a long-running node acts on, each once."""
    without_effect = sorted(
        {setting for config in configs for setting in config.without_effect_in_a_local_run}
    )
    asked = "Whoever starts a local run holds the files of all sites: no plan is pinned (centre.plans), and nobody else is asked."
    if not without_effect:
        return [asked]
    return [
        asked,
        f"Without effect in a local run, where all parties share this machine: {', '.join(without_effect)}.",
    ]


class _Bars:
    """Progress on stderr: one bar over the sites for each step, and behind it the site that answered last."""

    def __init__(self, console: Console, n_sites: int) -> None:
        columns = (
            TextColumn("{task.description:<24}"),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[site]}"),
        )
        self._progress = Progress(*columns, console=console)
        self._n_sites = n_sites
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        for task in self._progress.tasks:
            # How many evaluations a blind model takes is known when it is done.
            self._progress.update(task.id, total=task.total or task.completed, site="")
        self._progress.stop()

    def joined(self, site: str) -> None:
        """A site takes part."""
        self._advance("sites joined", site)

    def answered(self, site: str, round_number: int) -> None:
        """A masked report arrived."""
        self._advance(f"round {round_number}", site)

    def opened(self, opened: Opened) -> None:
        """A sum was opened."""
        self._progress.update(
            self._bars[f"round {opened.number}"],
            description=f"round {opened.number}: {opened.numbers:,} numbers",
            site="",
        )

    def evaluated(self, model: str, round_number: int) -> None:
        """A blind model came one evaluation further."""
        step = f"round {round_number}"
        if step not in self._bars:
            self._bars[step] = self._progress.add_task(step, total=None, site="")
        self._progress.update(self._bars[step], description=f"{step}: {model}", advance=1)

    def _advance(self, step: str, site: str) -> None:
        if step not in self._bars:
            self._bars[step] = self._progress.add_task(step, total=self._n_sites, site="")
        self._progress.update(self._bars[step], advance=1, site=site)
