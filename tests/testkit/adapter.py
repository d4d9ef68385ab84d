"""A rig for tests of the gmqtt adapter: a bridge, a transport, and what may not be left over.

Owns no broker; ``tcp.py`` has scripted ones and ``mosquitto.py`` real ones.
"""

import asyncio
from pathlib import Path

import pytest

from mqtt_mcp.mqtt.bridge import Bridge
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions
from mqtt_mcp.mqtt.errors import (
    MqttError,
)
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport

QUICK = ConnectOptions(connect_timeout_s=0.5, request_timeout_s=0.4, close_timeout_s=0.4)


class Rig:
    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        self.transport = GmqttTransport(bridge)

    async def refusal(self, broker: Broker, options: ConnectOptions = QUICK) -> MqttError:
        with pytest.raises(MqttError) as error:
            async with self.transport.connect(broker, options):
                pytest.fail("connected")
        return error.value

    async def leftovers(self) -> list[str]:
        """Tasks of the asyncio side that nobody waits for; given a moment to end."""
        return await self.bridge.call(unfinished_tasks)


async def unfinished_tasks() -> list[str]:
    ours = ("call_async", "run_portal", "_call_func", "BlockingPortal")
    current = asyncio.current_task()
    found = {t for t in asyncio.all_tasks() if t is not current and not any(name in repr(t) for name in ours)}
    if found:
        _, found = await asyncio.wait(found, timeout=2)
    return [repr(task) for task in found]


def open_sockets() -> int:
    links = list(Path("/proc/self/fd").iterdir())
    return sum(1 for link in links if link.is_symlink() and str(link.readlink()).startswith("socket:"))
