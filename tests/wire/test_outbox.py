"""The way out of the wire: at once where there is room, in order always, never half a line."""

import trio

from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.outbox import Outbox, Owner


class Pipe(trio.abc.SendStream):
    """Takes ``room`` bytes without waiting and everything when waited for."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = b""
        self.waits = 0

    def send_nowait(self, data: bytes) -> int:
        part = data[: self.room]
        self.room -= len(part)
        self.taken += part
        return len(part)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.waits += 1
        await trio.lowlevel.checkpoint()
        self.taken += bytes(data)

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def written(outbox: Outbox) -> None:
    """Write what is queued."""
    outbox.close()
    with trio.fail_after(1):
        await outbox.write_all()


async def test_a_line_with_nothing_before_it_is_sent_at_once(autojump_clock):
    """Ours: the reply leaves before any other task runs."""
    pipe = Pipe(room=100)
    outbox = Outbox(pipe, WireLimits())
    outbox.put(b"one\n")
    assert pipe.taken == b"one\n"
    await written(outbox)
    assert pipe.waits == 0


async def test_what_does_not_fit_follows_in_order(autojump_clock):
    """Ours: a full pipe takes part of a line; the rest comes first, then the lines after it."""
    pipe = Pipe(room=6)
    outbox = Outbox(pipe, WireLimits())
    for line in (b"one\n", b"two\n", b"three\n"):
        outbox.put(line)
    assert pipe.taken == b"one\ntw"
    pipe.room = 100
    outbox.put(b"four\n")
    assert pipe.taken == b"one\ntw", "nothing overtakes what is queued"
    await written(outbox)
    assert pipe.taken == b"one\ntwo\nthree\nfour\n"


async def test_half_a_line_is_completed_although_its_owner_was_silenced(autojump_clock):
    """MCP: nothing follows a cancellation, but a line that has begun must end, or the next one is garbage."""
    pipe = Pipe(room=3)
    outbox = Outbox(pipe, WireLimits())
    begun, queued = Owner(), Owner()
    outbox.put(b"begun\n", begun)
    outbox.put(b"queued\n", queued)
    begun.silenced = queued.silenced = True
    outbox.put(b"next\n")
    await written(outbox)
    assert pipe.taken == b"begun\nnext\n"
