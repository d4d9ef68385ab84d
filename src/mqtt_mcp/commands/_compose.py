"""Putting the rooms together: configuration → bridge → transport → hub.

Owns which implementation stands behind which port; commands share it. Does not know the wire.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import trio

from mqtt_mcp.config import Config
from mqtt_mcp.hub.hub import Hub, open_hub
from mqtt_mcp.mqtt.bridge import open_bridge
from mqtt_mcp.mqtt.gmqtt_client import GmqttTransport
from mqtt_mcp.mqtt.network_probe import TrioNetworkProbe

QUICK_CLOSE_S = 1.0
"""On the way out a peer that does not read gets less time than in the middle of the work."""


@asynccontextmanager
async def running_hub(config: Config) -> AsyncIterator[Hub]:
    """A hub on real brokers while the block runs; costs nothing until the first connection.

    Args:
        config: What to run with.
    """
    settings = config.settings
    settings = msgspec.structs.replace(settings, close_timeout_s=min(settings.close_timeout_s, QUICK_CLOSE_S))
    async with (
        # Modules stay for good. Frozen, they are nothing that a full collection has to walk, which would hold everybody
        # up for 15 to 40 ms in the middle of a flood.
        open_bridge(close_timeout_s=QUICK_CLOSE_S, loaded=gc.freeze) as bridge,
        open_hub(
            GmqttTransport(bridge),
            TrioNetworkProbe(),
            settings=settings,
            policy=config.policy,
            profiles=config.profiles,
            default_profile=config.default_profile,
            offload=trio.to_thread.run_sync,
        ) as hub,
    ):
        yield hub
