"""A hub on an in-memory broker, and the simplest accumulator, for tests in virtual time."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.hub.collection import Collection
from mqtt_mcp.hub.hub import Hub
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.opening import open_hub
from mqtt_mcp.hub.policy import AccessPolicy
from mqtt_mcp.hub.watch_request import WatchRequest
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import Message, MqttTransport, Subscription
from mqtt_mcp.settings import DEFAULTS, Settings

MEMORY = Broker(host="memory.test")


class NoNetwork:
    """Stands where a ``NetworkProbe`` is needed and must not be used: every attribute access fails the test."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"this test does not expect network.{name}")


@asynccontextmanager
async def memory_hub(
    transport: MqttTransport,
    *,
    settings: Settings = DEFAULTS,
    policy: AccessPolicy | None = None,
    profiles: Mapping[str, Broker] | None = None,
    default_profile: str = "memory",
    network: Any = None,
    journal: Journal | None = None,
) -> AsyncIterator[Hub]:
    """A running hub whose default broker is ``transport``'s."""
    async with open_hub(
        transport,
        network if network is not None else NoNetwork(),
        settings=settings,
        policy=policy,
        profiles=profiles if profiles is not None else {"memory": MEMORY},
        default_profile=default_profile,
        journal=journal,
    ) as hub:
        yield hub


class Keeping:
    """An accumulator that keeps every message with its time; ``limit`` makes it done, ``break_at`` makes it fail."""

    def __init__(self, *, limit: int = 0, break_at: int = 0) -> None:
        self.kept: list[tuple[float, Message]] = []
        self.messages = 0
        self.shrunk_to: list[int] = []
        self._limit = limit
        self._break_at = break_at

    def add(self, message: Message, t_s: float) -> None:
        self.messages += 1
        if self._break_at and self.messages >= self._break_at:
            raise ZeroDivisionError("broken on purpose")
        self.kept.append((t_s, message))

    @property
    def done(self) -> bool:
        return bool(self._limit) and self.messages >= self._limit

    @property
    def kept_bytes(self) -> int:
        return sum(len(m.payload) for _, m in self.kept)

    def shrink(self, target_bytes: int) -> None:
        self.shrunk_to.append(target_bytes)
        while self.kept_bytes > target_bytes:
            del self.kept[0]

    def progress(self) -> str:
        return f"{self.messages} messages"

    def result(self, window: Window) -> Any:
        return window

    @property
    def topics(self) -> list[str]:
        return [m.topic for _, m in self.kept]


class Kept(msgspec.Struct):
    """What a test collection renders to."""

    messages: int
    ended_by: str


def render(collection: Collection) -> Kept:
    return Kept(collection.accumulator.messages, collection.window().ended_by)


def watch_request(
    accumulator: Keeping, *filters: str, duration_s: float = 10.0, qos: int = 0, **more: Any
) -> WatchRequest:
    """A request for ``filters`` (``#`` by default)."""
    return WatchRequest(
        tool="test",
        label=", ".join(filters) or "#",
        subscriptions=tuple(Subscription(f, qos) for f in filters or ("#",)),
        duration_s=duration_s,
        accumulator=accumulator,
        render=render,
        **more,
    )


def no_progress(_done_s: float, _total_s: float, _sentence: str) -> None:
    """Ignore progress."""
