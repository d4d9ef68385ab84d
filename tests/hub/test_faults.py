"""Faults are contained: nothing that happens in one session or collection may end another."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions, Message, MqttClient
from testkit.hub import MEMORY, Keeping, memory_hub, no_progress, watch_request
from testkit.memory_broker import MemoryBroker


class Sabotage:
    """A transport whose connections break with an error nobody expects, when told to."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker
        self.break_now = trio.Event()

    def connect(self, broker: Broker, options: ConnectOptions) -> AbstractAsyncContextManager[MqttClient]:
        return self._connect(broker, options)

    @asynccontextmanager
    async def _connect(self, broker: Broker, options: ConnectOptions) -> AsyncIterator[MqttClient]:
        async with self.broker.connect(broker, options) as client:
            if broker.host == "cursed.test":

                async def receive_batch() -> list[Message]:
                    await self.break_now.wait()
                    raise ZeroDivisionError("nobody expects this")

                client.receive_batch = receive_batch  # type: ignore[method-assign]
            yield client


async def test_a_fault_inside_one_session_ends_only_that_session(autojump_clock, caplog):
    """The session boundary: recorded as why it ended; the other session and its watch go on."""
    broker = MemoryBroker()
    transport = Sabotage(broker)
    async with memory_hub(transport) as hub:
        client = hub.client_opened("x")
        good = await hub.open_session(MEMORY, client)
        cursed = await hub.open_session(Broker(host="cursed.test"), client)
        kept = Keeping()
        watch = await hub.watch(good, watch_request(kept), wait_s=0, client=client, report_progress=no_progress)
        lost = await hub.watch(cursed, watch_request(Keeping()), wait_s=0, client=client, report_progress=no_progress)
        transport.break_now.set()
        await cursed.wait_ended()
        assert lost.window().ended_by == "disconnected"
        await trio.lowlevel.checkpoint()
        with pytest.raises(ToolError) as caught:
            hub.session(cursed.id, client)
        assert caught.value.kind == ErrorKind.SESSION_EXPIRED
        assert "ZeroDivisionError" in caught.value.message
        broker.publish("a", b"1")
        await watch.wait(60)
        assert kept.topics == ["a"]
        assert good.state == "connected"
    assert "failed" in caplog.text


async def test_many_random_cancels_leave_nothing_behind(autojump_clock):
    """Whatever moment a call is cancelled at, no subscription, tap or running collection stays."""
    broker = MemoryBroker(latency_s=0.3)
    async with memory_hub(broker) as hub:
        client = hub.client_opened("x")
        session = await hub.open_session(MEMORY, client)
        for step in range(40):
            with trio.move_on_after(0.05 * step):
                request = watch_request(Keeping(), f"a/{step % 3}", "b/#", duration_s=10)
                await hub.watch(session, request, wait_s=45, client=client, report_progress=no_progress)
        await trio.sleep(5)
        assert session.collections == []
        assert session._link._router._taps == []
        assert session._link._router.all_subscriptions() == []
        assert broker.sessions[0].subscriptions == {}
