"""A REDCap project on loopback, written from the documented interface: real sockets, one POST a question."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

TOKEN = "0123456789ABCDEF0123456789ABCDEF"
FIELDS = ("record_id", "dx", "death", "sex", "wbc", "site___1", "site___2")
Row = dict[str, str]


@dataclass
class Project:
    """A project and what is wrong with its server.

    Attributes
    ----------
    rows
        Rows of its export; those of a project with events bear redcap_event_name.
    no_right_to
        Fields that the token's user may not export: they are left out of an answer without a word.
    loses
        Ids that do not come back when fields are asked.
    asked
        Forms that came in.
    answers
        What is answered in the place of the interface: a function of the handler; None for the interface.
    """

    rows: list[Row]
    no_right_to: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    import_allowed: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)
    answers: Callable[[BaseHTTPRequestHandler], None] | None = None
    url: str = ""

    def answer(self, form: dict[str, str]) -> object:
        match form["content"]:
            case "project":
                return {"project_title": "Infants", "is_longitudinal": 0}
            case "user":
                return [
                    {"username": "reader", "api_export": 1, "api_import": int(self.import_allowed)}
                ]
            case "exportFieldNames":
                return [
                    {"original_field_name": n.partition("___")[0], "export_field_name": n}
                    for n in FIELDS
                ]
            case "report":
                return self.rows
        return [self._shown(row, form) for row in self.rows if self._is_asked(row, form)]

    def _is_asked(self, row: Row, form: dict[str, str]) -> bool:
        records = {value for key, value in form.items() if key.startswith("records[")}
        events = {value for key, value in form.items() if key.startswith("events[")}
        return (
            not records or (row["record_id"] in records and row["record_id"] not in self.loses)
        ) and (not events or row.get("redcap_event_name") in events)

    def _shown(self, row: Row, form: dict[str, str]) -> Row:
        fields = {value for key, value in form.items() if key.startswith("fields[")}
        return {
            name: value
            for name, value in row.items()
            if name.startswith("redcap_")
            or (name.partition("___")[0] in fields and name not in self.no_right_to)
        }


class _Handler(BaseHTTPRequestHandler):
    project: Project

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        self.project.asked.append(form)
        if self.project.answers is not None:
            self.project.answers(self)
        elif form.get("token") != TOKEN:
            answer(self, 403, {"error": "You do not have permissions to use the API"})
        else:
            answer(self, 200, self.project.answer(form))

    def log_message(self, *_: object) -> None:
        """Nothing."""


def answer(handler: BaseHTTPRequestHandler, status: int, content: object, **headers: str) -> None:
    """An answer in JSON, or the bytes that are given."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def rows(n: int) -> list[Row]:
    return [
        {
            "record_id": str(number),
            "dx": f"2019-0{1 + number % 9}-01",
            "death": "" if number % 2 else "2020-01-01",
            "sex": str(1 + number % 2),
            "wbc": f"{number}.5",
            "site___1": "1",
            "site___2": "0",
        }
        for number in range(1, n + 1)
    ]


@contextmanager
def served(project: Project, tls: tuple[Path, Path] | None = None) -> Iterator[Project]:
    """The project on a port of this machine; with a certificate and its key over TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"project": project}))
    server.daemon_threads = True
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    ).start()
    project.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}/api/"
    try:
        yield project
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def project() -> Iterator[Project]:
    """A project of three records."""
    with served(Project(rows(3))) as started:
        yield started


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redcap.umc.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "ca.pem", tmp_path / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def slow(handler: BaseHTTPRequestHandler) -> None:
    """An answer that does not come while anybody waits."""
    time.sleep(3)
