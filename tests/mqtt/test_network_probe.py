"""The network probe on loopback sockets, in real time: each way a port can disappoint has its own word."""

import datetime as dt
import ssl
from contextlib import asynccontextmanager
from typing import get_args

import pytest
import trio
import trustme
from hypothesis import given
from hypothesis import strategies as st

from mqtt_mcp.mqtt import network_probe, port_signature
from mqtt_mcp.mqtt.broker_url import Tls
from mqtt_mcp.mqtt.network import Speaks
from mqtt_mcp.mqtt.network_probe import TrioNetworkProbe
from testkit.mosquitto import free_port, running

CA = trustme.CA()
PROBE = TrioNetworkProbe()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Silence is waited for: not longer than a test needs."""
    monkeypatch.setattr(port_signature, "QUESTION_S", 0.3)
    monkeypatch.setattr(network_probe, "TICKET_WAIT_S", 0.1)


def fault(facts):
    assert facts.fault is not None
    return facts.fault


def certificate(facts):
    assert facts.certificate is not None
    return facts.certificate


@asynccontextmanager
async def server(handler):
    """A TCP server on loopback; ``handler(stream)`` per connection; yields its port."""
    async with trio.open_nursery() as nursery:

        async def guarded(stream):
            try:
                async with stream:
                    await handler(stream)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass

        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, guarded, listeners)
        with trio.fail_after(10):
            yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def answering(reply):
    async def handler(stream):
        await stream.receive_some(1000)
        await stream.send_all(reply)

    return handler


async def silent(stream):
    await trio.sleep_forever()


async def closing(stream):
    pass


def tls_server(leaf, *, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    if client_ca:
        client_ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED

    async def handler(stream):
        tls = trio.SSLStream(stream, context, server_side=True)
        await tls.do_handshake()
        await tls.receive_some(1)

    return handler


@pytest.fixture
def ca_file(tmp_path):
    path = tmp_path / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return str(path)


# -- names and TCP ---------------------------------------------------------------------------------


async def test_a_name_gives_all_its_addresses_once():
    """An address literal is its own answer."""
    facts = await PROBE.resolve("127.0.0.1", 1883, timeout_s=3)
    assert facts.addresses == ("127.0.0.1",)
    assert facts.fault is None


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70 + ".test", "printer.local"])
async def test_a_name_that_does_not_resolve_is_a_fault_with_a_hint(host):
    """RFC 6761: .invalid never resolves; a label above 63 characters is a UnicodeError, not an OSError."""
    facts = await PROBE.resolve(host, 1883, timeout_s=5)
    assert facts.addresses == ()
    assert facts.fault is not None
    assert fault(facts).code in {"name_unknown", "name_server_failed", "timeout"}
    assert fault(facts).hint


async def test_a_name_server_that_hangs_is_given_up_in_time(autojump_clock):
    """The resolver's thread is left behind, the diagnosis goes on."""

    class Hanging(trio.abc.HostnameResolver):
        async def getaddrinfo(self, *_args, **_kwargs):
            await trio.sleep_forever()

        async def getnameinfo(self, *_args, **_kwargs):
            raise NotImplementedError

    trio.socket.set_custom_hostname_resolver(Hanging())
    started_s = trio.current_time()
    facts = await PROBE.resolve("broker.test", 1883, timeout_s=3)
    assert trio.current_time() - started_s == 3.0
    assert fault(facts).code == "timeout"


async def test_a_connection_tells_the_address_it_used():
    """Happy eyeballs may choose any of several."""
    async with server(closing) as port:
        facts = await PROBE.connect("localhost", port, timeout_s=3)
    assert facts.fault is None
    assert facts.address == "127.0.0.1"


async def test_a_closed_port_is_refused():
    """The port was ours a moment ago, so nobody listens there."""
    async with server(closing) as port:
        pass
    facts = await PROBE.connect("127.0.0.1", port, timeout_s=3)
    assert fault(facts).code == "refused"
    assert str(port) in fault(facts).detail
    facts = await PROBE.connect("localhost", port, timeout_s=3)
    assert fault(facts).code == "refused"


# -- TLS -------------------------------------------------------------------------------------------


async def test_a_good_certificate_gives_version_cipher_and_days_left(ca_file):
    """The own CA is trusted by ca_file."""
    async with server(tls_server(CA.issue_cert("localhost"))) as port:
        facts = await PROBE.handshake("localhost", port, Tls(ca_file=ca_file), timeout_s=5)
    assert facts.fault is None
    assert facts.verified
    assert facts.version == "TLSv1.3"
    assert facts.cipher.startswith("TLS_")
    assert certificate(facts).names == ("localhost",)
    assert certificate(facts).days_left(PROBE.now_epoch_s()) > 1


PAST = {"not_before": dt.datetime(2020, 1, 1, tzinfo=dt.UTC), "not_after": dt.datetime(2020, 1, 2, tzinfo=dt.UTC)}


@pytest.mark.parametrize(
    ("names", "more", "trust", "host", "expected"),
    [
        (["localhost"], PAST, True, "localhost", ("certificate_expired", 10)),
        (["other.test"], {}, True, "localhost", ("host_name_mismatch", 62)),
        (["localhost"], {}, True, "127.0.0.1", ("ip_address_mismatch", 64)),
        (["localhost"], {}, False, "localhost", ("issuer_unknown", 20)),
    ],
)
async def test_a_failed_check_is_named_and_its_certificate_shown(ca_file, names, more, trust, *, host, expected):
    """OpenSSL's verify codes, and the certificate read by a second handshake without MQTT."""
    async with server(tls_server(CA.issue_cert(*names, **more))) as port:
        facts = await PROBE.handshake(host, port, Tls(ca_file=ca_file if trust else ""), timeout_s=5)
    assert (fault(facts).code, facts.verify_code) == expected
    assert not facts.verified
    assert certificate(facts).names == tuple(names)
    assert fault(facts).hint


async def test_insecure_shakes_hands_and_says_that_nothing_was_verified():
    """Only when the user said so out loud."""
    async with server(tls_server(CA.issue_cert("other.test"))) as port:
        facts = await PROBE.handshake("localhost", port, Tls(insecure=True), timeout_s=5)
    assert (facts.fault, facts.verified) == (None, False)
    assert certificate(facts).names == ("other.test",)


@pytest.mark.parametrize(
    ("handler", "code"), [(closing, "not_tls"), (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "not_tls")]
)
async def test_a_port_without_tls_is_a_fault(handler, code):
    """WRONG_VERSION_NUMBER or an end in the middle of the handshake."""
    async with server(handler) as port:
        facts = await PROBE.handshake("localhost", port, Tls(), timeout_s=5)
    assert fault(facts).code == code
    assert "mqtt://" in fault(facts).hint


async def test_a_silent_port_ends_the_handshake_in_time():
    """Accepts and never answers."""
    async with server(silent) as port:
        started_s = trio.current_time()
        facts = await PROBE.handshake("localhost", port, Tls(), timeout_s=0.3)
        assert trio.current_time() - started_s < 1.5
    assert fault(facts).code == "timeout"


async def test_a_missing_ca_file_is_our_own_fault():
    """Nothing was sent."""
    facts = await PROBE.handshake("localhost", 1, Tls(ca_file="/nowhere/ca.pem"), timeout_s=3)
    assert fault(facts).code == "local_files"
    assert "/nowhere/ca.pem" in fault(facts).detail


# -- what a port speaks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handler", "speaks"),
    [
        (answering(b"\x20\x02\x00\x05"), "mqtt"),
        (answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "http"),
        (answering(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "websocket"),
        (answering(b"AMQP\x00\x00\x09\x01"), "amqp"),
        (answering(b"-ERR unknown command\r\n"), "redis"),
        (answering(b"\x15\x03\x01\x00\x02\x02\x46"), "tls"),
        (answering(b"SSH-2.0-x\x1b[31m\r\n"), "unknown"),
        (closing, "closes"),
        (silent, "silent"),
        (tls_server(CA.issue_cert("localhost")), "tls"),
        (tls_server(CA.issue_cert("localhost"), client_ca=CA), "tls"),
    ],
)
async def test_a_port_is_recognised_by_its_answer(handler, speaks):
    """Signatures of analysis.md §6."""
    async with server(handler) as port:
        facts = await PROBE.identify("localhost", port, timeout_s=5)
    assert facts.speaks == speaks
    assert facts.evidence
    assert "\x1b" not in facts.evidence


@given(st.binary(max_size=64))
def test_any_answer_is_classified(answer):
    """The first bytes come from whoever listens there."""
    assert port_signature.classify(answer) in get_args(Speaks)


async def test_what_is_asked_holds_no_credentials():
    """The CONNECT flags say: no user name, no password, clean session (MQTT 3.1.1 §3.1.2.3)."""
    seen = []

    async def handler(stream):
        seen.append(bytes(await stream.receive_some(1000)))

    async with server(handler) as port:
        await PROBE.identify("localhost", port, timeout_s=5)
    assert seen[0][0] == 0x10
    assert seen[0][9] == 0x02


async def test_nobody_there_is_unreachable():
    """No listener at all."""
    async with server(closing) as port:
        pass
    assert (await PROBE.identify("localhost", port, timeout_s=3)).speaks == "unreachable"


async def test_a_slow_drip_ends_in_time():
    """A peer that sends a byte now and then cannot hold us."""

    async def drip(stream):
        while True:
            await stream.send_all(b"\x00")
            await trio.sleep(0.05)

    async with server(drip) as port:
        started_s = trio.current_time()
        facts = await PROBE.identify("localhost", port, timeout_s=1.0)
        assert trio.current_time() - started_s < 2.0
    assert facts.speaks in {"unknown", "silent"}


# -- mosquitto -------------------------------------------------------------------------------------


@pytest.mark.broker
async def test_mosquitto_says_that_it_wants_a_client_certificate(broker_folder, certificates):
    """TLS 1.3 says so only after the handshake, by an alert."""
    listener = certificates.listener("localhost", "127.0.0.1", more="require_certificate true")
    with running(broker_folder, listener=listener) as broker:
        without = await PROBE.handshake("localhost", broker.port, certificates.tls(), timeout_s=5)
        with_it = await PROBE.handshake("localhost", broker.port, certificates.tls(client=True), timeout_s=5)
    assert fault(without).code == "client_certificate_required"
    assert "cert_file" in fault(without).hint
    assert with_it.fault is None
    assert with_it.verified


@pytest.mark.broker
@pytest.mark.parametrize("kind", ["mqtt", "tls", "websocket"])
async def test_the_three_kinds_of_mosquitto_listeners_are_recognised(broker_folder, certificates, kind):
    """Signatures observed on Mosquitto 2.0.11 (analysis.md §6)."""
    listener = certificates.listener("localhost", "127.0.0.1") if kind == "tls" else ""
    port = free_port()
    # libwebsockets takes a bind address for the name of a network card, so this listener has none.
    config = f"allow_anonymous true\nlistener {port}\nprotocol websockets" if kind == "websocket" else ""
    with running(broker_folder, config or "allow_anonymous true", listener=listener) as broker:
        facts = await PROBE.identify("127.0.0.1", port if config else broker.port, timeout_s=5)
    assert facts.speaks == kind


@pytest.mark.broker
async def test_tls_to_a_plain_mosquitto_is_no_tls(mosquitto):
    """Observed: connection reset."""
    facts = await PROBE.handshake("127.0.0.1", mosquitto.port, Tls(), timeout_s=5)
    assert fault(facts).code == "not_tls"
