"""The Flower engine at a site: one warm process on Flower's Fleet API, which carries bytes to the site node and back.

It is the only module of this package that imports flwr, and it uses parts that Flower calls private; a contract test runs each of
them against a real SuperLink. It registers a lease, sends heartbeats, pulls and pushes. It has no call that fetches, unpacks or
runs a FAB: a run whose app is not on the list of this release is refused.
"""

from __future__ import annotations

import random as chance
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.common.constant import HEARTBEAT_DEFAULT_INTERVAL
from flwr.common.serde import message_from_proto, message_to_proto, run_from_proto
from flwr.proto.fleet_pb2 import (
    ActivateNodeRequest,
    DeactivateNodeRequest,
    PullMessagesRequest,
    PushMessagesRequest,
)
from flwr.proto.heartbeat_pb2 import SendNodeHeartbeatRequest
from flwr.proto.message_pb2 import ObjectTree
from flwr.proto.node_pb2 import Node
from flwr.proto.run_pb2 import GetRunRequest
from flwr.supercore.inflatable.inflatable_object import no_object_id_recompute
from flwr.supercore.interceptors.http.runtime_version import RuntimeVersionHttpInterceptor
from flwr.supercore.logger import update_console_handler
from flwr.supercore.primitives.asymmetric import public_key_to_bytes
from flwr.supernode.fleet_http_client import FleetHttpClient
from flwr.supernode.node_auth_http_interceptor import NodeAuthHttpInterceptor

from riskset_common.errors import PolicyRefusal, ProtocolRefusal, RisksetError
from riskset_common.programs.command_line import version_of
from riskset_common.wire.flower_envelope import APP_SHA256, RECORD, Envelope
from riskset_common.wire.messages import Close, read_message
from riskset_common.wire.releases import check_releases
from riskset_node.connection.https import https_client, in_words
from riskset_node.connection.pauses import LONGEST_PAUSE, pause_after
from riskset_node.connection.standing import is_paused, number_file
from riskset_node.connection.stream import RunStream, StreamAddress, is_answer, why_not_dialled
from riskset_node.session.edge import Answering

# What a command writes passes a guard, which would show colours as escapes.
update_console_handler(colored=False)

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Say = Callable[[str], None]

HELD_SECONDS = 20.0
"""The longest for which the centre's front holds an empty answer back."""

FIRST_RETRY, LAST_RETRY = 0.2, 20.0
_TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""500 among them: a SuperLink that is told to end answers so to every call that its front holds."""


@dataclass(frozen=True)
class Connection:
    """How this site reaches the centre.

    Attributes
    ----------
    address
        `host:port`.
    ca
        The authority that signed the centre's certificate, PEM.
    key
        The site's connection key.
    proxy
        URL of an HTTP proxy; None leaves it to HTTPS_PROXY in the environment.
    state
        A folder in which the number of this node is remembered, so that it can take over its own lease after a crash.
    stream
        Whether rounds may ride a stream.
    """

    address: str
    ca: bytes
    key: EllipticCurvePrivateKey
    proxy: str | None
    state: Path
    stream: bool


class _RunIsOver(Exception):
    """The SuperLink takes no more messages of this run."""


class _TooLarge(Exception):
    """The centre takes no reply of this size."""


class _NotAdmitted(Exception):
    """The SuperLink does not, or no longer, know this node."""


class FleetLink:
    """This node's side of the Fleet API. `wait` sleeps, and says whether the node is to end; `heard` is told that the centre answered."""

    def __init__(
        self,
        connection: Connection,
        say: Say,
        wait: Callable[[float], bool],
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._heard, self._say, self._wait = heard, say, wait
        self._public = public_key_to_bytes(connection.key.public_key())
        self._fleet = FleetHttpClient(
            f"https://{connection.address}",
            interceptors=[
                RuntimeVersionHttpInterceptor(component_name="SuperNode"),
                NodeAuthHttpInterceptor(connection.key, connection.key.public_key()),
            ],
        )
        # Flower's client takes neither a proxy nor a read time-out longer than the front's hold.
        self._fleet._client.close()  # noqa: SLF001  # ditto
        self._fleet._client = https_client(  # noqa: SLF001  # ditto
            connection.ca, connection.proxy, HELD_SECONDS + 15.0
        )
        self._number_file = number_file(connection.state)
        self._node: Node | None = None
        self._closed = Event()
        self._heart: Thread | None = None

    def open(self) -> None:
        """Take the lease of this node. Waits, and says for what, until the centre admits it."""
        retry = FIRST_RETRY
        while True:
            try:
                request = ActivateNodeRequest(
                    public_key=self._public, heartbeat_interval=HEARTBEAT_DEFAULT_INTERVAL
                )
                number = self._call(self._fleet.ActivateNode, request).node_id
                break
            except _NotAdmitted:
                retry = self._not_yet(retry)
        self._node = Node(node_id=number)
        self._number_file.write_text(str(number), encoding="ascii")
        self._say(f"connected to {self._connection.address} as node {number}")
        if self._heart is None:
            self._heart = Thread(target=self._beat, name="riskset-heartbeat", daemon=True)
            self._heart.start()

    def _not_yet(self, retry: float) -> float:
        """Our own lease may still run after a crash: end it. Otherwise the centre does not know our key."""
        if self._node is None and self._number_file.exists():
            number = int(self._number_file.read_text(encoding="ascii"))
            try:
                self._call(self._fleet.DeactivateNode, DeactivateNodeRequest(node_id=number))
                self._number_file.unlink()
                return FIRST_RETRY
            except (_NotAdmitted, _RunIsOver):
                pass
        self._say(
            f"waiting for {self._connection.address} to admit this site: its connection key is not registered there, or the node "
            f"is still marked online, or this machine's clock is wrong (`riskset-node doctor` tells); again in {retry:.1f} s"
        )
        self._pause(retry)
        return min(2 * retry, LAST_RETRY)

    def pull(self) -> Message | None:
        """The next message, or None. Waits while the centre cannot be reached."""
        answer = self._call(self._fleet.PullMessages, PullMessagesRequest(node=self._node))
        return message_from_proto(answer.messages_list[0]) if answer.messages_list else None

    def push(self, reply: Message) -> None:
        """Send a reply, its content inside: one call, and none for objects."""
        with no_object_id_recompute():
            number = reply.object_id
            reply.metadata.__dict__["_message_id"] = number
            request = PushMessagesRequest(
                node=self._node,
                messages_list=[message_to_proto(reply)],
                message_object_trees=[ObjectTree(object_id=number)],
            )
        self._call(self._fleet.PushMessages, request)

    def app_of(self, run_id: int) -> str:
        """SHA-256 of the FAB of a run; the FAB itself is not fetched."""
        answer = self._call(self._fleet.GetRun, GetRunRequest(node=self._node, run_id=run_id))
        return str(run_from_proto(answer.run).fab_hash)

    def is_known_as(self, number: int) -> bool:
        """Whether the centre knows this site's connection key as that of this node; asked once, and nothing changes by it."""
        try:
            self._fleet.GetRun(GetRunRequest(node=Node(node_id=number), run_id=0))
        except httpx.HTTPStatusError as error:
            # There is no run 0, which it says to nodes that it knows; 401 to others.
            if error.response.status_code in _TRY_AGAIN:
                raise
            return error.response.status_code != 401
        return True

    def close(self) -> None:
        """Give the lease back, so that a restarted node need not wait for its end."""
        self._closed.set()
        try:
            if self._node is not None:
                self._fleet.DeactivateNode(DeactivateNodeRequest(node_id=self._node.node_id))
        except httpx.HTTPError:
            pass  # the lease ends by itself
        self._fleet.close()

    def _beat(self) -> None:
        """Say every 30 s that this node is there; a beat that is lost is followed by the next one sooner."""
        pause = float(HEARTBEAT_DEFAULT_INTERVAL)
        while not self._closed.wait(pause):
            request = SendNodeHeartbeatRequest(
                node=self._node, heartbeat_interval=HEARTBEAT_DEFAULT_INTERVAL
            )
            try:
                heard = self._fleet.SendNodeHeartbeat(request).success
            except httpx.HTTPError:
                heard = False
            if heard:
                self._heard()
            pause = float(HEARTBEAT_DEFAULT_INTERVAL) if heard else 5.0

    def _call(self, method: Callable[[Asked], Answer], request: Asked) -> Answer:
        """Call, and repeat while the network or the centre is down."""
        retry = FIRST_RETRY
        while True:
            try:
                answer = method(request)
            except httpx.TransportError as error:
                reason = in_words(error)
            except httpx.HTTPStatusError as error:
                status = error.response.status_code
                if status in {401, 412}:
                    raise _NotAdmitted from error
                if status == 403:
                    raise _RunIsOver from error
                if status == 413:
                    raise _TooLarge from error
                reason = f"it answers {status}"
                if status not in _TRY_AGAIN:
                    reason += ", which no centre does: ask IT what answers in its place (centre.address, centre.proxy)"
            else:
                self._heard()
                if retry > FIRST_RETRY:
                    self._say(f"{self._connection.address} answers again")
                return answer
            self._say(f"waiting for {self._connection.address}: {reason}; again in {retry:.1f} s")
            self._pause(retry)
            retry = min(2 * retry, LAST_RETRY)

    def _pause(self, seconds: float) -> None:
        # Eighteen sites that lost one centre must not come back at one moment.
        if self._wait(seconds * chance.uniform(0.8, 1.2)):  # noqa: S311  # no secret
            raise SystemExit(0)


class FlowerNode:
    """Pulls, answers, pushes, until `wait` says that the node is to end."""

    def __init__(
        self,
        answering: Answering,
        connection: Connection,
        *,
        say: Say,
        wait: Callable[[float], bool],
        heard: Callable[[], None] = lambda: None,
        apps: Set[str] = frozenset({APP_SHA256}),
    ) -> None:
        self._answering = answering
        self._connection = connection
        self._say = say
        self._wait = wait
        self._apps = apps
        self._link = FleetLink(connection, say, wait, heard)
        self._release = version_of("riskset-node")
        self._runs: dict[int, str] = {}
        self._streams: dict[bytes, RunStream] = {}
        self._not_dialled: set[bytes] = set()
        self._rests = False

    def serve(self) -> None:
        """Serve until told to end."""
        try:
            self._link.open()
            self._say("waiting for a run")
            busy_at = monotonic()
            while True:
                asked_at = monotonic()
                self._answering.renew()
                if self._is_to_rest():
                    if self._wait(LONGEST_PAUSE):
                        return
                elif self._step():
                    busy_at = monotonic()
                elif monotonic() - asked_at < 1.0 and self._wait(pause_after(busy_at, monotonic())):
                    return
        finally:
            self._hang_up()
            self._link.close()

    def _is_to_rest(self) -> bool:
        """Whether the site's people paused the node: it keeps its lease, and leaves questions where they are."""
        paused = is_paused(self._connection.state)
        if paused != self._rests:
            self._say("paused: questions wait at the centre" if paused else "waiting for a run")
            if paused:
                self._hang_up()
        self._rests = paused
        return paused

    def _hang_up(self) -> None:
        for stream in self._streams.values():
            stream.close()
        self._streams = {}

    def _step(self) -> bool:
        """Answer one message, if there is one."""
        try:
            asked = self._link.pull()
            if asked is None:
                return False
            try:
                self._reply(asked, self._answer(asked))
            except _TooLarge:
                self._say(
                    "refused: the centre takes no reply of this size; streams carry larger ones (centre.stream)"
                )
                message = Envelope.read(dict(asked.content[RECORD])).message
                self._reply(asked, self._answering.refuse(message, ProtocolRefusal("too large")))
        except _RunIsOver:
            self._say("the run is over; nothing more is sent to it")
        except _NotAdmitted:
            self._say("the centre no longer knows this node")
            self._link.open()
        return True

    def _reply(self, asked: Message, reply: bytes) -> None:
        envelope = Envelope(reply, self._release)
        record = RecordDict({RECORD: ConfigRecord(dict(envelope.fields()))})
        self._link.push(Message(record, reply_to=asked))

    def _answer(self, asked: Message) -> bytes:
        """Read the envelope, and refuse on the site's behalf what is not this release's to carry."""
        message = b""
        try:
            fields = dict(asked.content[RECORD]) if asked.has_content() else {}
            envelope = Envelope.read(fields)
            message = envelope.message
            self._admit(asked.metadata.run_id, envelope)
        except (RisksetError, KeyError) as error:
            self._say(f"refused: {error}")
            refusal = error if isinstance(error, RisksetError) else ProtocolRefusal(str(error))
            return self._answering.refuse(message, refusal)
        reply = self._answering.answer(message)
        if is_answer(reply):
            self._open_stream(envelope)
        return reply

    def _admit(self, run_id: int, envelope: Envelope) -> None:
        """The first message of a run: is its app the one of this release, and does the centre's release go with ours?"""
        if run_id in self._runs:
            return
        try:
            app = self._link.app_of(run_id)
        except _RunIsOver:
            # A site that was away when a run was closed learns of it here. All that a close does is to delete keys, and the centre
            # signed it; the reply goes nowhere.
            if isinstance(read_message(envelope.message), Close):
                return
            raise
        if app not in self._apps:
            raise PolicyRefusal(
                f"Flower's run {run_id} belongs to an app (sha256 {app[:16]}) that this release does not answer. "
                "Only riskset's own app is answered; ask the centre what it started."
            )
        check_releases(envelope.release, self._release)
        self._runs[run_id] = app
        self._say(f"a run of the centre (riskset {envelope.release}), Flower's number {run_id}")

    def _open_stream(self, envelope: Envelope) -> None:
        """Dial the stream that a run offers, unless it was dialled before; the streams of other runs stay as they are."""
        at, known = self._connection, self._streams.keys() | self._not_dialled
        if not envelope.stream or not at.stream or envelope.token in known:
            return
        if why_not := why_not_dialled(at.address, envelope.stream):
            self._not_dialled.add(envelope.token)
            self._say(why_not)
            return
        for token in [token for token, stream in self._streams.items() if stream.is_over]:
            del self._streams[token]
        address = StreamAddress(envelope.stream, envelope.token, at.ca, at.proxy)
        self._streams[envelope.token] = RunStream(address, self._answering, self._say)
