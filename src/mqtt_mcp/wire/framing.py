"""Lines out of a byte stream: the framing of MCP over standard streams.

Pure: bytes in, complete lines out, whatever the chunking. Reads no stream (``server`` does) and does not look into
a line: UTF-8 and JSON are the business of ``jsonrpc``.
"""

from collections.abc import Iterator


class LineSplitter:
    """Cuts a byte stream into lines and never holds more than one line's limit.

    Synopsis::

        splitter = LineSplitter(max_line_bytes=4 * 1024 * 1024)
        for line in splitter.feed(chunk):      # bytes, or None for a line that was too long
            ...

    A line ends at LF; blank space around it (CR included) is stripped and blank lines are left out. What follows the
    last LF stays inside until more comes; at the end of the stream it is no message and is dropped with the splitter.

    Args:
        max_line_bytes: The longest line accepted, in bytes without its LF. A longer one yields ``None`` once, as soon
            as that is known, and is then skipped up to and including its LF.
    """

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._buffer = bytearray()
        self._scanned = 0
        self._skipping = False

    def feed(self, data: bytes | bytearray) -> Iterator[bytes | None]:
        """Take in a chunk and yield the lines it completes, in order.

        The iterator has to be exhausted before the next chunk is fed.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        while (end := buffer.find(b"\n", max(start, self._scanned))) >= 0:
            if self._skipping:
                self._skipping = False
            elif end - start > self._max_line_bytes:
                yield None
            else:
                line = bytes(buffer[start:end]).strip()
                if line:
                    yield line
            start = end + 1
        # One cut per chunk, not per line: a burst of small lines must not cost a copy of the rest each.
        del buffer[:start]
        if self._skipping:
            buffer.clear()
        elif len(buffer) > self._max_line_bytes:
            self._skipping = True
            buffer.clear()
            self._scanned = 0
            yield None
        self._scanned = len(buffer)
