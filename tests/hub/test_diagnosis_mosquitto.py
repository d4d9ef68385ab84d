"""The diagnosis and the round-trip probe through gmqtt against mosquitto, in real time."""

from contextlib import asynccontextmanager

import pytest
import trio

from mqtt_mcp.hub import diagnosis
from mqtt_mcp.hub.diagnosis import diagnose
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.probe import ProbePlan, RoundTripProbe
from mqtt_mcp.mqtt import port_signature
from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from mqtt_mcp.mqtt.network_probe import TrioNetworkProbe
from testkit.hub import memory_hub
from testkit.mosquitto import account, running
from testkit.tcp import only_v311, serving

pytestmark = pytest.mark.broker


async def diagnosed(broker):
    async with open_bridge() as bridge:
        with trio.fail_after(20):
            return await diagnose(
                broker, transport=GmqttTransport(bridge), network=TrioNetworkProbe(), policy=AccessPolicy()
            )


def statuses(found):
    return {stage.stage: stage.status for stage in found.stages}


async def test_mosquitto_passes_every_stage_in_well_under_two_seconds(mosquitto):
    """CONNACK of Mosquitto 2.0.11 says Receive Maximum 20 and Topic Alias Maximum 10."""
    found = await diagnosed(mosquitto.broker)
    assert found.ok, found.verdict
    assert set(statuses(found).values()) <= {"ok", "skipped", "warn"}
    assert statuses(found)["loopback"] == "ok"
    assert found.capabilities.receive_maximum == 20
    assert "mosquitto version" in found.product
    assert found.total_ms < 2_000


async def test_mosquitto_with_tls_shows_its_certificate(broker_folder, certificates):
    """A CA of its own, the right host name."""
    with running(broker_folder, listener=certificates.listener("localhost", "127.0.0.1")) as broker:
        good = await diagnosed(Broker(host="localhost", port=broker.port, tls=certificates.tls()))
        wrong = await diagnosed(Broker(host="localhost", port=broker.port))
    assert good.ok, good.verdict
    assert statuses(good)["tls"] == "ok"
    assert "days left" in next(s for s in good.stages if s.stage == "tls").detail
    assert not wrong.ok
    assert statuses(wrong)["signature"] == "warn"
    assert "Use mqtts://" in wrong.verdict


async def test_a_wrong_password_and_an_access_list_are_told_apart(mosquitto_accounts):
    """Refused login against a topic that may not be used: both are results."""
    wrong = await diagnosed(account(mosquitto_accounts.broker, "not-the-password"))
    assert statuses(wrong)["connect"] == "fail"
    assert "not-the-password" not in repr(wrong)
    limited = await diagnosed(account(mosquitto_accounts.broker))
    assert statuses(limited)["connect"] == "ok"
    assert limited.ok, limited.verdict
    assert statuses(limited)["loopback"] == "warn"
    assert "QoS 0" in limited.verdict


async def test_a_broker_of_mqtt_3_1_1_is_advised_about(mosquitto):
    """Falls back and says what is missing."""
    async with only_v311(mosquitto.broker) as old:
        found = await diagnosed(old)
    assert found.ok, found.verdict
    assert found.capabilities.protocol == "3.1.1"
    assert any("3.1.1" in line for line in found.advice)


async def silent(stream):
    await trio.sleep_forever()


async def web(stream):
    await stream.receive_some(1000)
    await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")


async def early(stream):
    pass


@pytest.mark.parametrize(("script", "words"), [(silent, "answers neither"), (web, "web port"), (early, "PROXY")])
async def test_a_port_that_is_no_broker_is_recognised(monkeypatch, script, words):
    """Scripted servers: silence, HTTP 400, early close."""
    monkeypatch.setattr(diagnosis, "CONNECT_S", 1.0)
    monkeypatch.setattr(port_signature, "QUESTION_S", 0.3)
    async with serving(script) as target:
        found = await diagnosed(target)
    assert not found.ok
    assert statuses(found)["connect"] == "fail"
    assert statuses(found)["signature"] == "warn"
    assert words in found.verdict + next(s for s in found.stages if s.stage == "signature").detail
    assert found.total_ms < 5_000


@asynccontextmanager
async def session_on(broker):
    async with open_bridge() as bridge, memory_hub(GmqttTransport(bridge), profiles={"real": broker}) as hub:
        yield await hub.open_session(broker, hub.client_opened("test"))


async def test_the_probe_loses_nothing_on_loopback(mosquitto):
    """40 messages a second and QoS for a second; generous times, the machine may be busy."""
    async with session_on(mosquitto.broker) as session:
        probe = RoundTripProbe(AccessPolicy(), duration_s=10.0, plan=ProbePlan(per_qos_per_s=40.0, max_send_s=1.0))
        with trio.fail_after(10):
            await probe.run(session)
    report = probe.report()
    assert report.status == "done"
    assert report.pings == 3
    for one in report.qos:
        assert one.sent == one.received == 37
        assert (one.lost, one.duplicated, one.reordered) == (0, 0, 0)
        assert 0 < one.round_trip_ms.p50 < 200
