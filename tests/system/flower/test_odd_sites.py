"""Sites that are not as they should be: cut off, wrong clock, garbage, a twin. A run ends right, or says what is the matter."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import h11
import pytest
from flwr.common.serde import message_from_proto
from flwr.proto.fleet_pb2 import PushMessagesRequest
from tests.system.flower import odd_node, own_network

from riskset_common.formats.addresses import Address
from riskset_common.wire.flower_envelope import RECORD, Envelope
from riskset_common.wire.messages import read_message
from riskset_common.wire.stream_frames import (
    RELAY,
    TOKEN_BYTES,
    Assembly,
    FrameKind,
    Whole,
    read_hello,
)
from riskset_embedded.federation import pin
from riskset_node.config import read_node
from riskset_node.enrolment.doctor import examine
from riskset_server.flower.front import FOR_SITES
from riskset_server.store import Runs, open_database


def node_of(deployed, site: str) -> Path:
    return Path(deployed.federation.folder / "sites" / site / "node.yaml")


def odd(deployed, site: str, kind: str) -> list[str]:
    return [sys.executable, odd_node.__file__, kind, str(node_of(deployed, site))]


@contextmanager
def in_a_network_of_its_own(deployed, site: str, folder: Path) -> Iterator[None]:
    """The site's node where nobody can dial in, and from where only the centre's two ports are reached."""
    centre = deployed.federation.centre
    ports = [Address.read(each).port for each in (centre.listen.sites, centre.listen.stream)]
    listening = []
    for port in ports:
        listening.append(socket.socket(socket.AF_UNIX))
        listening[-1].bind(str(folder / str(port)))
        listening[-1].listen()
        own_network.lead(listening[-1], ("127.0.0.1", port))
    outward = ",".join(map(str, ports))
    before = [sys.executable, own_network.__file__, str(folder), outward]
    with deployed.in_place_of(site, [*before, *deployed.federation.command(site)]):
        # The centre may hold the killed node for connected still, and the new one be on its way in.
        pid = deployed.federation.processes[site]
        deployed.until(lambda: listened_on(pid) == set(ports), f"the network of {site}")
        yield
    for each in listening:
        each.close()


def listened_on(pid: int) -> set[int]:
    """Ports on which anything listens in the network of a process."""
    found = set()
    for table in ("tcp", "tcp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        fields = [line.split() for line in lines]
        found |= {int(each[1].rpartition(":")[2], 16) for each in fields if each[3] == "0A"}
    return found


@pytest.mark.skipif(
    own_network.is_refused(), reason="this machine's kernel gives no network namespaces"
)
def test_a_site_that_nobody_can_dial_takes_part_also_after_its_network_was_cut(
    four_sites, tmp_path_factory
) -> None:
    site, folder = "inst-04", tmp_path_factory.mktemp("ns")
    with in_a_network_of_its_own(four_sites, site, folder):
        four_sites.all_connected()
        four_sites.signal(site, signal.SIGUSR1)
        number = four_sites.start_run()
        four_sites.until_status(number, "join: 3 of 4 sites")
        cut_off = four_sites.state(number)
        four_sites.signal(site, signal.SIGUSR2)
        ended = four_sites.watch(number)
        inside = listened_on(four_sites.federation.processes[site])

    # What listens there is what leads out; the node itself opens no port.
    assert {int(path.name) for path in folder.iterdir()} == inside
    assert "running" == cut_off
    assert f"run {number}: finished" == ended
    assert four_sites.expected == four_sites.results(number)


def test_a_site_that_answers_garbage_ends_the_run_and_is_named(four_sites) -> None:
    with four_sites.in_place_of("inst-03", odd(four_sites, "inst-03", "answers_garbage")):
        four_sites.all_connected()
        number = four_sites.start_run()
        ended = four_sites.watch(number)

    assert f"run {number}: failed: Site 'inst-03' answered with something that is no" in ended


def test_a_site_whose_clock_is_an_hour_ahead_is_told_so_and_waited_for(four_sites) -> None:
    late = odd(four_sites, "inst-03", "clock_is_an_hour_ahead")
    four_sites.all_connected()
    with four_sites.in_place_of("inst-03", late):
        four_sites.until_log("inst-03", "or this machine's clock is wrong (`riskset-node doctor`")
        number = four_sites.start_run()
        four_sites.until_status(number, "join: 3 of 4 sites")
    ended = four_sites.watch(number)
    now = datetime.now(UTC) + timedelta(hours=1)
    checks = {
        each.what: each
        for each in examine(
            read_node(node_of(four_sites, "inst-03")),
            now=now,
            codebook=None,
            admission=lambda: "not asked",
            runs=False,
        )
    }

    assert f"run {number}: finished" == ended
    assert four_sites.expected == four_sites.results(number)
    assert (True, False) == (checks["centre"].passed, checks["clock"].passed)
    assert "s ahead of the centre's" in checks["clock"].found


def test_two_nodes_of_one_identity_never_make_a_wrong_number(four_sites) -> None:
    four_sites.all_connected()
    sites = four_sites.federation.folder / "sites"
    shutil.copytree(sites / "inst-02", sites / "twin")
    four_sites.federation.start("twin")
    try:
        four_sites.until_log("twin", f"{four_sites.federation.centre.address} as node")
        number = four_sites.start_run()
        ended = four_sites.watch(number)
    finally:
        four_sites.kill("twin")

    assert f"run {number}: finished" == ended
    assert four_sites.expected == four_sites.results(number)


def test_a_question_of_20_megabytes_is_answered(two_sites, tmp_path) -> None:
    words = (two_sites.study / "codebook.yaml").read_text(encoding="utf-8")
    (tmp_path / "codebook.yaml").write_text(
        words.replace("label: ", f"label: {'x' * (20 << 20)} ", 1), encoding="utf-8"
    )
    plan = two_sites.study / "plan.yaml"
    pin(two_sites.federation.folder, plan, tmp_path / "codebook.yaml")
    done = two_sites.command(
        "run", "start", plan, "--codebook", tmp_path / "codebook.yaml", "--watch"
    )

    assert done.stdout.rstrip().endswith(": finished"), done.stdout + done.stderr


def sent_by(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Path and body of every request that a node gave to its TLS sockets."""
    for path in folder.iterdir():
        server = h11.Connection(h11.SERVER)
        server.receive_data(path.read_bytes())
        target, body = "", b""
        while True:
            event = server.next_event()
            if event is h11.NEED_DATA:
                break
            if isinstance(event, h11.Request):
                target, body = event.target.decode(), b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                yield target, body
                server.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                server.send(h11.EndOfMessage())
                server.start_next_cycle()


def pushed_among(sent: Sequence[tuple[str, bytes]]) -> Iterator[bytes]:
    """The replies in those requests that push one, which hold nothing else."""
    for path, body in sent:
        if path == "/v1/fleet/push-messages":
            (pushed,) = PushMessagesRequest.FromString(body).messages_list
            record = message_from_proto(pushed).content
            assert [RECORD] == list(record)
            yield Envelope.read(dict(record[RECORD])).message


def streamed_from(folder: Path) -> tuple[bytes, list[Whole]]:
    """Whatever a node gave to gRPC: what the one stream there is showed when it was dialled, and whole messages on it."""
    assert [RELAY.strip("/")] == [str(each.relative_to(folder)) for each in folder.glob("*/*")]
    shown, *frames = [path.read_bytes() for path in sorted((folder / RELAY.strip("/")).iterdir())]
    assembly = Assembly()
    return shown, [whole for frame in frames if (whole := assembly.add(frame)) is not None]


def kept_of(deployed, number: int, site: str) -> list[bytes]:
    """What the centre holds of a site's replies in a run, in the order of arrival."""
    database = open_database(deployed.federation.centre.store)
    kept = [reply for _, name, reply in Runs(database).transcript(number) if name == site]
    database.close()
    return kept


def kinds_of(replies: Iterable[bytes]) -> set[str]:
    return {type(read_message(reply)).__name__ for reply in replies if reply}


def recorded_run(deployed, site: str) -> int:
    """A run in which all is recorded that leaves a site."""
    deployed.all_connected()
    with deployed.in_place_of(site, odd(deployed, site, "is_recorded")):
        deployed.all_connected()
        number = int(deployed.start_run())
        ended = deployed.watch(number)

    assert f"run {number}: finished" == ended
    return number


def test_nothing_leaves_a_node_but_its_calls_and_the_replies_that_the_centre_has(two_sites) -> None:
    site = "inst-01"
    number = recorded_run(two_sites, site)
    sent = list(sent_by(node_of(two_sites, site).with_suffix(".sent")))
    replies = list(pushed_among(sent))
    kinds = kinds_of(replies)

    assert {path for path, _ in sent} <= FOR_SITES
    assert kept_of(two_sites, number, site) == replies
    assert {"Advertisement", "Report"} <= kinds <= {"Advertisement", "Report", "UnmaskAnswer"}


def test_nothing_rides_on_a_stream_but_its_token_and_the_replies_that_the_centre_has(
    four_sites,
) -> None:
    site = "inst-01"
    number = recorded_run(four_sites, site)
    node = node_of(four_sites, site)
    sent = list(sent_by(node.with_suffix(".sent")))
    shown, rest = streamed_from(node.with_suffix(".streamed"))
    token, _, _ = read_hello(shown)
    streamed = [whole.message for whole in rest]
    kinds = kinds_of(streamed)

    assert {path for path, _ in sent} <= FOR_SITES
    assert TOKEN_BYTES == len(token)
    assert {FrameKind.MESSAGE} == {whole.kind for whole in rest}
    assert set(kept_of(four_sites, number, site)) == {*pushed_among(sent), *streamed}
    assert {"Report"} <= kinds <= {"Advertisement", "Report", "UnmaskAnswer"}
