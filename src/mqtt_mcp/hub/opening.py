"""How a hub comes to be and how it ends.

Owns its nursery and the defaults of what it is made of. What it does is in ``hub``.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
import trio

from mqtt_mcp.hub.hub import Hub, Offload, Render
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import MqttTransport
from mqtt_mcp.mqtt.network import NetworkProbe
from mqtt_mcp.settings import DEFAULTS, Settings


async def in_place(render: Render) -> msgspec.Struct:
    """Make a result here and now: what tests in virtual time want, since trio's clock would jump over a thread."""
    return render()


@asynccontextmanager
async def open_hub(
    transport: MqttTransport,
    network: NetworkProbe,
    *,
    settings: Settings = DEFAULTS,
    policy: AccessPolicy | None = None,
    profiles: Mapping[str, Broker] | None = None,
    default_profile: str = "",
    offload: Offload = in_place,
    journal: Journal | None = None,
) -> AsyncIterator[Hub]:
    """Run a hub while the block runs.

    Args:
        transport: How MQTT connections are made.
        network: How names are resolved and ports looked at, for the diagnosis.
        settings: The limits.
        policy: What may be published and read; everything by default.
        profiles: Brokers by name.
        default_profile: The one to use when none is named; empty when there is none.
        offload: Where results of finished collections are made. It may take tens of milliseconds, in which nobody
            should have to wait: a worker thread in the product.
        journal: Where what happens is recorded; a private one when not given.

    Leaving the block ends every collection and session: each sends DISCONNECT, all at once, within ``close_timeout_s``.
    """
    async with trio.open_nursery() as nursery:
        hub = Hub(
            nursery,
            transport=transport,
            network=network,
            settings=settings,
            policy=policy or AccessPolicy(),
            profiles=profiles or {},
            default_profile=default_profile,
            offload=offload,
            journal=journal or Journal(),
        )
        nursery.start_soon(hub.run_janitor)
        try:
            yield hub
        finally:
            nursery.cancel_scope.cancel()
