"""Strangers at the port for sites hold connections and send what they like: the SuperLink's memory does not grow, and sites are served."""

from __future__ import annotations

import shutil
import socket
import ssl
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from riskset_common.formats.addresses import Address
from riskset_embedded.federation import (
    Federation,
    is_healthy,
    make_federation,
    stop_federation,
    wait_for,
)
from riskset_node.connection.fleet import Connection, FleetLink
from riskset_server.flower.callers import KEY_HEADER, SIGNATURE_HEADER, TIME_HEADER
from riskset_server.flower.superlink import Control

HEAD_SECONDS, BODY_SECONDS = 3.0, 2.0
SERVE = f"""
import sys
from pathlib import Path
from riskset_server.centre.config import read_centre
from riskset_server.flower.doors import Limits
from riskset_server.flower.serving import serve_superlink
limits = Limits(head={HEAD_SECONDS}, handshake={HEAD_SECONDS}, body={BODY_SECONDS}, longest_body=4 << 20)
serve_superlink(read_centre(Path(sys.argv[1])), limits)
"""
MOST_MEBIBYTES = 300
UNIT = Path(__file__).parents[3] / "deploy" / "systemd" / "riskset-superlink.service"
POST = (
    b"POST /v1/fleet/push-messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
)
CHUNK = b"10000\r\n" + b"\0" * (1 << 16) + b"\r\n"


@dataclass
class Alone:
    """A SuperLink without sites, its limits shorter than in a deployment, and a site's end of the Fleet API."""

    federation: Federation
    key: ec.EllipticCurvePrivateKey
    site: Connection
    descriptors_at_rest: int = 0

    @property
    def pid(self) -> int:
        return self.federation.processes["superlink"]

    def mebibytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        (line,) = (each for each in status.splitlines() if each.startswith("VmRSS"))
        return int(line.split()[1]) // 1024

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def is_at_rest(self) -> bool:
        return self.descriptors() <= self.descriptors_at_rest

    def until(self, reached: Callable[[], bool]) -> None:
        end = time.monotonic() + HEAD_SECONDS
        while not reached():
            assert time.monotonic() < end
            time.sleep(0.02)

    def dial(self, source: str = "127.0.0.1") -> socket.socket:
        address = Address.read(self.federation.centre.listen.sites)
        return socket.create_connection(
            (address.host, address.port), timeout=10, source_address=(source, 0)
        )

    def call(self, sent: bytes, source: str = "127.0.0.1") -> ssl.SSLSocket:
        stranger = ssl._create_unverified_context().wrap_socket(self.dial(source))
        stranger.sendall(sent)
        return stranger

    def signed(self, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey) -> bytes:
        now = datetime.now(UTC).isoformat()
        signature = signer.sign(now.encode(), ec.ECDSA(SHA256()))
        shown = {
            KEY_HEADER: b64encode(public(key)).decode(),
            TIME_HEADER: now,
            SIGNATURE_HEADER: b64encode(signature).decode(),
        }
        return "".join(f"{name}: {value}\r\n" for name, value in shown.items()).encode()

    def serves_a_site(self) -> bool:
        """Whether a registered site is served at once."""
        began = time.monotonic()
        link = FleetLink(self.site, lambda _: None, lambda _: False)
        link.open()
        link.close()
        return time.monotonic() - began < HEAD_SECONDS


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def what_systemd_hands_over(centre: Path, folder: Path) -> Path:
    """The files that the unit of the SuperLink names, in a folder of their own, as systemd copies them."""
    folder.mkdir(mode=0o700)
    unit = UNIT.read_text(encoding="utf-8").splitlines()
    for line in unit:
        if line.startswith("LoadCredential="):
            name, _, path = line.removeprefix("LoadCredential=").partition(":")
            shutil.copy(centre / Path(path).name, folder / name)
    return folder


@pytest.fixture(scope="module")
def alone(
    study_of: Callable[[int], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Alone]:
    folder = tmp_path_factory.mktemp("alone")
    federation = make_federation(study_of(2), folder / "centre", in_memory=True, stream=False)
    handed = what_systemd_hands_over(federation.folder, federation.folder / "credentials")
    federation.start("superlink", [sys.executable, "-c", SERVE, str(handed)])
    try:
        wait_for(lambda: is_healthy(federation.centre), "the SuperLink", federation, ("superlink",))
        key = ec.generate_private_key(ec.SECP384R1())
        with Control(federation.centre) as control:
            control.register(public(key), "site")
        ca = federation.centre.tls.ca.read_bytes()
        reached = Connection(federation.centre.address, ca, key, None, folder, stream=False)
        made = Alone(federation, key, reached)
        made.descriptors_at_rest = made.descriptors() + 2
        yield made
    finally:
        stop_federation(federation.folder)


def sent_until_refused(caller: socket.socket, n_chunks: int) -> int:
    """How many pieces of a body were taken off our hands."""
    sent = 0
    with suppress(OSError):
        for _ in range(n_chunks):
            caller.sendall(CHUNK)
            sent += 1
    return sent


def answer(caller: socket.socket) -> bytes:
    """The status of the answer, if any came before the end; fails if the connection is not ended."""
    caller.settimeout(3 * HEAD_SECONDS)
    received = b""
    with suppress(ConnectionError, ssl.SSLError):
        while piece := caller.recv(1 << 16):
            received += piece
    caller.close()
    return received[9:12]


def test_the_superlink_serves_without_the_key_with_which_the_centre_signs(alone) -> None:
    handed = alone.federation.folder / "credentials"
    users = [
        line
        for unit in sorted(UNIT.parent.glob("*-super*.service"))
        for line in unit.read_text(encoding="utf-8").splitlines()
        if line.startswith("User=")
    ]

    assert ["User=riskset", "User=riskset-superlink"] == users
    assert not (handed / "centre.key").exists()
    assert not (handed / "centre.sqlite").exists()
    assert alone.serves_a_site()


def test_bodies_without_end_from_strangers_do_not_fill_the_memory(alone) -> None:
    before = alone.mebibytes()
    callers = [alone.call(POST + b"Transfer-Encoding: chunked\r\n\r\n") for _ in range(30)]
    sent = [sent_until_refused(caller, 960) for caller in callers]
    after = alone.mebibytes()
    answers = {answer(caller) for caller in callers}

    assert answers <= {b"401", b""}
    assert max(sent) < 960
    assert after - before < 40


def test_callers_who_do_nothing_or_half_are_not_kept(alone) -> None:
    callers = [
        *(alone.dial() for _ in range(20)),
        *(alone.call(b"") for _ in range(20)),
        *(alone.call(POST) for _ in range(20)),
        *(alone.call(POST + b"Content-Length: 1000\r\n\r\n") for _ in range(20)),
    ]

    assert {answer(caller) for caller in callers} <= {b"401", b""}

    alone.until(alone.is_at_rest)


def test_three_hundred_strangers_from_many_addresses_hold_the_front_and_a_site_is_served(
    alone,
) -> None:
    began = alone.descriptors()
    kinds = (b"", POST, POST + b"Content-Length: 60000\r\n\r\n" + b"\0" * 30000)
    callers = [alone.call(kinds[n % 3], f"127.0.1.{n // 2 + 1}") for n in range(300)]
    held = alone.descriptors() - began
    is_served = alone.serves_a_site()
    memory = alone.mebibytes()
    for caller in callers:
        caller.close()

    assert held <= 256
    assert is_served
    assert memory < MOST_MEBIBYTES


@pytest.mark.parametrize("of_a_site", [True, False])
def test_the_public_key_of_a_site_is_no_pass(alone, of_a_site) -> None:
    another = ec.generate_private_key(ec.SECP384R1())
    shown = alone.signed(alone.key if of_a_site else another, another)
    caller = alone.call(POST + shown + b"Content-Length: 1000000\r\n\r\n")

    assert b"401" == answer(caller)


def test_a_registered_site_too_sends_so_much_and_not_for_ever(alone) -> None:
    before = alone.mebibytes()
    head = POST + alone.signed(alone.key, alone.key)
    slow = alone.call(head + b"Content-Length: 1000\r\n\r\nhalf")
    large = [alone.call(head + b"Transfer-Encoding: chunked\r\n\r\n") for _ in range(10)]
    sent = [sent_until_refused(caller, 400) for caller in large]
    after = alone.mebibytes()

    assert b"408" == answer(slow)
    assert {answer(caller) for caller in large} <= {b"413", b"503", b""}
    assert max(sent) < 400
    assert after - before < 40
    assert alone.serves_a_site()


def test_a_site_has_so_many_connections_and_its_latest_is_served(alone) -> None:
    head = POST + alone.signed(alone.key, alone.key) + b"Content-Length: 10\r\n\r\nhalf"
    alone.until(alone.is_at_rest)
    before = alone.descriptors()
    callers = [alone.call(head) for _ in range(40)]
    held = alone.descriptors() - before
    is_served = alone.serves_a_site()
    for caller in callers:
        caller.close()

    assert held <= 20
    assert is_served
