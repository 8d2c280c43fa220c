"""What we use of Flower beyond its public names, run against a real SuperLink: it must hold before another minor is admitted."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.routing import APIRoute
from flwr.common.constant import SYSTEM_TIME_TOLERANCE, TIMESTAMP_HEADER, TIMESTAMP_TOLERANCE
from flwr.supercore.constant import (
    FLEET_HTTP_PUBLIC_KEY_HEADER,
    FLEET_HTTP_SIGNATURE_HEADER,
    TASK_TOKEN_HEADER,
)
from flwr.supercore.routers.runtime import router as runtime_router
from flwr.superlink.routers.control import router as control_router
from flwr.superlink.routers.fleet.router import router as fleet_router
from tests.connect_proxy import connect_proxy
from tests.system.flower import odd_node

import riskset_node.connection.fleet
import riskset_server.flower.superlink
from riskset_common.errors import RisksetError
from riskset_common.programs.tls import trusting
from riskset_node.connection.admission import admission
from riskset_node.connection.fleet import Connection, FleetLink
from riskset_server.centre.certificates import make_certificates
from riskset_server.flower.callers import (
    EARLIEST,
    KEY_HEADER,
    LATEST,
    SIGNATURE_HEADER,
    TIME_HEADER,
)
from riskset_server.flower.front import DRIVER_HEADER, FOR_SITES, FOR_THE_CENTRE
from riskset_server.flower.superlink import Control

PUBLIC = {"flwr.app", "flwr.serverapp", "flwr.clientapp"}
PRIVATE_AT_A_SITE = {
    "flwr.common.constant": {"HEARTBEAT_DEFAULT_INTERVAL"},
    "flwr.common.serde": {"message_from_proto", "message_to_proto", "run_from_proto"},
    "flwr.proto.fleet_pb2": {
        "ActivateNodeRequest",
        "DeactivateNodeRequest",
        "PullMessagesRequest",
        "PushMessagesRequest",
    },
    "flwr.proto.heartbeat_pb2": {"SendNodeHeartbeatRequest"},
    "flwr.proto.message_pb2": {"ObjectTree"},
    "flwr.proto.node_pb2": {"Node"},
    "flwr.proto.run_pb2": {"GetRunRequest"},
    "flwr.supercore.inflatable.inflatable_object": {"no_object_id_recompute"},
    "flwr.supercore.interceptors.http.runtime_version": {"RuntimeVersionHttpInterceptor"},
    "flwr.supercore.logger": {"update_console_handler"},
    "flwr.supercore.primitives.asymmetric": {"public_key_to_bytes"},
    "flwr.supernode.fleet_http_client": {"FleetHttpClient"},
    "flwr.supernode.node_auth_http_interceptor": {"NodeAuthHttpInterceptor"},
}
PRIVATE_AT_THE_CENTRE = {
    "flwr.common.constant": {
        "CONTROL_API_DEFAULT_SERVER_ADDRESS",
        "ISOLATION_MODE_PROCESS",
        "SubStatus",
        "TRANSPORT_TYPE_GRPC_RERE",
    },
    "flwr.common.serde": {
        "message_from_proto",
        "message_to_proto",
        "run_from_proto",
        "user_config_to_proto",
    },
    "flwr.proto.control_pb2": {
        "ListNodesRequest",
        "ListRunsRequest",
        "RegisterNodeRequest",
        "StartRunRequest",
        "StopRunRequest",
        "UnregisterNodeRequest",
    },
    "flwr.proto.fab_pb2": {"Fab"},
    "flwr.proto.message_pb2": {"ObjectTree"},
    "flwr.proto.runtime_pb2": {
        "AcquireTaskRequest",
        "AcquireTaskResponse",
        "PullAppMessagesRequest",
        "PullTaskInputRequest",
        "PushAppMessagesRequest",
        "PushTaskOutputRequest",
    },
    "flwr.supercore.constant": {"FLWR_IN_MEMORY_DB_NAME", "TaskType"},
    "flwr.supercore.control": {"ControlHttpClient"},
    "flwr.supercore.heartbeat": {"HeartbeatSender", "make_task_heartbeat_fn_http"},
    "flwr.supercore.http_logging": {"get_uvicorn_log_config"},
    "flwr.supercore.inflatable.inflatable_object": {"no_object_id_recompute"},
    "flwr.supercore.interceptors.http": {"SuperExecAuthHttpInterceptor"},
    "flwr.supercore.interceptors.http.runtime_version": {"RuntimeVersionHttpInterceptor"},
    "flwr.supercore.logger": {"update_console_handler"},
    "flwr.supercore.retry": {"RetryInvoker", "RetryState", "exponential"},
    "flwr.supercore.runtime": {"RuntimeHttpClient"},
    "flwr.supercore.task_identity": {"TaskIdentity"},
    "flwr.superlink.cli.flower_superlink": {"SuperLinkLifespan"},
    "flwr.superlink.config_loader": {"SuperLinkLifespanConfig", "load_control_authn_plugin"},
    "flwr.superlink.grid": {"HttpGrid"},
    "flwr.superlink.main": {"create_app"},
}


def private_parts(*modules: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("flwr"):
                names = (alias.name for alias in node.names)
                found.setdefault(node.module or "", set()).update(names)
    return {name: names for name, names in found.items() if name not in PUBLIC}


def test_the_private_parts_in_use_are_those_that_this_contract_runs() -> None:
    at_the_centre = Path(riskset_server.flower.superlink.__file__).parent.glob("*.py")

    assert PRIVATE_AT_A_SITE == private_parts(Path(riskset_node.connection.fleet.__file__))
    assert PRIVATE_AT_THE_CENTRE == private_parts(*at_the_centre)


def test_a_node_and_a_driver_say_who_they_are_where_the_front_looks_for_it() -> None:
    assert (FLEET_HTTP_PUBLIC_KEY_HEADER, FLEET_HTTP_SIGNATURE_HEADER, TIMESTAMP_HEADER) == (
        KEY_HEADER,
        SIGNATURE_HEADER,
        TIME_HEADER,
    )
    assert TASK_TOKEN_HEADER == DRIVER_HEADER
    assert (-SYSTEM_TIME_TOLERANCE, TIMESTAMP_TOLERANCE + SYSTEM_TIME_TOLERANCE) == (
        EARLIEST,
        LATEST,
    )


def test_no_call_that_streams_out_of_the_one_thread_comes_through_the_front() -> None:
    streaming = {
        route.path
        for router in (control_router, fleet_router, runtime_router)
        for route in router.routes
        if isinstance(route, APIRoute)
        and "Iterator" in str(inspect.signature(inspect.unwrap(route.endpoint)).return_annotation)
    }

    assert streaming
    assert set() == streaming & (FOR_SITES | FOR_THE_CENTRE)


def test_flower_is_of_the_minor_that_the_contract_was_run_with() -> None:
    assert "1.41" == version("flwr").rpartition(".")[0]


@dataclass
class Outside:
    """A site's end of the Fleet API in this process. It ends itself when it would wait a second time."""

    deployed: Any
    state: Path
    said: list[str] = field(default_factory=list)
    links: list[FleetLink] = field(default_factory=list)

    def link(self, key: ec.EllipticCurvePrivateKey, proxy: str | None = None) -> FleetLink:
        centre = self.deployed.federation.centre
        connection = Connection(
            address=centre.address,
            ca=centre.tls.ca.read_bytes(),
            key=key,
            proxy=proxy,
            state=self.state,
            stream=False,
        )
        self.links.append(FleetLink(connection, self.said.append, lambda _: len(self.said) > 1))
        return self.links[-1]

    def crash(self, link: FleetLink) -> None:
        """End it without a word to the SuperLink."""
        link._closed.set()
        link._fleet.close()


@pytest.fixture
def outside(two_sites, tmp_path) -> Iterator[Outside]:
    outside = Outside(two_sites, tmp_path)
    yield outside
    for link in outside.links:
        outside.crash(link)


def test_a_whole_run_goes_through_flowers_messages(two_sites) -> None:
    number = two_sites.start_run()

    assert f"run {number}: finished" == two_sites.watch(number)
    assert two_sites.expected == two_sites.results(number)


def test_a_run_carries_the_hash_of_the_app_and_its_state(two_sites) -> None:
    number = two_sites.start_run()
    flower_run = json.loads(two_sites.command("run", "status", str(number), "--json").stdout)[
        "flower_run"
    ]
    two_sites.watch(number)
    with Control(two_sites.federation.centre) as control:
        two_sites.until(lambda: control.status(flower_run) == "finished", "the end of the driver")

        assert "" == control.status(flower_run + 1)
    assert f"Flower's number {flower_run}\n" in two_sites.federation.log("inst-01")


def public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_registered_node_takes_its_lease_pulls_and_gives_it_back(two_sites, outside) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    with Control(two_sites.federation.centre) as control:
        number = control.register(public(key), "x")
        link = outside.link(key)
        link.open()
        online = {node.number for node in control.nodes() if node.is_online}
        link.close()
        offline = {node.number for node in control.nodes() if not node.is_online}
        control.unregister(number)
        left = {node.number for node in control.nodes()}

    assert number in online
    assert number in offline
    assert number not in left
    assert [f"connected to {two_sites.federation.centre.address} as node {number}"] == outside.said


def test_a_node_takes_over_the_lease_of_its_predecessor_that_crashed(two_sites, outside) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    with Control(two_sites.federation.centre) as control:
        number = control.register(public(key), "y")
        predecessor = outside.link(key)
        predecessor.open()
        outside.crash(predecessor)
        successor = outside.link(key)
        successor.open()
        successor.close()
        control.unregister(number)
    address = two_sites.federation.centre.address

    assert [f"connected to {address} as node {number}"] * 2 == outside.said


def test_a_site_asks_whether_it_is_admitted_also_while_its_node_is_connected(
    two_sites, outside, tmp_path
) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    link = outside.link(key)
    connection = link._connection
    with Control(two_sites.federation.centre) as control:
        number = control.register(public(key), "a")
        before = admission(connection)
        link.open()
        beside = admission(connection)
        online = {node.number for node in control.nodes() if node.is_online}
        link.close()
        control.unregister(number)
    with pytest.raises(
        RisksetError, match="does not admit this site: its connection key was revoked"
    ):
        admission(connection)
    unreachable = replace(connection, address="127.0.0.1:1")
    with pytest.raises(RisksetError, match="not checked: the centre was not reached, it cannot"):
        admission(unreachable)

    (tmp_path / "node-id").unlink()
    with pytest.raises(RisksetError, match=r"not checked: 127\.0\.0\.1:1: it cannot be reached"):
        admission(unreachable)

    assert "the centre admits this site's connection key" == before
    assert f"the centre knows this site as node {number}" == beside
    assert number in online


def test_a_node_whose_key_is_not_registered_is_told_so_and_waits(outside) -> None:
    with pytest.raises(SystemExit):
        outside.link(ec.generate_private_key(ec.SECP384R1())).open()

    assert outside.said
    assert all("its connection key is not registered there" in line for line in outside.said)


def test_a_node_goes_through_the_proxy_of_the_hospital(two_sites, outside) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    with connect_proxy() as proxy, Control(two_sites.federation.centre) as control:
        number = control.register(public(key), "p")
        link = outside.link(key, proxy.url)
        link.open()
        link.close()
        control.unregister(number)

    assert {two_sites.federation.centre.address} == set(proxy.asked)


def test_a_centre_with_another_certificate_is_not_believed(two_sites, outside) -> None:
    link = outside.link(ec.generate_private_key(ec.SECP384R1()))
    stranger = make_certificates(["127.0.0.1"], datetime.now(UTC))[0]
    link._fleet._client.close()
    link._fleet._client = httpx.Client(verify=trusting(stranger))
    with pytest.raises(SystemExit):
        link.open()

    assert "its certificate is not signed by the authority in centre.ca" in outside.said[0]


def test_a_waiting_node_hears_at_once_that_it_is_admitted_no_longer(two_sites, outside) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    with Control(two_sites.federation.centre) as control, ThreadPoolExecutor(1) as waiting:
        number = control.register(public(key), "z")
        link = outside.link(key)
        link.open()
        asked = waiting.submit(link.pull)
        two_sites.until(asked.running, "the question of the node")
        control.unregister(number)
        refused = asked.exception(timeout=10)

    assert "_NotAdmitted" == type(refused).__name__


@pytest.mark.parametrize(
    "path",
    [
        "/v1/control/list-nodes",
        "/v1/control/start-run",
        "/v1/runtime/acquire-task",
        "/v1/runtime/push-messages",
        "/v1/fleet/get-fab",
        "/v1/fleet/register-node",
        "/docs",
        "/openapi.json",
        "/health/",
        "//v1/control/list-nodes",
        "/v1/fleet/../control/list-nodes",
    ],
)
def test_the_port_for_sites_answers_404_to_all_but_the_calls_of_a_node(two_sites, path) -> None:
    centre = two_sites.federation.centre
    with httpx.Client(verify=trusting(centre.tls.ca.read_bytes()), trust_env=False) as outside:
        # Sent as it stands here: httpx would tidy the path up.
        url = httpx.URL(f"https://{centre.listen.sites}", raw_path=path.encode())
        answer = outside.post(url, content=b"")

    assert 404 == answer.status_code


def test_the_port_for_sites_says_that_it_is_well(two_sites) -> None:
    centre = two_sites.federation.centre
    answer = httpx.get(
        f"https://{centre.listen.sites}/health",
        verify=trusting(centre.tls.ca.read_bytes()),
        trust_env=False,
    )

    assert 200 == answer.status_code


def test_a_run_of_another_app_is_refused_by_a_site(two_sites) -> None:
    node = two_sites.federation.folder / "sites" / "inst-01" / "node.yaml"
    odd = [sys.executable, odd_node.__file__, "admits_another_app", str(node)]
    with two_sites.in_place_of("inst-01", odd):
        two_sites.all_connected()
        number = two_sites.start_run()
        ended = two_sites.watch(number)

    assert f"run {number}: refused: site inst-01: refused (policy)" in ended
    assert "that this release does not answer" in two_sites.federation.log("inst-01")
    two_sites.all_connected()
