"""A federation on this machine as in a deployment: the centre's programs and one process for each site, over TLS on loopback.

`riskset up` makes the folder and starts the processes; `riskset down` ends them. Nothing here is shared between the parties but the
machine: each site has its own node.yaml, keys and state, and the centre knows its public keys only.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

import httpx
import yaml

from riskset_common.consortium.invitation import Enrolment, read_file
from riskset_common.consortium.roster import Roster
from riskset_common.consortium.roster_file import add_signature, signatures_path, write_roster
from riskset_common.errors import InputError
from riskset_common.formats.canonical_json import sha256_hex
from riskset_common.formats.strict_loader import YamlMapping
from riskset_common.formats.strict_yaml import read_yaml
from riskset_common.primitives.signing import Identity, read_identity
from riskset_common.programs.secret_files import write_new
from riskset_common.programs.tls import trusting
from riskset_embedded.local_run import read_nodes
from riskset_node.config import InFolder, read_node
from riskset_node.enrolment.joining import join_folder
from riskset_node.session.service import require_patient
from riskset_server.centre.config import CENTRE_FILE, CentreConfig, read_centre
from riskset_server.centre.new_centre import new_centre
from riskset_server.flower.environment import setting
from riskset_server.plans.submitted import drafted
from riskset_server.sites.admission import admit, invite
from riskset_server.store import Sites, open_database

PROCESSES = "processes.json"
GOVERNANCE = "governance.key"
PLAN, CODEBOOK = "plan.yaml", "codebook.yaml"
ROSTER = "roster.yaml"
START_SECONDS = 120.0
NODE_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}
"""As `deploy/systemd/riskset-node.service` has it: the few threads of a node share one heap, which takes some 2 MB less."""


@dataclass
class Federation:
    """A federation whose processes run. `processes` holds the number of each by its name."""

    folder: Path
    centre: CentreConfig
    sites: tuple[str, ...]
    processes: dict[str, int] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str] | None = None) -> None:
        """Start one of the processes: `superlink`, `superexec` or a site by its name; another command in its place where one is given.

        Its output goes to logs/NAME.log.
        """
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        environment = setting(self.centre, self.folder / CENTRE_FILE, os.environ)
        if name in self.sites:
            environment |= NODE_ENVIRONMENT
        command = list(command or self.command(name))
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # Not subprocess: these outlive the command that starts them.
        self.processes[name] = os.posix_spawn(
            command[0],
            command,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(logs / f"{name}.log"), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
        )
        _keep(self.folder, self.processes)

    def command(self, name: str) -> list[str]:
        """The command of one of the processes."""
        if name in {"superlink", "superexec"}:
            return [
                sys.executable,
                "-m",
                "riskset_server",
                "centre",
                name,
                "--centre",
                str(self.folder),
            ]
        return [
            sys.executable,
            "-m",
            "riskset_node",
            "start",
            str(self.folder / "sites" / name / "node.yaml"),
        ]

    def log(self, name: str) -> str:
        """What a process wrote so far."""
        return (self.folder / "logs" / f"{name}.log").read_text(encoding="utf-8", errors="replace")


def make_federation(
    study: Path, folder: Path, *, in_memory: bool = False, stream: bool = True
) -> Federation:
    """Make the folder of a federation from a study: the centre, and for each site its keys and node.yaml.

    Raises
    ------
    InputError
        Where the folder holds a federation already, the study no nodes, or a node no column of its patients.
    """
    configs = read_nodes(study / "nodes")
    for config in configs:
        require_patient(config)
    ports = _free_ports(3)
    now = datetime.now(UTC)
    centre = new_centre(
        folder,
        sites=f"127.0.0.1:{ports[0]}",
        inside=f"127.0.0.1:{ports[1]}",
        stream=f"127.0.0.1:{ports[2]}" if stream else None,
        in_memory=in_memory,
        now=now,
        random=token_bytes,
    )
    # In a deployment the consortium's own keys sign; here one is made for this federation and pinned at every node.
    governance = Identity.from_random(token_bytes(32))
    write_new(folder / GOVERNANCE, governance.to_pem())
    database = open_database(centre.store)
    sites = Sites(database)
    codebook = (study / CODEBOOK).read_text(encoding="utf-8-sig")
    files = {read_yaml(path)["site"]: path for path in sorted((study / "nodes").glob("*.y*ml"))}
    try:
        for config in sorted(configs, key=lambda config: config.site):
            invitation = invite(
                centre,
                sites,
                config.site,
                config.study_group,
                "",
                now=now,
                random=token_bytes,
                codebook=codebook,
            )
            home = folder / "sites" / config.site
            join_folder(invitation, home, governance=[governance.public_text], random=token_bytes)
            enrolment = read_file(Enrolment, home / f"{config.site}.enrolment")
            admit(sites, None, enrolment, enrolment.fingerprint, now)
            _write_node(files[config.site], home)
        send_roster(folder, sites.roster())
    finally:
        database.close()
    pin(folder, study / PLAN, study / CODEBOOK)
    return Federation(folder.resolve(), centre, tuple(sorted(config.site for config in configs)))


def pin(folder: Path, plan: Path, codebook: Path) -> None:
    """Write a plan into `centre.plans` of every site's node.yaml, beside those that are there; here one person decides for all sites.

    Raises
    ------
    YamlError, PlanError, CodebookError
        Where the plan or the codebook cannot be run.
    """
    read = drafted(plan, codebook)
    pinned = {"plan": sha256_hex(read.plan), "codebook": sha256_hex(read.codebook)}
    for path in sorted((folder / "sites").glob("*/node.yaml")):
        written = read_yaml(path)
        centre = _block(written, "centre")
        before = centre.get("plans")
        plans = before if isinstance(before, list) else []
        if pinned not in plans:
            centre["plans"] = [*plans, pinned]
            path.write_text(_as_yaml(written), encoding="utf-8")


def send_roster(folder: Path, roster: Roster) -> None:
    """Have a roster signed, and lay it at every site; a node reads it when it starts."""
    written = folder / ROSTER
    write_roster(roster, written)
    add_signature(written, read_identity(folder / GOVERNANCE))
    for member in roster.members:
        for path in (written, signatures_path(written)):
            shutil.copy(path, folder / "sites" / member.name)


def _write_node(study_file: Path, home: Path) -> None:
    """The study's node.yaml with this site's keys, the centre, and every path to its records made absolute."""
    written, joined = read_yaml(study_file), read_yaml(home / "node.yaml")
    source = _block(_block(written, "data"), "source")
    settings = read_node(study_file.resolve()).data.source
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if isinstance(value, Path):
            source[name] = str(value.resolve())
        elif isinstance(value, InFolder):
            source[name] = str(value)
    whole = written | {name: joined[name] for name in ("centre", "identity", "roster", "state")}
    (home / "node.yaml").write_text(_as_yaml(whole), encoding="utf-8")


def _as_yaml(written: YamlMapping) -> str:
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True)


def _block(written: YamlMapping, key: str) -> YamlMapping:
    """The mapping under a key of a file that was read before, and so is known to hold one."""
    block = written[key]
    if not isinstance(block, dict):
        raise InputError(f"{key}: must hold 'key: value' lines.")
    return block


def start_federation(study: Path, folder: Path, *, say: Callable[[str], None]) -> Federation:
    """Make a federation, or take the one that is in the folder, and start all its processes.

    Raises
    ------
    InputError
        Where a process ends, or a site does not connect in time; what runs is then ended again.
    """
    if (folder / CENTRE_FILE).exists():
        names = sorted(each.name for each in (folder / "sites").iterdir())
        federation = Federation(folder.resolve(), read_centre(folder), tuple(names))
        pin(folder, study / PLAN, study / CODEBOOK)
    else:
        say(f"making keys and certificates in {folder}")
        federation = make_federation(study, folder)
    start_all(federation, say=say)
    return federation


def start_all(federation: Federation, *, say: Callable[[str], None]) -> None:
    """Start the processes of a federation, and wait until every site is connected."""
    stop_federation(federation.folder)
    try:
        federation.start("superlink")
        wait_for(lambda: is_healthy(federation.centre), "the SuperLink", federation, ("superlink",))
        say(f"the SuperLink answers at {federation.centre.address}")
        for name in ("superexec", *federation.sites):
            federation.start(name)
        wait_for(
            lambda: not missing(federation),
            "all sites to connect",
            federation,
            federation.processes,
        )
    except BaseException:
        stop_federation(federation.folder)
        raise


def is_healthy(centre: CentreConfig) -> bool:
    """Whether the SuperLink answers, over TLS, on the port for sites."""
    try:
        answer = httpx.get(
            f"https://{centre.listen.sites}/health",
            verify=trusting(centre.tls.ca.read_bytes()),
            trust_env=False,
        )
    except httpx.TransportError:
        return False
    return answer.status_code == 200


def missing(federation: Federation) -> list[str]:
    """Sites that are not connected at this moment."""
    from riskset_server.flower.superlink import Control
    from riskset_server.sites.nodes import bring_in_line, offline

    database = open_database(federation.centre.store)
    try:
        with Control(federation.centre) as control:
            nodes = bring_in_line(control, Sites(database))
    finally:
        database.close()
    return offline(nodes, federation.sites)


def wait_for(
    reached: Callable[[], bool],
    what: str,
    federation: Federation,
    processes: Sequence[str] | Mapping[str, int],
    seconds: float = START_SECONDS,
) -> None:
    """Wait until something is reached.

    Raises
    ------
    InputError
        Where a process ended meanwhile, or the time is over.
    """
    end = time.monotonic() + seconds
    while not reached():
        ended = [name for name in processes if not is_alive(federation.processes[name])]
        if ended or time.monotonic() > end:
            name = ended[0] if ended else next(iter(processes))
            last = federation.log(name).strip().splitlines()[-1:]
            raise InputError(
                f"Waiting for {what} failed: {name} {'ended' if ended else 'is not there in time'}. "
                f"Its log, {federation.folder / 'logs' / name}.log, ends with: {' '.join(last)}"
            )
        time.sleep(0.2)


def stop_federation(folder: Path) -> int:
    """End the processes of a federation that still run, and give their number."""
    kept = folder / PROCESSES
    if not kept.exists():
        return 0
    # Sites first: they give their lease back to a SuperLink that is still there.
    processes = dict(reversed(json.loads(kept.read_text(encoding="utf-8")).items()))
    ours = [pid for pid in processes.values() if _is_ours(pid, folder)]
    for order in (signal.SIGTERM, signal.SIGKILL):
        for pid in filter(is_alive, ours):
            _end(pid, order)
        end = time.monotonic() + 5.0
        while any(map(is_alive, ours)) and time.monotonic() < end:
            time.sleep(0.05)
    kept.unlink()
    return len(ours)


def is_alive(pid: int) -> bool:
    """Whether a process runs. One of our own that ended is reaped here, so that it does not count."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # started by an earlier command
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _is_ours(pid: int, folder: Path) -> bool:
    """Whether the process of that number is still one of this federation: after a restart another may have the number."""
    if not is_alive(pid):
        return False
    command = Path(f"/proc/{pid}/cmdline")
    if not command.exists():
        return True
    text = command.read_bytes().decode(errors="replace")
    return str(folder.resolve()) in text


def _end(pid: int, order: signal.Signals) -> None:
    """Signal the process and what it started: a session of its own."""
    with suppress(ProcessLookupError):  # it ended in between
        os.killpg(pid, order)


def _keep(folder: Path, processes: Mapping[str, int]) -> None:
    (folder / PROCESSES).write_text(json.dumps(processes, indent=1) + "\n", encoding="utf-8")


def _free_ports(number: int) -> list[int]:
    """Ports of loopback that nobody listens on at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
