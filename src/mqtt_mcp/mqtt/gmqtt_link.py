"""One connection on the asyncio side: gmqtt writes and keeps alive, ``packets.Receiver`` reads.

Owns opening, closing, and why the connection ended. Everything here runs in the bridge's thread. gmqtt is used as a
codec for one connection: its own reconnection is off (``reconnect_retries = -2``; 0 would reconnect), and of its
undocumented parts we lean on ``_connection.put_package`` and ``_package_handler.id_generator``, which the contract
suite holds in place.
"""

import asyncio
import logging
import ssl
import time
import uuid
from collections.abc import Sequence
from typing import Any

from gmqtt import Client
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from gmqtt.mqtt.package import Package

from mqtt_mcp.mqtt import packets
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.capabilities import read_capabilities
from mqtt_mcp.mqtt.client import Capabilities, ConnectOptions, Message, ProtocolVersion
from mqtt_mcp.mqtt.connect_errors import hung_up, timed_out, tls_failed, unreachable
from mqtt_mcp.mqtt.dialer import DIAL, Address, Dial
from mqtt_mcp.mqtt.errors import ConnectionLost, MqttError, ProtocolFailed
from mqtt_mcp.mqtt.gmqtt_requests import Requests, SentIds
from mqtt_mcp.mqtt.inbox import Inbox
from mqtt_mcp.mqtt.reason_codes import lost_connection, refused_connect

# gmqtt logs payloads; every failure it would tell of is ours to report.
logging.getLogger("gmqtt").setLevel(logging.CRITICAL + 1)

_WANTS_V311 = {1, 0x84}


class Link:
    """One connection; made in trio before the first await, so that ``close`` always finds what there is to close.

    Args:
        broker: Where to connect and how to log in.
        options: The bounds.
        inbox: Where received messages go.
        clock_offset_s: What to add to ``time.perf_counter()`` for trio's clock.

    Attributes:
        requests: What can be done on the connection; None until it is open.
        capabilities: What CONNACK said; None until then.
        error: Why the connection ended; None while it lives.
        client_id: The client id in use.
        paused: Whether we stopped reading because the inbox is full.
    """

    def __init__(self, broker: Broker, options: ConnectOptions, inbox: Inbox, *, clock_offset_s: float) -> None:
        self.requests: Requests | None = None
        self.capabilities: Capabilities | None = None
        self.error: MqttError | None = None
        self.client_id = options.client_id or f"mqtt-mcp-{uuid.uuid4().hex[:12]}"
        self.paused = False
        self._broker = broker
        self._options = options
        self._inbox = inbox
        self._offset_s = clock_offset_s
        self._protocol: ProtocolVersion = "5.0"
        self._client: Any = None
        self._dial: Dial | None = None
        self._receiver: packets.Receiver | None = None
        self._connack: asyncio.Future[bytes] | None = None
        self._overdue: asyncio.TimerHandle | None = None

    @property
    def skipped(self) -> int:
        """Messages skipped because they were larger than ``inbound_packet_bytes``."""
        return self._receiver.skipped if self._receiver else 0

    async def open(self, addresses: Sequence[Address], context: ssl.SSLContext | None, timeout_s: float) -> None:
        """Connect with MQTT 5, then with 3.1.1 when the broker does not speak 5.

        Args:
            addresses: Addresses of the host, to be tried in order.
            context: TLS settings; None for plain TCP.
            timeout_s: What is left of the connect timeout.

        Raises:
            MqttError: As ``MqttTransport.connect``; the socket may still be open, ``close`` closes it.
        """
        try:
            async with asyncio.timeout(timeout_s):
                try:
                    await self._attempt(addresses, context, timeout_s)
                except _SpeaksOnlyV311:
                    self._protocol = "3.1.1"
                    await self._disconnect()
                    await self._attempt(addresses, context, timeout_s)
        except TimeoutError:
            stage = self._dial.stage if self._dial else "tcp"
            raise timed_out(stage, self._options.connect_timeout_s, self._broker) from None

    async def close(self) -> None:
        """Say DISCONNECT where the peer still reads, then close, within ``close_timeout_s``."""
        self._end(ConnectionLost("The connection was closed."))
        self.resume()
        await self._disconnect()

    def resume(self) -> None:
        """Read on: there is room in the inbox again."""
        self._inbox.drop_all_qos = False
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        self._read_on()

    async def _attempt(self, addresses: Sequence[Address], context: ssl.SSLContext | None, timeout_s: float) -> None:
        loop = asyncio.get_running_loop()
        self.error = None
        self._connack = connack = loop.create_future()
        self._receiver = packets.Receiver(
            self._on_messages, self._on_packet, self._send, max_packet_bytes=self._options.inbound_packet_bytes
        )
        self._receiver.v5 = self._protocol == "5.0"
        self._dial = dial = Dial(
            addresses=addresses,
            server_name=self._broker.host,
            context=context,
            timeout_s=timeout_s,
            close_timeout_s=self._options.close_timeout_s,
            data=self._on_data,
            lost=lambda error: self._on_lost(dial, error),
        )
        DIAL.set(dial)
        ids = SentIds()
        self._client = client = self._new_client(ids)
        version = MQTTv50 if self._protocol == "5.0" else MQTTv311
        # Host and port are those of the dial. Without raise_exc it would raise refusals that we read ourselves.
        connecting = loop.create_task(
            client.connect("", keepalive=self._options.keepalive_s, version=version, raise_exc=False)
        )
        connecting.add_done_callback(_seen)
        try:
            patience_s = timeout_s / 2
            waiting = {connecting, connack}
            done, _ = await asyncio.wait(waiting, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if not done and dial.stage == "CONNACK" and self._protocol == "5.0":
                raise _SpeaksOnlyV311  # some old brokers wait for ever for the rest of what they misread
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                self._raise_unopened(connecting.exception(), dial.stage)
            body = await connack
            self._accept(body)
            if self.error is not None:
                raise self.error  # CONNACK and the end came together
        finally:
            # CONNECT is written; what it still waits for is here, or will not come.
            connecting.cancel()
        assert self.capabilities is not None  # noqa: S101 - _accept raised otherwise
        self.requests = Requests(client, dial, ids, self.capabilities, self._options)

    def _new_client(self, ids: SentIds) -> Any:
        properties = {"maximum_packet_size": self._options.inbound_packet_bytes} if self._protocol == "5.0" else {}
        # Bytes: gmqtt counts the characters of a str.
        client = Client(self.client_id.encode(), clean_session=True, persistent_storage=ids, **properties)
        client.set_config({"reconnect_retries": -2})
        if self._broker.username is not None:
            password = self._broker.password.reveal() if self._broker.password is not None else None
            client.set_auth_credentials(self._broker.username.reveal(), password)
        return client

    def _raise_unopened(self, error: BaseException | None, stage: str) -> None:
        if isinstance(error, OSError | UnicodeError):
            raise (tls_failed if stage == "tls" else unreachable)(error, self._broker) from None
        if error is not None:
            raise error

    def _accept(self, body: bytes) -> None:
        if len(body) < 2:
            raise ProtocolFailed(f"{self._broker.url} sent a malformed CONNACK.")
        code = body[1]
        if code in _WANTS_V311 and self._protocol == "5.0":
            raise _SpeaksOnlyV311
        if code:
            raise refused_connect(code, self._protocol, self._broker.url)
        try:
            self.capabilities = read_capabilities(body, self._protocol)
        except (ValueError, IndexError):
            raise ProtocolFailed(f"{self._broker.url} sent a CONNACK with malformed properties.") from None
        self.client_id = self.capabilities.assigned_client_id or self.client_id
        self._client._connection.put_package(Package(packets.CONNACK, body))  # noqa: SLF001 - see the module docstring
        # gmqtt takes Receive Maximum for the number of packet identifiers, and then cannot even subscribe.
        self._client._package_handler.id_generator._max = 65_535  # noqa: SLF001 - see the module docstring

    async def _disconnect(self) -> None:
        if self._client is None:
            return
        transport = self._dial.transport if self._dial else None
        # A task of its own: cancelling gmqtt's disconnect() would break it for good.
        leaving = asyncio.get_running_loop().create_task(self._client.disconnect())
        leaving.add_done_callback(_seen)
        await asyncio.wait({leaving}, timeout=self._options.close_timeout_s * 0.75)
        if transport is not None:
            transport.abort()
        await asyncio.wait({leaving}, timeout=self._options.close_timeout_s * 0.25)

    def _on_data(self, data: bytes) -> None:
        if self.error is not None or self._receiver is None:
            return
        try:
            self._receiver.feed(data, time.perf_counter() + self._offset_s)
        except MqttError as error:
            self._end(error)
            self._abort()

    def _on_messages(self, messages: list[Message]) -> None:
        self._inbox.put(messages)
        if self._full() and any(m.qos for m in messages):
            self._pause()
            # The other thread may have emptied the inbox between the look and the pause: nobody else would end it.
            if not self._full():
                self.resume()

    def _full(self) -> bool:
        inbox, options = self._inbox, self._options
        return len(inbox) >= options.inbox_pause_messages or inbox.held_bytes >= options.inbox_bytes // 2

    def _on_packet(self, first: int, body: bytes) -> None:
        kind = first & 0xF0
        if kind == packets.CONNACK and self._connack is not None and not self._connack.done():
            self._connack.set_result(body)
        elif kind == packets.DISCONNECT:
            # gmqtt would leave the socket open.
            self._end(lost_connection(body[0] if body else 0, self._broker.url))
            self._abort()
        elif self.requests is not None:
            # gmqtt frees packet identifiers, answers PUBREC and notes that the peer lives.
            self._client._connection.put_package(Package(first, body))  # noqa: SLF001 - see the module docstring
            self.requests.take(kind, body)

    def _on_lost(self, dial: Dial, error: Exception | None) -> None:
        if dial is self._dial:
            unopened = self._connack is None or not self._connack.done()
            self._end(hung_up(error, self._broker) if unopened else lost_connection(None, self._broker.url))

    def _end(self, error: MqttError) -> None:
        """The connection is over; the first reason counts."""
        if self.error is not None:
            return
        self.error = error
        if self._connack is not None and not self._connack.done():
            silently = self._protocol == "5.0" and isinstance(error, ConnectionLost) and error.reason_code is None
            self._connack.set_exception(_SpeaksOnlyV311() if silently else error)
            self._connack.exception()  # seen: nobody may be waiting
        if self.requests is not None:
            self.requests.fail(error)
        if self.capabilities is not None:
            self._inbox.close()

    def _send(self, data: bytes) -> None:
        if self._dial is not None and self._dial.transport is not None and not self._dial.transport.is_closing():
            self._dial.transport.write(data)

    def _abort(self) -> None:
        if self._dial is not None and self._dial.transport is not None:
            self._dial.transport.abort()

    def _pause(self) -> None:
        """Stop reading, for at most half a keep-alive: while paused we do not see PINGRESP either."""
        if self._inbox.drop_all_qos or self._dial is None or self._dial.transport is None:
            return
        self.paused = True
        self._dial.transport.pause_reading()
        if self._overdue is None:
            bound_s = max(1, self._options.keepalive_s) / 2
            self._overdue = asyncio.get_running_loop().call_later(bound_s, self._stop_waiting)

    def _stop_waiting(self) -> None:
        self._inbox.drop_all_qos = True
        self._overdue = None
        self._read_on()

    def _read_on(self) -> None:
        if self.paused:
            self.paused = False
            if self._dial is not None and self._dial.transport is not None and not self._dial.transport.is_closing():
                self._dial.transport.resume_reading()


class _SpeaksOnlyV311(Exception):
    """The broker does not take MQTT 5, or hung up on it."""


def _seen(task: "asyncio.Task[Any]") -> None:
    """Look at a task's exception, so that asyncio does not report it as forgotten."""
    if not task.cancelled():
        task.exception()
