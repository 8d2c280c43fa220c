"""The SuperLink as a service: Flower's application behind the front, at a door for sites and a door for the centre's own programs."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace

from anyio import to_thread
from flwr.common.constant import (
    CONTROL_API_DEFAULT_SERVER_ADDRESS,
    ISOLATION_MODE_PROCESS,
    TRANSPORT_TYPE_GRPC_RERE,
)
from flwr.proto.control_pb2 import StartRunRequest
from flwr.supercore.constant import FLWR_IN_MEMORY_DB_NAME
from flwr.supercore.http_logging import get_uvicorn_log_config
from flwr.supercore.logger import update_console_handler
from flwr.superlink.cli.flower_superlink import SuperLinkLifespan
from flwr.superlink.config_loader import SuperLinkLifespanConfig, load_control_authn_plugin
from flwr.superlink.main import create_app

from riskset_common.errors import InputError
from riskset_common.formats.addresses import Address
from riskset_common.programs.memory import give_back, settle
from riskset_common.wire.flower_envelope import APP_SHA256
from riskset_server.centre.config import CentreConfig
from riskset_server.flower.callers import Sites, now
from riskset_server.flower.doors import Door, Limits
from riskset_server.flower.front import Front
from riskset_server.flower.inside import inside_word, read_secret
from riskset_server.flower.listening import Listener, listener

LIMITS = Limits()
INSIDE_LIMITS = replace(LIMITS, strangers=64, strangers_of_one_address=64, of_one_key=1024)
"""All of the centre's own programs show one secret, and each driver has connections of its own. Whoever else calls is on this machine."""


def serve_superlink(centre: CentreConfig, limits: Limits = LIMITS) -> None:
    """Serve sites and the centre's own programs until told to end."""
    update_console_handler(timestamps=True, colored=False)
    listen = centre.listen
    secret = read_secret(centre.flower.secret)
    doors = [
        Door(_listening(listen.sites), limits),
        Door(_listening(listen.inside), INSIDE_LIMITS),
    ]
    server = listener(
        _front(centre, secret, limits),
        doors,
        limits,
        certificate=str(centre.tls.certificate),
        key=str(centre.tls.key),
        # Warnings are about what strangers send, and would fill the disk.
        log_config=get_uvicorn_log_config(logging.ERROR),
        now_and_then=_Tidying(doors).tidy,
    )
    settle()
    sys.stdout.write(
        f"riskset superlink: sites at {listen.sites}, the centre's own programs at {listen.inside}\n"
    )
    sys.stdout.flush()
    try:
        asyncio.run(_serve(server))
    finally:
        for door in doors:
            door.close()


def _front(centre: CentreConfig, secret: bytes, limits: Limits) -> Front:
    """The SuperLink behind its front."""
    superlink = create_app(_superlink_config(centre, secret), SuperLinkLifespan)

    def registered() -> list[bytes]:
        nodes = superlink.state.linkstate_factory.state().get_node_info()
        return [node.public_key for node in nodes if node.status != "unregistered"]

    return Front(
        superlink,
        Address.read(centre.listen.sites).port,
        Sites(lambda: to_thread.run_sync(registered), now),
        inside_word(secret),
        is_our_app,
        limits,
    )


async def _serve(server: Listener) -> None:
    # Flower's database takes one writer, and every call writes. Several threads wait for each other in sleeps, longer than one takes.
    to_thread.current_default_thread_limiter().total_tokens = 1
    await server.serve()


class _Tidying:
    """Gives memory back that strangers took, after they left."""

    def __init__(self, doors: Sequence[Door]) -> None:
        self._doors = doors
        self._left = 0

    async def tidy(self) -> None:
        left = sum(door.strangers_left for door in self._doors)
        if left > self._left:
            give_back()
        self._left = left


def is_our_app(body: bytes) -> bool:
    """Whether a call to start a run brings the app of this release, and names no other that Flower would fetch or has in store."""
    try:
        asked = StartRunRequest.FromString(body)
    except Exception:  # noqa: BLE001  # protobuf's own, and protobuf is Flower's dependency and not ours
        return False
    return not asked.app_spec and hashlib.sha256(asked.fab.content).hexdigest() == APP_SHA256


def _listening(address: str) -> socket.socket:
    listened = Address.read(address)
    family = socket.AF_INET6 if listened.is_ipv6 else socket.AF_INET
    try:
        return socket.create_server((listened.host, listened.port), family=family, backlog=256)
    except OSError as error:
        raise InputError(
            f"listen: {address} cannot be listened on ({error.strerror}). Something else may listen there already."
        ) from error


def _superlink_config(centre: CentreConfig, secret: bytes) -> SuperLinkLifespanConfig:
    tls = centre.tls
    inside = Address.read(centre.listen.inside)
    database = centre.flower.database
    return SuperLinkLifespanConfig(
        control_address=CONTROL_API_DEFAULT_SERVER_ADDRESS,
        health_server_address=None,
        host=inside.host,
        port=inside.port,
        insecure=False,
        certificates=(tls.ca.read_bytes(), tls.certificate.read_bytes(), tls.key.read_bytes()),
        superexec_auth_secret=secret,
        authn_plugin=load_control_authn_plugin(),
        event_log_plugin=None,
        fleet_event_log_plugin=None,
        enable_event_log=False,
        artifact_provider=None,
        enable_supernode_auth=True,
        fleet_api_type=TRANSPORT_TYPE_GRPC_RERE,
        fleet_api_address=None,
        simulation=False,
        ssl_ca_certfile=str(tls.ca),
        ssl_certfile=str(tls.certificate),
        ssl_keyfile=str(tls.key),
        database=FLWR_IN_MEMORY_DB_NAME if database is None else str(database),
        isolation=ISOLATION_MODE_PROCESS,
        runtime_dependency_install=False,
    )
