"""The web server at the centre's two doors, with a deadline for every step of a caller: handshake, headers, and how it ends.

uvicorn has a time-out for idle connections between two requests, and none for a caller who never sends the first one, or half of it.
Its parser h11 bounds the headers, and httptools does not.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import uvicorn
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from riskset_server.flower.doors import Door, Limits

INTRODUCE = "introduce"
"""In the state of each request: a function that is told by which key the caller is known."""

State = dict[str, object]


class Deadlines(H11Protocol):
    """One connection. If it is not in the middle of a request, the next one must have begun and sent its headers by a deadline."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: State,
        door: Door,
        limits: Limits,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._door = door
        self._limits = limits
        self._head_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """The handshake is done: await the first request."""
        super().connection_made(transport)
        caller = self._door.caller(transport.get_extra_info("socket").fileno())
        self.app_state = {**self.app_state, INTRODUCE: partial(self._door.introduce, caller)}
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the connection is being closed."""
        if not self.transport.is_closing():
            super().data_received(data)
            self._await_head()

    def on_response_complete(self) -> None:
        """A request is answered: await the next."""
        super().on_response_complete()
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more is awaited."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        if self._head_due is not None:
            self._head_due.cancel()

    def _await_head(self) -> None:
        # uvicorn sets it to None, and its type does not say so.
        cycle: RequestResponseCycle | None = self.cycle
        is_answering = cycle is not None and not cycle.response_complete
        if is_answering and self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None
        elif not is_answering and self._head_due is None:
            self._head_due = self.loop.call_later(self._limits.head, self.transport.abort)


class Listener(uvicorn.Server):
    """uvicorn behind doors."""

    def __init__(self, config: Config, doors: Sequence[Door], limits: Limits) -> None:
        super().__init__(config)
        self._doors = doors
        self._limits = limits

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, then take callers."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            self.should_exit = True
            return
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                partial(
                    Deadlines,
                    self.config,
                    self.server_state,
                    self.lifespan.state,
                    door,
                    self._limits,
                ),
                sock=door,
                ssl=self.config.ssl,
                backlog=256,
                ssl_handshake_timeout=self._limits.handshake,
                ssl_shutdown_timeout=self._limits.handshake,
            )
            for door in self._doors
        ]
        self.started = True


def listener(
    app: Callable[..., Awaitable[None]],
    doors: Sequence[Door],
    limits: Limits,
    *,
    certificate: str,
    key: str,
    log_config: dict[str, object],
    now_and_then: Callable[[], Awaitable[None]],
) -> Listener:
    """A server of this application, over TLS. `now_and_then` is called every half minute."""
    config = Config(
        app,
        http="h11",
        h11_max_incomplete_event_size=limits.longest_head,
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=log_config,
        ssl_keyfile=key,
        ssl_certfile=certificate,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        timeout_graceful_shutdown=2,
        timeout_notify=30,
        callback_notify=now_and_then,
    )
    return Listener(config, doors, limits)
