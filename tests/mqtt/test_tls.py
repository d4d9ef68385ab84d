"""TLS: what is checked, and in which words each check fails.

Provenance: the error table of the MQTT design; certificates are made by trustme for each run.
"""

import datetime as dt
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
import trustme
from cryptography.hazmat.primitives import serialization

from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.broker_url import Broker, Secret, Tls
from mqtt_mcp.mqtt.client import ConnectOptions, MqttTransport, Publication
from mqtt_mcp.mqtt.errors import ConnectionLost, MqttError, TimedOut, TlsFailed
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from mqtt_mcp.mqtt.tls import make_context
from testkit import mosquitto as kit
from testkit.tcp import serving

OPTIONS = ConnectOptions(connect_timeout_s=3, close_timeout_s=1)


@pytest.fixture
async def transport() -> AsyncIterator[MqttTransport]:
    async with open_bridge() as bridge:
        with trio.fail_after(20):
            yield GmqttTransport(bridge)


async def refusal(transport: MqttTransport, broker: Broker) -> MqttError:
    with pytest.raises(MqttError) as error:
        async with transport.connect(broker, OPTIONS):
            pytest.fail("connected")
    return error.value


def encrypted(broker: kit.Mosquitto, tls: Tls, host: str = "127.0.0.1") -> Broker:
    return Broker(host=host, port=broker.port, tls=tls)


@pytest.fixture(scope="module")
def tls_broker(broker_folder: Path, certificates: kit.Certificates) -> object:
    listener = certificates.listener("localhost", "127.0.0.1")
    with kit.running(broker_folder, listener=listener) as broker:
        yield broker


@pytest.mark.broker
async def test_an_own_ca_and_the_right_name_connect(
    transport: MqttTransport, tls_broker: kit.Mosquitto, certificates: kit.Certificates
) -> None:
    """The whole way over TLS, by name and by address."""
    for host in ("localhost", "127.0.0.1"):
        async with transport.connect(encrypted(tls_broker, certificates.tls(), host), OPTIONS) as client:
            assert (await client.publish(Publication("tls", b"x" * 100_000, 1))).acknowledged


@pytest.mark.broker
async def test_an_unknown_ca_is_named_and_insecure_has_to_be_said(
    transport: MqttTransport, tls_broker: kit.Mosquitto
) -> None:
    """The system's store does not know the CA; only ``insecure`` connects all the same."""
    error = await refusal(transport, encrypted(tls_broker, Tls()))
    assert isinstance(error, TlsFailed)
    assert "not trusted" in error.message or "not known here" in error.message
    assert "ca_file" in error.hint
    async with transport.connect(encrypted(tls_broker, Tls(insecure=True)), OPTIONS) as client:
        assert await client.ping() < 1


@pytest.mark.broker
async def test_a_certificate_for_another_host_is_refused(
    transport: MqttTransport, broker_folder: Path, certificates: kit.Certificates
) -> None:
    """Host names are checked; the message says which one was expected."""
    with kit.running(broker_folder, listener=certificates.listener("other.example")) as broker:
        by_name = await refusal(transport, encrypted(broker, certificates.tls(), "localhost"))
        by_address = await refusal(transport, encrypted(broker, certificates.tls()))
    assert isinstance(by_name, TlsFailed)
    assert "not for the host name 'localhost'" in by_name.message
    assert isinstance(by_address, TlsFailed)
    assert "not for the IP address '127.0.0.1'" in by_address.message


@pytest.mark.broker
async def test_a_client_certificate_is_demanded_and_accepted(
    transport: MqttTransport, broker_folder: Path, certificates: kit.Certificates
) -> None:
    """TLS 1.3 reports its absence after the handshake: it must not read as a mere loss of the connection."""
    listener = certificates.listener("127.0.0.1", more="require_certificate true")
    with kit.running(broker_folder, listener=listener) as broker:
        error = await refusal(transport, encrypted(broker, certificates.tls()))
        async with transport.connect(encrypted(broker, certificates.tls(client=True)), OPTIONS) as client:
            assert await client.ping() < 1
    assert isinstance(error, TlsFailed | ConnectionLost)
    assert "client certificate" in error.message + error.hint


@pytest.mark.broker
async def test_tls_on_a_plain_port_says_so(transport: MqttTransport, mosquitto: kit.Mosquitto) -> None:
    """mosquitto hangs up on a ClientHello."""
    error = await refusal(transport, encrypted(mosquitto, Tls(insecure=True)))
    assert isinstance(error, TlsFailed)
    assert "does not speak TLS" in error.message
    assert "mqtt://" in error.hint


@pytest.mark.broker
async def test_plain_on_a_tls_port_hints_at_mqtts(transport: MqttTransport, tls_broker: kit.Mosquitto) -> None:
    """mosquitto either hangs up or stays silent."""
    error = await refusal(transport, tls_broker.broker)
    assert isinstance(error, ConnectionLost | TimedOut)
    assert "mqtts://" in error.hint


async def test_a_peer_that_answers_in_plain_text_is_told(transport: MqttTransport) -> None:
    """A web server on the port, for instance."""

    async def http(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(http) as broker:
        error = await refusal(transport, Broker(host=broker.host, port=broker.port, tls=Tls(insecure=True)))
    assert isinstance(error, TlsFailed)
    assert "does not speak TLS" in error.message


async def test_a_silent_handshake_times_out_at_tls(transport: MqttTransport) -> None:
    """The stage is named: asyncio alone would wait 60 s."""

    async def silent(stream: trio.SocketStream) -> None:
        while await stream.receive_some():
            pass

    options = ConnectOptions(connect_timeout_s=0.4)
    async with serving(silent) as broker:
        with pytest.raises(TimedOut) as error:
            async with transport.connect(Broker(host=broker.host, port=broker.port, tls=Tls(insecure=True)), options):
                pass
    assert (error.value.stage, error.value.seconds) == ("tls", 0.4)


@pytest.mark.parametrize(("days", "words"), [(-1, "has expired"), (2, "is not valid yet")])
async def test_the_dates_of_a_certificate_are_checked(
    transport: MqttTransport, tmp_path: Path, days: int, words: str
) -> None:
    """Expired and not yet valid are different things to do something about."""
    ca = trustme.CA()
    now = dt.datetime.now(dt.UTC)
    if days < 0:
        server = ca.issue_cert("127.0.0.1", not_after=now + dt.timedelta(days=days))
    else:
        server = ca.issue_cert(
            "127.0.0.1",
            not_before=now + dt.timedelta(days=days),
            not_after=now + dt.timedelta(days=days + 9),
        )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))

    async def tls_server(stream: trio.SocketStream) -> None:
        with pytest.raises((trio.BrokenResourceError, ssl.SSLError)):
            await trio.SSLStream(stream, context, server_side=True).do_handshake()

    async with serving(tls_server) as broker:
        tls = Tls(ca_file=str(ca_file))
        error = await refusal(transport, Broker(host=broker.host, port=broker.port, tls=tls))
    assert isinstance(error, TlsFailed)
    assert words in error.message


def test_files_are_named_when_they_cannot_be_used(tmp_path: Path, certificates: kit.Certificates) -> None:
    """Each fault of a file has its own sentence, before anything is connected."""
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    missing = str(tmp_path / "missing.pem")
    other = kit.Certificates(tmp_path / "other")
    cases = {
        "cannot be read: No such file": Tls(ca_file=missing),
        "holds no certificate": Tls(ca_file=str(nonsense)),
        f"client certificate {missing!r} cannot be read": Tls(cert_file=missing),
        "without a client certificate": Tls(key_file=certificates.client_key),
        "does not belong to": Tls(cert_file=certificates.client_cert, key_file=other.client_key),
        "not a certificate and a key": Tls(cert_file=certificates.client_cert, key_file=str(nonsense)),
    }
    for words, tls in cases.items():
        with pytest.raises(TlsFailed) as error:
            make_context(tls)
        assert words in error.value.message


def test_an_encrypted_key_needs_its_password(tmp_path: Path, certificates: kit.Certificates) -> None:
    """Without one OpenSSL would ask on the terminal; a wrong one is not echoed."""
    plain = serialization.load_pem_private_key(Path(certificates.client_key).read_bytes(), None)
    key_file = tmp_path / "encrypted.key"
    key_file.write_bytes(
        plain.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"right"),
        )
    )

    def tls(password: str | None) -> Tls:
        secret = Secret(password) if password is not None else None
        return Tls(cert_file=certificates.client_cert, key_file=str(key_file), key_password=secret)

    assert make_context(tls("right")).verify_mode == ssl.CERT_REQUIRED
    for password, words in ((None, "no password is set"), ("wr0ng", "password is wrong")):
        with pytest.raises(TlsFailed) as error:
            make_context(tls(password))
        assert words in error.value.message
        assert "wr0ng" not in str(error.value)
