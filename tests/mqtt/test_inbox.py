"""The hand-over of messages into trio.

Provenance: the bridge design: wake at once when quiet, at most every 2 ms in a flood, count exactly what does not fit.
"""

from collections.abc import Callable

import pytest
import trio

from mqtt_mcp.mqtt.client import Message, Properties
from mqtt_mcp.mqtt.inbox import BURST_GAP_S, BURST_MESSAGES, Inbox


def message(number: int, qos: int = 0) -> Message:
    return Message(topic="t", payload=b"%d" % number, qos=qos, retain=False, received_s=0.0)


class Later:
    """Stands for an asyncio loop's ``call_later``."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, delay_s: float, function: Callable[[], None]) -> object:
        self.calls.append((delay_s, function))
        return None


async def test_a_quiet_link_wakes_trio_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """No timer for a single message: an echo pays nothing."""
    later = Later()
    inbox = Inbox(later, limit=10, limit_bytes=1000)
    for number in range(3):
        inbox.put([message(number)])
        with trio.fail_after(1):
            assert [m.payload for m in await inbox.receive()] == [b"%d" % number]
    assert later.calls == []


async def test_a_flood_wakes_trio_once_per_gap(autojump_clock: trio.testing.MockClock) -> None:
    """After a hand-over of a burst the next one waits for the gap and carries everything that came meanwhile."""
    later = Later()
    inbox = Inbox(later, limit=1000, limit_bytes=1000)
    inbox.put([message(n) for n in range(BURST_MESSAGES)])
    await inbox.receive()
    for number in range(50):
        inbox.put([message(number)])
    assert [delay for delay, _ in later.calls] == [BURST_GAP_S]
    later.calls[0][1]()
    assert len(await inbox.receive()) == 50


async def test_what_does_not_fit_is_counted_and_qos_1_is_kept(autojump_clock: trio.testing.MockClock) -> None:
    """QoS 0 goes, QoS 1 stays, order stays; with ``drop_all_qos`` everything above the limit goes."""
    inbox = Inbox(Later(), limit=2, limit_bytes=1000)
    inbox.put([message(1), message(2, 1), message(3), message(4, 1), message(5)])
    assert inbox.dropped == 2
    assert [m.payload for m in await inbox.receive()] == [b"1", b"2", b"4"]
    inbox.drop_all_qos = True
    inbox.put([message(1, 1), message(2, 1), message(3, 1)])
    assert inbox.dropped == 3
    assert len(await inbox.receive()) == 2


async def test_after_closing_the_rest_comes_then_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """A waiting reader is woken; what had arrived is not lost."""
    inbox = Inbox(Later(), limit=10, limit_bytes=1000)
    inbox.put([message(1)])
    inbox.close()
    assert len(await inbox.receive()) == 1
    assert await inbox.receive() == []
    waiting = Inbox(Later(), limit=10, limit_bytes=1000)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def read() -> None:
            assert await waiting.receive() == []

        await trio.testing.wait_all_tasks_blocked()
        waiting.close()


async def test_bytes_are_bounded_as_well(autojump_clock: trio.testing.MockClock) -> None:
    """A few large messages are as much of a load as many small ones; room comes back as they are taken."""
    inbox = Inbox(Later(), limit=100, limit_bytes=1000)
    big = Message(topic="t", payload=b"x" * 400, qos=0, retain=False, received_s=0.0)
    inbox.put([big] * 3 + [message(1)])
    assert inbox.dropped == 1
    assert inbox.held_bytes == 2 * 401 + 1 + len(message(1).topic)
    assert len(await inbox.receive()) == 3
    assert inbox.held_bytes == 0
    inbox.put([big])
    assert len(await inbox.receive()) == 1
    assert inbox.dropped == 1


@pytest.mark.parametrize(
    "large",
    [
        Message("x" * 400, b"", 0, False, 0.0),
        Message("t", b"", 0, False, 0.0, False, Properties(user_properties=(("key", "x" * 400),))),
        Message("t", b"", 0, False, 0.0, False, Properties(correlation_data=b"x" * 400)),
    ],
    ids=["topic", "user property", "correlation data"],
)
async def test_bytes_outside_the_payload_count_too(autojump_clock: trio.testing.MockClock, large: Message) -> None:
    """A topic name may have 65,535 bytes, and user properties fill whatever a packet may hold."""
    inbox = Inbox(Later(), limit=100, limit_bytes=1000)
    inbox.put([large] * 5)
    assert inbox.dropped >= 3
    await inbox.receive()
    assert inbox.held_bytes == 0
