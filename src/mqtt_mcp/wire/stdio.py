"""Standard input and output as a trio stream that nothing else can write into.

Owns the process's descriptors 0 and 1 while it runs: they are moved to private numbers, 0 then reads as empty and 1
leads to standard error. A stray ``print``, a library or a child process can no longer break the wire. Does not know
what is spoken on the stream.
"""

import fcntl
import os
from typing import Self

import trio

_FIRST_PRIVATE_FD = 3


class StdioStream(trio.abc.HalfCloseableStream):
    """Bytes from standard input, bytes to standard output; reads and writes can be cancelled.

    Make one with ``claim``, before anything else may print. Works on pipes, terminals, files, sockets and the null
    device.
    """

    def __init__(self, receive: trio.lowlevel.FdStream, send: trio.lowlevel.FdStream) -> None:
        self._receive = receive
        self._send = send

    @classmethod
    def claim(cls) -> Self:
        """Take descriptors 0 and 1 for this stream; they are harmless from now on, for the life of the process.

        Raises:
            OSError: Standard input or output is closed.
        """
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        try:
            receive = trio.lowlevel.FdStream(_take(0, null))
            send = trio.lowlevel.FdStream(_take(1, 2 if _is_open(2) else null))
        finally:
            os.close(null)
        return cls(receive, send)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive; empty at the end of the input. Raises ``trio.BrokenResourceError`` when reading fails."""
        return bytes(await self._receive.receive_some(max_bytes))

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything; raises ``trio.BrokenResourceError`` when the reader has gone (EPIPE)."""
        await self._send.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room in the pipe."""
        await self._send.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Close standard output only."""
        await self._send.aclose()

    async def aclose(self) -> None:
        """Close both; the blocking mode they had before is restored."""
        try:
            await self._send.aclose()
        finally:
            await self._receive.aclose()


def _take(fd: int, divert_to: int) -> int:
    """Move a descriptor to a private number and let the public one lead elsewhere."""
    private = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_PRIVATE_FD)
    os.dup2(divert_to, fd)
    return private


def _is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True
