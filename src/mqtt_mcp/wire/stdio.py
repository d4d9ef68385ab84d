"""Standard input and output as a trio stream.

Owns the two descriptors it is given, from ``descriptors`` in the product. Does not know what is spoken on the stream.
"""

import os
from typing import Self

import trio

from mqtt_mcp.wire.descriptors import claim_standard_streams

_CLOSED = -1
_RECEIVE_BYTES = 65536


class StdioStream(trio.abc.HalfCloseableStream):
    """Bytes from standard input, bytes to standard output; reads and writes can be cancelled.

    Make one with ``claim``, before anything else may print, or of descriptors claimed before. Works on pipes,
    terminals, files, sockets and the null device. Unlike ``trio.lowlevel.FdStream`` it does not yield to the scheduler
    before a transfer that need not wait, which takes a third off the time of a small request.
    """

    def __init__(self, receive_fd: int, send_fd: int) -> None:
        self._receive_fd = receive_fd
        self._send_fd = send_fd
        self._were_blocking = {fd: os.get_blocking(fd) for fd in (receive_fd, send_fd)}
        for fd in (receive_fd, send_fd):
            os.set_blocking(fd, False)

    @classmethod
    def claim(cls) -> Self:
        """Take descriptors 0 and 1 for this stream; they are harmless from now on, for the life of the process.

        Raises:
            OSError: Standard input or output is closed.
        """
        return cls(*claim_standard_streams())

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive what is there, or wait for something; empty at the end of the input.

        Raises:
            trio.BrokenResourceError: Reading failed.
            trio.ClosedResourceError: The stream was closed by us.

        Cancellation:
            A cancelled call has taken no bytes.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        waited = False
        while True:
            self._check_open(self._receive_fd)
            try:
                data = os.read(self._receive_fd, max_bytes or _RECEIVE_BYTES)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self._receive_fd)
                waited = True
            except OSError as error:
                raise trio.BrokenResourceError from error
            else:
                if not waited:
                    await trio.lowlevel.cancel_shielded_checkpoint()
                return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything. Called by one task at a time.

        Raises:
            trio.BrokenResourceError: The reader has gone (EPIPE), or writing failed.
            trio.ClosedResourceError: The stream was closed by us.

        Cancellation:
            Part of the data may have been sent.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        rest = memoryview(data)
        while rest:
            self._check_open(self._send_fd)
            try:
                rest = rest[os.write(self._send_fd, rest) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._send_fd)
            except OSError as error:
                raise trio.BrokenResourceError from error
        await trio.lowlevel.cancel_shielded_checkpoint()

    def send_nowait(self, data: bytes) -> int:
        """Send what there is room for, without waiting. Returns the number of bytes sent.

        A broken or closed stream takes nothing: ``send_all`` is where that is told.
        """
        if self._send_fd == _CLOSED:
            return 0
        try:
            return os.write(self._send_fd, data)
        except OSError:
            return 0

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until there is room in the pipe."""
        self._check_open(self._send_fd)
        await trio.lowlevel.wait_writable(self._send_fd)

    async def send_eof(self) -> None:
        """Close standard output only."""
        self._send_fd = self._close(self._send_fd)
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Close both; the blocking mode they had before is restored, since others may share the open files."""
        self._send_fd = self._close(self._send_fd)
        self._receive_fd = self._close(self._receive_fd)
        await trio.lowlevel.checkpoint()

    def _close(self, fd: int) -> int:
        if fd != _CLOSED:
            os.set_blocking(fd, self._were_blocking[fd])
            trio.lowlevel.notify_closing(fd)
            os.close(fd)
        return _CLOSED

    @staticmethod
    def _check_open(fd: int) -> None:
        if fd == _CLOSED:
            raise trio.ClosedResourceError("this stream was closed")
