"""The worlds in which one contract suite runs: two implementations of the port, two protocol versions each."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import pytest
import trio
import trio.testing

from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions, MqttClient, MqttTransport, ProtocolVersion
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from testkit import mosquitto as kit
from testkit.memory_broker import MemoryBroker
from testkit.tcp import only_v311

KINDS = ("plain", "limited", "accounts", "doomed")


class World:
    """Brokers of four kinds and a transport to reach them.

    ``plain`` lets everybody in; ``limited`` has Maximum QoS 1 and no retained messages; ``accounts`` has one
    account, denies publishing to ``denied/#`` and takes packets up to 5,000 bytes; ``doomed`` can be killed.
    """

    def __init__(self, protocol: ProtocolVersion) -> None:
        self.protocol = protocol
        self.v5 = protocol == "5.0"
        self._ways: dict[str, tuple[MqttTransport, Broker]] = {}
        self._kill: Any = None

    def add(self, kind: str, transport: MqttTransport, broker: Broker) -> None:
        self._ways[kind] = transport, broker

    def on_kill(self, kill: Any) -> None:
        self._kill = kill

    def connect(
        self, kind: str = "plain", password: str = kit.PASSWORD, **options: Any
    ) -> AbstractAsyncContextManager[MqttClient]:
        transport, broker = self._ways[kind]
        if kind == "accounts":
            broker = kit.account(broker, password)
        return transport.connect(broker, ConnectOptions(**options))

    async def kill(self) -> None:
        """End the doomed broker without a word."""
        self._kill()  # quick enough to block, and virtual time and threads do not mix


@pytest.fixture(
    params=[
        "memory-5.0",
        "memory-3.1.1",
        pytest.param("mosquitto-5.0", marks=pytest.mark.broker),
        pytest.param("mosquitto-3.1.1", marks=pytest.mark.broker),
    ]
)
def implementation(request: pytest.FixtureRequest) -> tuple[bool, ProtocolVersion]:
    kind, _, protocol = request.param.partition("-")
    return kind == "memory", protocol


@pytest.fixture
def clock(implementation: tuple[bool, ProtocolVersion]) -> object:
    """Virtual time for the memory broker only. Every test has to ask for it: pytest-trio looks nowhere else."""
    return trio.testing.MockClock(autojump_threshold=0) if implementation[0] else None


@pytest.fixture
def real_brokers(
    request: pytest.FixtureRequest, implementation: tuple[bool, ProtocolVersion]
) -> dict[str, kit.Mosquitto]:
    if implementation[0]:
        return {}
    names = dict(zip(KINDS, ("mosquitto", "mosquitto_qos1", "mosquitto_accounts", "own_mosquitto"), strict=True))
    return {kind: request.getfixturevalue(name) for kind, name in names.items()}


@pytest.fixture
async def world(
    clock: object, implementation: tuple[bool, ProtocolVersion], real_brokers: dict[str, kit.Mosquitto]
) -> AsyncIterator[World]:
    in_memory, protocol = implementation
    world = World(protocol)
    async with AsyncExitStack() as stack:
        if in_memory:
            memory = {
                "plain": MemoryBroker(protocol=protocol),
                "limited": MemoryBroker(protocol=protocol, max_qos=1, retain_available=False),
                "accounts": MemoryBroker(
                    protocol=protocol,
                    accounts={kit.USERNAME: kit.PASSWORD},
                    deny_publish=[kit.DENIED],
                    max_packet_bytes=5000 if protocol == "5.0" else None,
                ),
                "doomed": MemoryBroker(protocol=protocol),
            }
            memory["plain"].publish("$SYS/broker/version", b"memory", retain=True)
            for kind, broker in memory.items():
                world.add(kind, broker, Broker(host="memory"))
            world.on_kill(memory["doomed"].drop_all)
        else:
            bridge = await stack.enter_async_context(open_bridge())
            for kind, real in real_brokers.items():
                address = real.broker
                if protocol == "3.1.1":
                    address = await stack.enter_async_context(only_v311(address))
                world.add(kind, GmqttTransport(bridge), address)
            world.on_kill(real_brokers["doomed"].kill)
        with trio.fail_after(20):
            yield world
