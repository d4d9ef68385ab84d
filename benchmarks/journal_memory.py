"""An hour of a busy hub's journal in a process of its own: what it holds in the end.

Run as ``python -m benchmarks.journal_memory CALLS MESSAGES``. Virtual time: the hour takes as long as its work. Every
record is as large as it may be, every ring is full several times over, and somebody follows without reading. Prints
resident memory at the start, half way and at the end as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NoReturn

import msgspec
import trio
import trio.testing

from benchmarks.processes import rss_mib
from mqtt_mcp.hub.feed import Feed
from mqtt_mcp.hub.findings import Origin
from mqtt_mcp.hub.hub import Hub
from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.opening import open_hub
from mqtt_mcp.hub.records import Found
from mqtt_mcp.hub.redaction import Redactor
from mqtt_mcp.hub.topic_table import TopicTable
from mqtt_mcp.monitor.pulse import Pulse
from mqtt_mcp.monitor.rates import Rates
from mqtt_mcp.monitor.view import View
from mqtt_mcp.mqtt.broker_url import Broker
from mqtt_mcp.mqtt.client import ConnectOptions, Message, MqttClient, Publication

HOUR_S = 3600
TOPICS = 100_000


class _Nothing:
    """A transport and a network that are never used."""

    def connect(self, broker: Broker, options: ConnectOptions) -> AbstractAsyncContextManager[MqttClient]:
        raise NotImplementedError

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(name)


async def main(arguments: Sequence[str]) -> None:
    """Live through the hour; see the module."""
    calls, messages = (int(argument) for argument in arguments)
    redactor = Redactor(["a-known-secret"])
    table = TopicTable(redactor, epoch_offset_s=time.time() - trio.current_time())
    journal = Journal(redactor, topics=table)
    nothing = _Nothing()
    async with open_hub(nothing, nothing, journal=journal) as hub, trio.open_nursery() as nursery:  # type: ignore[arg-type]
        feed, rates = Feed(), Rates()
        view = View(hub, feed, rates, actions=True)
        nursery.start_soon(Pulse(hub, view, feed, rates).run)
        feed.follow(None)
        held = [rss_mib(os.getpid())]
        for half in range(2):
            for second in range(HOUR_S // 2):
                number = half * HOUR_S // 2 + second
                _second(hub, number, calls // HOUR_S + 1, messages // HOUR_S + 1)
                await trio.sleep(1)
            held.append(rss_mib(os.getpid()))
        snapshot = msgspec.json.encode(view.snapshot())
        held.append(rss_mib(os.getpid()))
        nursery.cancel_scope.cancel()
    rings = [len(ring) for ring in (journal.calls, journal.publishes, journal.changes, journal.logs, journal.findings)]
    print(
        json.dumps(
            {
                "calls": journal.totals.calls,
                "rings": rings,
                "topics": len(table),
                "forgotten": table.forgotten,
                "feed_mib": feed.held_bytes / 2**20,
                "snapshot_mib": len(snapshot) / 2**20,
                "start_mib": held[0],
                "half_mib": held[1],
                "end_mib": held[2],
                "after_snapshot_mib": held[3],
            }
        )
    )


def _second(hub: Hub, number: int, calls: int, messages: int) -> None:
    """What happens in one second."""
    journal = hub.journal
    long = "x" * 990
    for call in range(calls):
        arguments = {"topic": f"{long}{number}", "payload": "y" * 2_000, "session_id": "s" * 36, "note": long}
        entry = journal.call_began("publish_message", msgspec.json.encode(arguments), "a client")
        publication = Publication(f"{long}{call}", b"z" * 2_000)
        journal.published(
            publication, outcome="sent", detail="d" * 400, session_id="s" * 36, broker="b", client="c", call_id=entry.id
        )
        entry.ended("error", error="e" * 1_000)
    journal.changed("session_opened", "c" * 400)
    journal.logged("warning", "somewhere", "l" * 4_000, at_epoch_s=time.time())
    watch = Origin(tool="t" * 30, label=long, session_id="s" * 36, collection_id=f"{number}", started_at_epoch_s=1.0)
    journal.found([Found(severity="high", code="c" * 90, text=f"{n}{long}", topic=long) for n in range(20)], watch)
    now_s = trio.current_time()
    take = journal.observe
    assert take is not None
    for message in range(messages):
        topic = f"plant/{'t' * 180}/{(number * messages + message) % TOPICS}"
        take(Message(topic, b"p" * 1_000, 0, False, now_s))


if __name__ == "__main__":
    trio.run(main, sys.argv[1:], clock=trio.testing.MockClock(autojump_threshold=0))
