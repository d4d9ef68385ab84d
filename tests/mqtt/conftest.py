"""Fixtures of the adapter's tests."""

from collections.abc import AsyncIterator

import pytest
import trio

from mqtt_mcp.mqtt.bridge import open_bridge
from testkit.adapter import Rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with open_bridge() as bridge:
        with trio.fail_after(20):
            yield Rig(bridge)
            if bridge.started:
                assert not await Rig(bridge).leftovers()
