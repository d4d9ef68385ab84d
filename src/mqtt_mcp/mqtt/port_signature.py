"""What does this port speak? Asked when a port gives no MQTT answer where one was expected.

Owns the three questions (an anonymous MQTT CONNECT, a TLS hello, a WebSocket upgrade), each on its own connection, and
how the answers are read. Never sends a credential; the CONNECT has none and is taken back politely.
"""

import secrets
import ssl
from typing import Literal

import trio

from mqtt_mcp.mqtt.network import PortFacts, Speaks

QUESTION_S = 1.5
ANSWER_BYTES = 64
_SHOWN_BYTES = 24
_UPGRADE = (
    "GET /mqtt HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: bXF0dC1tY3AtcHJvYmUtLQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
)
_DISCONNECT = b"\xe0\x00"


class _Silence(Exception):
    """No answer in time."""


class _Closed(Exception):
    """The connection was closed or reset instead of an answer."""


async def identify_port(host: str, port: int, *, timeout_s: float) -> PortFacts:
    """Ask until something answers.

    Args:
        host: Name or address.
        port: TCP port.
        timeout_s: Bound of all questions together, in seconds.
    """
    started_s = trio.current_time()
    facts = PortFacts(speaks="silent", evidence="It accepts connections and answers nothing.")
    with trio.move_on_after(timeout_s):
        facts = await _identify(host, port)
    return PortFacts(speaks=facts.speaks, evidence=facts.evidence, elapsed_s=trio.current_time() - started_s)


async def _identify(host: str, port: int) -> PortFacts:
    ending: Speaks = "silent"
    try:
        answer = await _ask(host, port, _anonymous_connect())
        speaks = classify(answer)
        if speaks == "http":
            websocket = await _accepts_upgrade(host, port) == "websocket"
            return _facts("websocket" if websocket else "http")
        if speaks != "unknown":
            return _facts(speaks)
        evidence = f"It answered an MQTT CONNECT with the bytes {answer[:_SHOWN_BYTES].hex(' ')}."
        return PortFacts(speaks="unknown", evidence=evidence)
    except _Closed:
        ending = "closes"
    except _Silence:
        pass
    except OSError:
        return PortFacts(speaks="unreachable", evidence="It does not accept connections.")
    if await _answers_tls(host, port):
        return _facts("tls")
    return _facts(await _accepts_upgrade(host, port) or ending)


def _facts(speaks: Speaks) -> PortFacts:
    return PortFacts(speaks=speaks, evidence=_EVIDENCE[speaks])


_EVIDENCE: dict[str, str] = {
    "mqtt": "It answered an MQTT CONNECT without credentials with an MQTT packet.",
    "tls": "It answered a TLS hello.",
    "websocket": "It accepted a WebSocket upgrade for MQTT.",
    "http": "It answered in HTTP.",
    "amqp": "It answered with an AMQP header, as RabbitMQ's port 5672 does.",
    "redis": "It answered with a Redis error.",
    "closes": "It closes the connection at an MQTT CONNECT, at a TLS hello and at an HTTP request.",
    "silent": "It accepts connections and answers neither an MQTT CONNECT nor a TLS hello nor an HTTP request.",
}


def classify(answer: bytes) -> Speaks:
    """What speaks so, judged by the first bytes that came back for an MQTT CONNECT."""
    if answer.startswith(b"HTTP/"):
        return "http"
    if answer.startswith(b"AMQP"):
        return "amqp"
    if answer.startswith((b"-ERR", b"-NOAUTH", b"-DENIED")):
        return "redis"
    if len(answer) >= 3 and answer[0] in (0x15, 0x16) and answer[1] == 3:
        return "tls"  # a TLS record (RFC 8446 §5.1): alert or handshake
    if len(answer) >= 4 and ((answer[0] == 0x20 and answer[1] == 2) or (answer[0] == 0xE0 and answer[1] <= 127)):
        return "mqtt"  # CONNACK (MQTT 3.1.1 §3.2) or DISCONNECT
    return "unknown"


def _anonymous_connect() -> bytes:
    """CONNECT of MQTT 3.1.1 (§3.1): clean session, no user, no password, no will, keep alive 10 s."""
    client_id = f"mcp-probe-{secrets.token_hex(4)}".encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x0a" + len(client_id).to_bytes(2, "big") + client_id
    return b"\x10" + bytes([len(body)]) + body


async def _ask(host: str, port: int, question: bytes) -> bytes:
    """The first bytes of the answer. Raises ``_Silence``, ``_Closed``, or ``OSError`` when there is no connection."""
    with trio.move_on_after(QUESTION_S):
        async with await trio.open_tcp_stream(host, port) as stream:
            try:
                await stream.send_all(question)
                answer = bytes(await stream.receive_some(ANSWER_BYTES))
                if classify(answer) == "mqtt":
                    await stream.send_all(_DISCONNECT)
            except trio.BrokenResourceError:
                raise _Closed from None
            if not answer:
                raise _Closed
            return answer
    raise _Silence


async def _accepts_upgrade(host: str, port: int) -> Literal["websocket", "http", ""]:
    """How the port answers a WebSocket upgrade (RFC 6455 §4.1); "" when it does not speak HTTP."""
    try:
        answer = await _ask(host, port, _UPGRADE.format(host=host).encode("ascii", "replace"))
    except (_Silence, _Closed, OSError, UnicodeError):
        return ""
    if not answer.startswith(b"HTTP/"):
        return ""
    return "websocket" if b" 101" in answer[:16] else "http"


async def _answers_tls(host: str, port: int) -> bool:
    """Whether the port answers a TLS hello, be it with an alert. Nothing is checked and nothing else is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with trio.move_on_after(QUESTION_S):
            async with await trio.open_tcp_stream(host, port) as tcp:
                await trio.SSLStream(tcp, context, server_hostname=host).do_handshake()
                return True
    except trio.BrokenResourceError as error:
        return "ALERT" in (getattr(error.__cause__, "reason", None) or "")
    except (OSError, UnicodeError):
        return False
    return False
