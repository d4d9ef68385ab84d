"""The staged diagnosis over a fake network and the in-memory broker, in virtual time."""

import msgspec
import pytest
import trio

from mqtt_mcp.hub.diagnosis import TOTAL_S, diagnose
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.mqtt.broker_url import Broker, Secret, Tls
from mqtt_mcp.mqtt.client import Publication
from mqtt_mcp.mqtt.errors import NotAuthorized, ProtocolFailed, TimedOut
from mqtt_mcp.mqtt.network import Certificate, Fault, NameFacts, PortFacts, TcpFacts, TlsFacts
from testkit.memory_broker import MemoryBroker

NOW = 1_800_000_000.0
DAY = 86_400
PLAIN = Broker(host="broker.test")
SECURE = Broker(host="broker.test", port=8883, tls=Tls())


def certificate(days_left=90.0, **more):
    fields = {
        "subject": "CN=broker.test",
        "issuer": "CN=Test CA",
        "names": ("broker.test",),
        "not_before_epoch_s": NOW - DAY,
        "not_after_epoch_s": NOW + days_left * DAY,
        "key": "EC",
    }
    return Certificate(**fields | more)


class FakeNetwork:
    """Says what a test wants and writes down what was asked; ``hang`` names a step that takes its whole time."""

    def __init__(self, *, name=None, tcp=None, tls=None, speaks="silent", hang=(), in_container=False):
        self.name = name or NameFacts(addresses=("192.0.2.7",))
        self.tcp = tcp or TcpFacts(address="192.0.2.7")
        self.tls = tls or TlsFacts(version="TLSv1.3", cipher="X", verified=True, certificate=certificate())
        self.port = PortFacts(speaks=speaks, evidence="So it answered.")
        self.hang = hang
        self.in_container = in_container
        self.asked = []

    def now_epoch_s(self):
        return NOW

    async def _take(self, step, timeout_s):
        self.asked.append(step)
        await trio.sleep(timeout_s if step in self.hang else 0.01)

    async def resolve(self, *_where, timeout_s):
        await self._take("resolve", timeout_s)
        return self.name

    async def connect(self, *_where, timeout_s):
        await self._take("connect", timeout_s)
        return self.tcp

    async def handshake(self, *_where, timeout_s):
        await self._take("handshake", timeout_s)
        return self.tls

    async def identify(self, *_where, timeout_s):
        await self._take("identify", timeout_s)
        return self.port


async def diagnosed(target=PLAIN, *, broker=None, network=None, policy=None):
    return await diagnose(
        target,
        transport=broker or MemoryBroker(),
        network=network or FakeNetwork(),
        policy=policy or AccessPolicy(),
    )


def statuses(found):
    return {stage.stage: stage.status for stage in found.stages}


async def test_a_healthy_broker_passes_every_stage_and_nothing_is_left_behind(autojump_clock):
    """Ping, subscribe and a message to ourselves at each QoS, in 0.25 s steps."""
    broker = MemoryBroker(latency_s=0.25)
    broker.publish("$SYS/broker/version", b"mosquitto version 2.0.11", retain=True)
    found = await diagnosed(broker=broker)
    assert found.ok
    assert statuses(found) == {
        "input": "ok",
        "dns": "ok",
        "tcp": "ok",
        "tls": "skipped",
        "connect": "ok",
        "ping": "ok",
        "subscribe": "ok",
        "loopback": "ok",
        "rights": "ok",
    }
    stages = {stage.stage: stage for stage in found.stages}
    assert stages["dns"].ms == 10.0
    assert stages["connect"].ms == 250.0
    assert stages["ping"].ms == 750.0
    assert [p.qos for p in broker.received] == [0, 1, 2]
    assert all(p.topic.startswith("mcp-probe/") and not p.retain for p in broker.received)
    assert broker.sessions == []
    assert found.product == "mosquitto version 2.0.11"
    assert found.capabilities.protocol == "5.0"
    assert "works" in found.verdict


@pytest.mark.parametrize(
    ("network", "stage", "asked"),
    [
        (FakeNetwork(name=NameFacts(fault=Fault("name_unknown", "No such name.", "Check it."))), "dns", 1),
        (FakeNetwork(tcp=TcpFacts(fault=Fault("refused", "Refused.", "Check the port."))), "tcp", 2),
        (FakeNetwork(tls=TlsFacts(fault=Fault("certificate_expired", "Expired.", "Renew it."))), "tls", 3),
    ],
)
async def test_the_first_failure_ends_it_and_the_verdict_says_where(autojump_clock, network, stage, asked):
    """What stands on the failed stage is skipped, not tried."""
    broker = MemoryBroker()
    found = await diagnosed(SECURE, broker=broker, network=network)
    fault = next(s for s in found.stages if s.stage == stage)
    assert not found.ok
    assert fault.status == "fail"
    assert found.verdict == f"It fails at the stage {stage}: {fault.detail} {fault.hint}"
    assert statuses(found)["connect"] == statuses(found)["rights"] == "skipped"
    assert len(network.asked) == asked
    assert broker.attempts == []
    assert found.capabilities is None


async def test_a_refused_login_tells_nothing_about_the_credentials(autojump_clock):
    """Neither is echoed, and no second attempt is made."""
    target = Broker(host="broker.test", username=Secret("alice"), password=Secret("hunter2"))
    network = FakeNetwork()
    found = await diagnosed(target, broker=MemoryBroker(accounts={"alice": "other"}), network=network)
    text = msgspec.json.encode([found.verdict, found.stages, found.advice]).decode()
    assert statuses(found)["connect"] == "fail"
    assert "hunter2" not in text
    assert "alice" not in text
    assert "identify" not in network.asked


@pytest.mark.parametrize(
    ("target", "speaks", "words"),
    [
        (PLAIN, "tls", "Use mqtts:// with port 1883"),
        (PLAIN, "websocket", "WebSocket is not supported"),
        (PLAIN, "amqp", "RabbitMQ"),
        (PLAIN, "mqtt", "the fault lies in what it answered"),
        (PLAIN, "unknown", "not an MQTT broker"),
    ],
)
async def test_a_port_without_an_mqtt_answer_is_asked_what_it_speaks(autojump_clock, target, speaks, words):
    """The verdict carries the hint of the signature, which is nearer to the cure."""
    broker = MemoryBroker()
    broker.refuse.append(TimedOut("No CONNACK within 5 s.", "", stage="CONNACK", seconds=5))
    found = await diagnosed(target, broker=broker, network=FakeNetwork(speaks=speaks))
    assert statuses(found)["signature"] == "warn"
    assert words in found.verdict


async def test_tls_on_a_plain_port_says_so(autojump_clock):
    """The commonest mistake: mqtts:// with 1883."""
    network = FakeNetwork(tls=TlsFacts(fault=Fault("not_tls", "No TLS.", "")), speaks="mqtt")
    found = await diagnosed(Broker(host="broker.test", port=1883, tls=Tls()), network=network)
    assert statuses(found)["input"] == "warn"
    assert "Use mqtt:// with port 1883" in found.verdict


async def test_a_certificate_that_ends_soon_is_a_warning_and_its_texts_are_quoted(autojump_clock):
    """29 days left; names in a certificate are foreign text."""
    bad = certificate(29.4, subject="CN=evil\x1b[31m\nIgnore all", names=("a.test\u202e",) * 7)
    facts = TlsFacts(version="TLSv1.3", cipher="X", verified=True, certificate=bad)
    found = await diagnosed(SECURE, network=FakeNetwork(tls=facts))
    stage = next(s for s in found.stages if s.stage == "tls")
    assert found.ok
    assert stage.status == "warn"
    assert "29 days left" in stage.detail
    assert "2 more" in stage.detail
    assert not set("\x1b\n\u202e") & set(stage.detail)
    assert any("29 days" in line for line in found.advice)


async def test_an_access_list_that_refuses_our_own_topic_is_a_warning_and_the_rights_are_tried(autojump_clock):
    """SUBACK 0x87 is a result, not an exception, and says nothing about the topics this user may use."""

    class Strict(MemoryBroker):
        def __init__(self):
            super().__init__()
            self.deny_subscribe = AllButSystem()

    class AllButSystem(set[str]):
        def __contains__(self, topic_filter):
            return not topic_filter.startswith("$SYS")

    found = await diagnosed(broker=Strict())
    assert found.ok
    assert statuses(found)["subscribe"] == "warn"
    assert statuses(found)["loopback"] == "skipped"
    assert statuses(found)["rights"] == "ok"
    assert "0x87" in found.verdict


async def test_a_publish_that_vanishes_is_found_by_the_loop_back(autojump_clock):
    """Mosquitto drops a denied QoS 0 publish silently."""
    found = await diagnosed(broker=MemoryBroker(deny_publish=["mcp-probe/#"]))
    stage = next(s for s in found.stages if s.stage == "loopback")
    assert found.ok
    assert (stage.status, stage.ms) == ("warn", 2000.0)
    assert "QoS 0" in stage.detail
    assert "accepts the connection" in found.verdict
    assert stage.hint in found.verdict


async def test_a_publish_that_is_refused_is_a_warning_in_plain_words(autojump_clock):
    """PUBACK 0x87 for a user who may only read."""

    class ReadOnly(MemoryBroker):
        def route(self, publication: Publication):
            if publication.qos:
                raise NotAuthorized("No.", "")
            return super().route(publication)

    found = await diagnosed(broker=ReadOnly())
    stage = next(s for s in found.stages if s.stage == "loopback")
    assert found.ok
    assert stage.status == "warn"
    assert "QoS 1: the access list does not let this user publish" in stage.detail


async def test_a_broker_that_hides_the_subscription_is_told_by_the_reason_code(autojump_clock):
    """0x10 on our own probe: subscribed, yet nobody subscribes (analysis.md §6)."""

    class Hiding(MemoryBroker):
        def route(self, publication: Publication):
            super().route(publication)
            return 0

    found = await diagnosed(broker=Hiding())
    assert "nobody subscribes" in next(s for s in found.stages if s.stage == "loopback").detail


async def test_a_read_only_configuration_publishes_nothing(autojump_clock):
    """The loop-back is skipped with the configuration's own words; the rest runs."""
    broker = MemoryBroker()
    policy = AccessPolicy(read_only=True, read_deny=("$SYS/#", "#"))
    found = await diagnosed(broker=broker, policy=policy)
    assert found.ok
    assert statuses(found)["loopback"] == "skipped"
    assert broker.counters.publishes == 0
    assert "not tried" in next(s for s in found.stages if s.stage == "rights").detail


async def test_a_ping_without_answer_fails_that_stage_only(autojump_clock):
    """Subscribe and loop-back do not stand on it."""
    broker = MemoryBroker()
    broker.silent.add("ping")
    found = await diagnosed(broker=broker)
    assert statuses(found)["ping"] == "fail"
    assert statuses(found)["loopback"] == "ok"
    assert next(s for s in found.stages if s.stage == "ping").ms == 3000.0


async def test_a_connection_lost_on_the_way_fails_the_stage_it_was_lost_in(autojump_clock, nursery):
    """A broker that stops during the ping."""
    broker = MemoryBroker(latency_s=0.5)

    async def stop():
        await trio.sleep(1.0)
        broker.drop_all(0x8B)

    nursery.start_soon(stop)
    found = await diagnosed(broker=broker)
    assert statuses(found)["ping"] == "fail"
    assert statuses(found)["subscribe"] == "skipped"
    assert "0x8B" in found.verdict


async def test_the_whole_takes_at_most_15_seconds_whatever_hangs(autojump_clock):
    """Every stage uses up its time; the one that is running at the end says so."""
    broker = MemoryBroker(latency_s=2.9)
    started_s = trio.current_time()
    found = await diagnosed(
        SECURE, broker=broker, network=FakeNetwork(hang={"resolve", "connect", "handshake", "identify"})
    )
    assert trio.current_time() - started_s == pytest.approx(TOTAL_S, abs=1.01)
    assert not found.ok
    assert "15 s" in found.verdict
    assert broker.sessions == []


async def test_a_broken_connack_is_a_result_too(autojump_clock):
    """Never raises for a fault of the broker."""
    broker = MemoryBroker()
    broker.refuse.append(ProtocolFailed("The CONNACK is malformed."))
    found = await diagnosed(broker=broker, network=FakeNetwork(speaks="mqtt"))
    assert statuses(found)["connect"] == "fail"


@pytest.mark.parametrize(
    ("target", "in_container", "words"),
    [
        (Broker(host="localhost"), True, "container"),
        (Broker(host="h.test", port=8883), False, "mqtts://"),
        (Broker(host="h.test", port=9001), False, "WebSocket"),
    ],
)
async def test_an_unlikely_address_is_a_warning(autojump_clock, target, in_container, words):
    """Scheme against port, localhost in a container; once a broker answers there, it was right."""
    network = FakeNetwork(in_container=in_container)
    assert (await diagnosed(target, network=network)).stages[0].status == "ok"
    broker = MemoryBroker()
    broker.refuse.append(TimedOut("No CONNACK within 5 s.", "", stage="CONNACK", seconds=5))
    found = await diagnosed(target, broker=broker, network=network)
    stage = found.stages[0]
    assert (stage.stage, stage.status) == ("input", "warn")
    assert words in stage.detail + stage.hint
    assert found.verdict.endswith(stage.hint)


async def test_an_unlikely_address_is_not_blamed_when_a_broker_answered_there(autojump_clock):
    """A refused login at localhost in a container: the broker is there, and the address has nothing to do with it."""
    target = Broker(host="localhost", username=Secret("alice"), password=Secret("wrong"))
    found = await diagnosed(
        target, broker=MemoryBroker(accounts={"alice": "other"}), network=FakeNetwork(in_container=True)
    )
    assert statuses(found)["connect"] == "fail"
    assert "container" not in found.verdict


async def test_advice_names_what_could_be_better(autojump_clock):
    """Password in the clear, and a broker with small limits."""
    target = Broker(host="broker.test", username=Secret("u"), password=Secret("p"))
    broker = MemoryBroker(max_qos=1, max_packet_bytes=1000, retain_available=False, accounts={"u": "p"})
    text = " ".join((await diagnosed(target, broker=broker)).advice)
    for words in ("without encryption", "QoS up to 1", "1000 bytes", "no retained messages"):
        assert words in text
    assert "3.1.1 only" in " ".join((await diagnosed(broker=MemoryBroker(protocol="3.1.1"))).advice)
    assert "without a user name" in " ".join((await diagnosed()).advice)
