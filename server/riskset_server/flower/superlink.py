"""What the centre asks of the SuperLink: the commands to it, and the messages of a run on Flower's Grid.

Like the other modules of this folder that import flwr, it uses parts that Flower calls private; a contract test runs each of
them against a real SuperLink. Flower does enrolment, authentication, leases and the life of a run; the bytes are ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Self, TypeVar

import httpx
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.common.serde import message_from_proto, message_to_proto, user_config_to_proto
from flwr.proto.control_pb2 import (
    ListNodesRequest,
    ListRunsRequest,
    RegisterNodeRequest,
    StartRunRequest,
    StopRunRequest,
    UnregisterNodeRequest,
)
from flwr.proto.fab_pb2 import Fab
from flwr.proto.message_pb2 import ObjectTree
from flwr.proto.runtime_pb2 import PullAppMessagesRequest, PushAppMessagesRequest
from flwr.supercore.control import ControlHttpClient
from flwr.supercore.inflatable.inflatable_object import no_object_id_recompute
from flwr.supercore.interceptors.http.runtime_version import RuntimeVersionHttpInterceptor
from flwr.supercore.logger import update_console_handler
from flwr.superlink.grid import HttpGrid

from riskset_common.errors import InputError, ProtocolRefusal, RisksetError
from riskset_common.programs.command_line import version_of
from riskset_common.wire.flower_envelope import MESSAGE_TYPE, RECORD, Envelope
from riskset_server.centre.config import CentreConfig
from riskset_server.driving.driver import drive_run
from riskset_server.driving.relay import Route
from riskset_server.driving.streams import RunStreams
from riskset_server.flower.app_archive import app_archive, app_folder
from riskset_server.flower.inside import inside_client
from riskset_server.run.course import CLOSE
from riskset_server.sites.nodes import Node

SHORTEST_POLL, LONGEST_POLL = 0.02, 0.25
"""Seconds between two questions for replies, where the front did not hold the first."""
CLOSE_KEPT_SECONDS = 7 * 24 * 3600.0
"""For so long the SuperLink keeps the close of a run for a site that is away."""

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Control:
    """The commands to the SuperLink, on its inside port."""

    def __init__(self, centre: CentreConfig) -> None:
        # What a command writes passes a guard, which would show colours as escapes.
        update_console_handler(colored=False)
        self._address = centre.listen.inside
        self._control = ControlHttpClient(
            f"https://{self._address}",
            interceptors=[RuntimeVersionHttpInterceptor(component_name="flwr-cli")],
        )
        # Flower's client does not know the secret.
        self._control._client.close()  # noqa: SLF001  # ditto
        self._control._client = inside_client(centre, 30.0)  # noqa: SLF001  # ditto

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._control.close()

    def nodes(self) -> list[Node]:
        """All registered nodes. Flower keeps those that were removed in its list; they are left out."""
        found = self._call(self._control.ListNodes, ListNodesRequest()).nodes_info
        return [
            Node(info.node_id, info.public_key, info.status == "online")
            for info in found
            if info.status != "unregistered"
        ]

    def register(self, connection_key: bytes, name: str) -> int:
        """Admit a node by its public connection key (PEM), and give its number. Flower admits a key once, ever."""
        request = RegisterNodeRequest(public_key=connection_key, name=name)
        return int(self._call(self._control.RegisterNode, request).node_id)

    def unregister(self, node_id: int) -> None:
        """Admit a node no longer: its next call is refused."""
        self._call(self._control.UnregisterNode, UnregisterNodeRequest(node_id=node_id))

    def start(self, number: int) -> int:
        """Start the driver of run `number`, and give the number by which Flower knows it."""
        request = StartRunRequest(
            fab=Fab(content=app_archive(app_folder())),
            override_config=user_config_to_proto({"run": number}),
        )
        return int(self._call(self._control.StartRun, request).run_id)

    def stop(self, flower_run: int) -> None:
        """Stop a driver."""
        self._call(self._control.StopRun, StopRunRequest(run_id=flower_run))

    def status(self, flower_run: int) -> str:
        """`pending`, `starting`, `running` or `finished`; empty where this SuperLink does not know the run."""
        try:
            found = self._call(self._control.ListRuns, ListRunsRequest(run_id=flower_run)).run_dict
        except InputError:
            return ""
        return str(found[flower_run].status.status) if flower_run in found else ""

    def _call(self, method: Callable[[Asked], Answer], request: Asked) -> Answer:
        try:
            return method(request)
        except httpx.TransportError as error:
            raise InputError(
                f"The SuperLink does not answer at {self._address} ({type(error).__name__}). "
                "Start it with `riskset centre superlink`."
            ) from error
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.UNAUTHORIZED:
                raise InputError(
                    f"The SuperLink at {self._address} does not know this centre's secret (flower.secret). It runs with another "
                    "one: start it again with this centre.yaml."
                ) from error
            raise InputError(
                f"The SuperLink refuses the command ({error.response.status_code}: {error.response.text[:200]})."
            ) from error


class Messages:
    """Flower's messages as one way of a relay (`relay.Route`): it reaches every registered node that is or comes online.

    Parameters
    ----------
    node_of
        The number of each site's node.
    ttl
        Seconds after which the SuperLink gives up a message.
    offer_of
        For each site the stream's address and token that go with a message; empty without streams.
    release_seen
        Told each site's name and release when it answers.
    """

    def __init__(
        self,
        grid: HttpGrid,
        node_of: Mapping[str, int],
        *,
        ttl: float,
        offer_of: Mapping[str, tuple[str, bytes]],
        release_seen: Callable[[str, str], None],
    ) -> None:
        self._runtime = grid._runtime_client  # noqa: SLF001  # Grid's own calls take two more requests for each message
        self._node_of = node_of
        self._ttl = ttl
        self._offer_of = offer_of
        self._release_seen = release_seen
        self._release = version_of("riskset-server")
        self._step = ""
        self._sent: dict[str, str] = {}
        self._poll = SHORTEST_POLL

    def reaches(self, site: str) -> bool:
        """The SuperLink keeps a message until the node comes for it."""
        return site in self._node_of

    def send(self, messages: Mapping[str, bytes], step: str) -> None:
        """Give the SuperLink one message for each site, the content inside: one call for all."""
        if step != self._step:
            self._step, self._sent = step, {}
        self._poll = SHORTEST_POLL
        made = {site: self._message(site, message, step) for site, message in messages.items()}
        with no_object_id_recompute():
            for message in made.values():
                message.metadata.__dict__["_message_id"] = message.object_id
            request = PushAppMessagesRequest(
                messages_list=[message_to_proto(message) for message in made.values()],
                message_object_trees=[
                    ObjectTree(object_id=message.metadata.message_id) for message in made.values()
                ],
            )
        accepted = self._runtime.PushMessages(request).message_ids
        self._sent |= {number: site for number, site in zip(accepted, made, strict=True) if number}

    def collect(self, seconds: float) -> dict[str, bytes | None]:
        """Replies that arrived since. They are told apart by the message that they answer, and by the node that sent them."""
        if not self._sent:
            time.sleep(min(seconds, LONGEST_POLL))
            return {}
        asked_at = time.monotonic()
        pulled = self._runtime.PullMessages(PullAppMessagesRequest(message_ids=list(self._sent)))
        replies: dict[str, bytes | None] = {}
        for reply in map(message_from_proto, pulled.messages_list):
            site = self._sent.pop(reply.metadata.reply_to_message_id, None)
            if site is not None:
                replies[site] = self._read(site, reply)
        if replies:
            self._poll = SHORTEST_POLL
        elif time.monotonic() - asked_at < self._poll:
            time.sleep(min(seconds, self._poll))
            self._poll = min(1.5 * self._poll, LONGEST_POLL)
        return replies

    def _message(self, site: str, message: bytes, step: str) -> Message:
        stream, token = self._offer_of.get(site, ("", b""))
        envelope = Envelope(message, self._release, stream, token)
        return Message(
            RecordDict({RECORD: ConfigRecord(dict(envelope.fields()))}),
            dst_node_id=self._node_of[site],
            message_type=MESSAGE_TYPE,
            group_id=step,
            ttl=CLOSE_KEPT_SECONDS if step == CLOSE else self._ttl,
        )

    def _read(self, site: str, reply: Message) -> bytes | None:
        """The bytes of a reply; None for an error that the SuperLink made in the node's place."""
        if reply.has_error():
            return None
        if reply.metadata.src_node_id != self._node_of[site]:
            raise ProtocolRefusal(
                f"The answer to site {site!r} came from another node. Compare the registered keys: `riskset site list`."
            )
        try:
            envelope = Envelope.read(dict(reply.content[RECORD]))
        except (RisksetError, KeyError) as error:
            raise ProtocolRefusal(
                f"Site {site!r} answered with something that is no message of riskset ({error}). Ask the site what runs there; "
                "its own log may say more."
            ) from error
        self._release_seen(site, envelope.release)
        return envelope.message


def drive(centre: CentreConfig, grid: HttpGrid, number: int) -> None:
    """Drive run `number` of the centre's store over this Grid. Its outcome is in the store."""
    with Control(centre) as control:
        node_of = {node.connection_key: node.number for node in control.nodes()}

    def routes(
        sites: Mapping[str, bytes],
        streams: RunStreams | None,
        release_seen: Callable[[str, str], None],
    ) -> Iterable[Route]:
        nodes = {site: node_of[key] for site, key in sites.items() if key in node_of}
        offers = {}
        if streams is not None:
            offers = {site: (streams.reached_at, token) for site, token in streams.tokens.items()}
            yield streams
        yield Messages(
            grid, nodes, ttl=centre.rounds.deadline, offer_of=offers, release_seen=release_seen
        )

    drive_run(centre, number, routes, now=_now, random=token_bytes)


def _now() -> datetime:
    return datetime.now(UTC)
