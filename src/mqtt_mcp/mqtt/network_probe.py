"""The network port in trio: name resolution, TCP and TLS as the client would do them, each within its time.

Owns the sockets of the diagnosis. What a port speaks is ``port_signature.py``'s; the words for what went wrong are
``connect_errors.py``'s, the same that a failed session shows. Sends no credential anywhere, and after a failed
certificate check only shakes hands once more, to read the certificate. Does not judge: ``hub/diagnosis.py`` does.
"""

import errno
import os
import socket
import ssl
import time
from pathlib import Path

import trio
from msgspec.structs import replace

from mqtt_mcp.mqtt.broker_url import Broker, Tls
from mqtt_mcp.mqtt.certificate import read_certificate
from mqtt_mcp.mqtt.connect_errors import timed_out, tls_failed, unreachable
from mqtt_mcp.mqtt.errors import MqttError, TlsFailed
from mqtt_mcp.mqtt.network import Certificate, Fault, NameFacts, PortFacts, TcpFacts, TlsFacts
from mqtt_mcp.mqtt.port_signature import identify_port
from mqtt_mcp.mqtt.tls import make_context

MAX_ADDRESSES = 20
TICKET_WAIT_S = 0.15
"""TLS 1.3 servers reject a missing client certificate only after the handshake; so long we listen for that."""

_TCP_CODES = {
    errno.ECONNREFUSED: "refused",
    errno.EHOSTUNREACH: "host_unreachable",
    errno.ENETUNREACH: "network_unreachable",
    errno.ETIMEDOUT: "timeout",
    errno.ECONNRESET: "reset",
}
_VERIFY_CODES = {
    9: "certificate_not_yet_valid",
    10: "certificate_expired",
    18: "certificate_self_signed",
    19: "issuer_unknown",
    20: "issuer_unknown",
    21: "issuer_unknown",
    62: "host_name_mismatch",
    64: "ip_address_mismatch",
}


class TrioNetworkProbe:
    """Implements ``NetworkProbe`` on real sockets."""

    @property
    def in_container(self) -> bool:
        """As the port: the marks that Docker, Podman and Kubernetes leave."""
        marks = (Path("/.dockerenv"), Path("/run/.containerenv"))
        return "KUBERNETES_SERVICE_HOST" in os.environ or any(mark.exists() for mark in marks)

    def now_epoch_s(self) -> float:
        """As the port."""
        return time.time()

    async def resolve(self, host: str, port: int, *, timeout_s: float) -> NameFacts:
        """As the port."""
        started_s = trio.current_time()
        try:
            with trio.fail_after(timeout_s):
                found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        except trio.TooSlowError:
            fault = _fault("timeout", timed_out("dns", timeout_s, Broker(host=host, port=port)))
            return NameFacts(elapsed_s=timeout_s, fault=fault)
        except (OSError, UnicodeError) as error:
            fault = _name_fault(error, host, port)
            return NameFacts(elapsed_s=trio.current_time() - started_s, fault=fault)
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))[:MAX_ADDRESSES]
        return NameFacts(addresses=addresses, elapsed_s=trio.current_time() - started_s)

    async def connect(self, host: str, port: int, *, timeout_s: float) -> TcpFacts:
        """As the port."""
        started_s = trio.current_time()
        broker = Broker(host=host, port=port)
        try:
            with trio.fail_after(timeout_s):
                async with await trio.open_tcp_stream(host, port) as stream:
                    address = str(stream.socket.getpeername()[0])
        except trio.TooSlowError:
            return TcpFacts(elapsed_s=timeout_s, fault=_fault("timeout", timed_out("tcp", timeout_s, broker)))
        except (OSError, UnicodeError) as error:
            return TcpFacts(elapsed_s=trio.current_time() - started_s, fault=_tcp_fault(error, broker))
        return TcpFacts(address=address, elapsed_s=trio.current_time() - started_s)

    async def handshake(self, host: str, port: int, tls: Tls, *, timeout_s: float) -> TlsFacts:
        """As the port."""
        broker = Broker(host=host, port=port, tls=tls)
        started_s = trio.current_time()

        def failed(code: str, error: MqttError) -> TlsFacts:
            return TlsFacts(elapsed_s=trio.current_time() - started_s, fault=_fault(code, error))

        try:
            with trio.fail_after(timeout_s):
                context = await trio.to_thread.run_sync(make_context, tls)
                facts = await _shake(host, port, context, wait_for_alert=True)
                return replace(facts, elapsed_s=trio.current_time() - started_s)
        except trio.TooSlowError:
            return failed("timeout", timed_out("tls", timeout_s, broker))
        except TlsFailed as error:
            return failed("local_files", error)
        except trio.BrokenResourceError as error:
            cause = error.__cause__ or error
        except (OSError, UnicodeError) as error:
            cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLCertVerificationError):
            left_s = max(0.5, timeout_s - (trio.current_time() - started_s))
            certificate = await _unverified_certificate(host, port, timeout_s=left_s)
            code = _VERIFY_CODES.get(cause.verify_code, "certificate_refused")
            return replace(
                failed(code, tls_failed(cause, broker)), verify_code=cause.verify_code, certificate=certificate
            )
        return failed(_tls_code(cause), tls_failed(cause, broker))

    async def identify(self, host: str, port: int, *, timeout_s: float) -> PortFacts:
        """As the port."""
        return await identify_port(host, port, timeout_s=timeout_s)


async def _shake(host: str, port: int, context: ssl.SSLContext, *, wait_for_alert: bool = False) -> TlsFacts:
    async with await trio.open_tcp_stream(host, port) as tcp:
        stream: trio.SSLStream[trio.SocketStream] = trio.SSLStream(tcp, context, server_hostname=host)
        await stream.do_handshake()
        version = stream.version() or ""
        cipher = stream.cipher()
        der = stream.getpeercert(binary_form=True) or b""
        if wait_for_alert and version == "TLSv1.3":
            await _listen_for_alert(stream)
        return TlsFacts(
            version=version,
            cipher=cipher[0] if cipher else "",
            verified=context.verify_mode is ssl.CERT_REQUIRED,
            certificate=read_certificate(der),
        )


async def _listen_for_alert(stream: trio.SSLStream[trio.SocketStream]) -> None:
    """Give a refusal time to arrive. An end without an alert is no fault of TLS: the CONNECT stage will meet it."""
    with trio.move_on_after(TICKET_WAIT_S):
        try:
            await stream.receive_some(1)
        except trio.BrokenResourceError as error:
            if isinstance(error.__cause__, ssl.SSLError) and "ALERT" in (error.__cause__.reason or ""):
                raise


async def _unverified_certificate(host: str, port: int, *, timeout_s: float) -> Certificate | None:
    """The certificate of a server whose check failed: one more handshake, no byte of MQTT."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with trio.fail_after(timeout_s):
            return (await _shake(host, port, context)).certificate
    except (OSError, UnicodeError, trio.BrokenResourceError, trio.TooSlowError):
        return None


def _fault(code: str, error: MqttError) -> Fault:
    return Fault(code, error.message, error.hint)


def _name_fault(error: Exception, host: str, port: int) -> Fault:
    known = unreachable(error, Broker(host=host, port=port))
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return Fault("name_server_failed", known.message, "The name server does not answer now; try the IP address.")
    if host.endswith(".local"):
        hint = "Names in .local need mDNS, which containers and many servers lack; use the IP address."
        return Fault("name_unknown", known.message, hint)
    return _fault("name_unknown", known)


def _tcp_fault(error: Exception, broker: Broker) -> Fault:
    if isinstance(error, socket.gaierror | UnicodeError):
        return _name_fault(error, broker.host, broker.port)
    cause = _telling(error)
    return _fault(_TCP_CODES.get(cause.errno or 0, "unreachable"), unreachable(cause, broker))


def _telling(error: Exception) -> OSError:
    """Of the failures of all addresses the one that says most: a refusal before a missing route."""
    cause = error.__cause__
    inner: list[BaseException] = list(cause.exceptions) if isinstance(cause, BaseExceptionGroup) else [cause or error]
    errors = [one for one in inner if isinstance(one, OSError)]
    order = list(_TCP_CODES)
    return min(
        errors,
        key=lambda one: order.index(one.errno) if one.errno in order else len(order),
        default=OSError(str(error)),
    )


def _tls_code(cause: BaseException) -> str:
    reason = (getattr(cause, "reason", None) or "").upper()
    if "CERTIFICATE_REQUIRED" in reason:
        return "client_certificate_required"
    if any(part in reason for part in ("BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN", "UNKNOWN_CA", "CERTIFICATE_EXPIRED")):
        return "client_certificate_refused"
    if "HANDSHAKE_FAILURE" in reason:
        return "handshake_refused"
    if "PROTOCOL" in reason:
        return "old_protocol"
    return "not_tls"
