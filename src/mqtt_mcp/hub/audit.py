"""The audit file: what was done, appended for good, one JSON object per line.

Owns the file, its rotation by size and the moment at which a line is on the disk. Listens to the journal, so what it
holds is redacted already. A disk that fails costs the audit its lines, which are counted and said, and nobody their
call.
"""

import logging
import os
from pathlib import Path

import msgspec
import trio

from mqtt_mcp.hub.records import Call, LogLine, Publish, Record

logger = logging.getLogger(__name__)

MAX_FILE_BYTES = 10 * 1024 * 1024
KEPT_FILES = 10
"""Beside the present file: ``audit.jsonl.1`` is the youngest of them."""
SYNC_TIMEOUT_S = 2.0

_encoder = msgspec.json.Encoder(enc_hook=str)


class Audit:
    """An open audit file; ``record`` is a listener for the journal.

    Args:
        path: Where to append; made with mode 0600 when it is not there.
        max_file_bytes: Size beyond which the file is set aside.
        kept_files: How many set-aside files to keep; older ones are deleted.

    Attributes:
        lost: Lines that could not be written.

    Raises:
        OSError: The file cannot be opened for appending.
    """

    def __init__(self, path: Path, *, max_file_bytes: int = MAX_FILE_BYTES, kept_files: int = KEPT_FILES) -> None:
        self.lost = 0
        self._path = path
        self._max_file_bytes = max_file_bytes
        self._kept_files = kept_files
        self._unsynced = False
        self._fd = self._open()

    def record(self, record: Record) -> None:
        """Append a finished call, a publish or a change; log lines and calls that still run are not audited."""
        if isinstance(record, LogLine) or (isinstance(record, Call) and record.status == "running"):
            return
        line = b'{"record":"%s",%s\n' % (type(record).__name__.lower().encode(), _encoder.encode(record)[1:])
        try:
            self._rotate_for(len(line))
            os.write(self._fd, line)  # O_APPEND: one write is one line, whoever else appends
        except OSError as error:
            self._lose(error)
            return
        if isinstance(record, Publish):
            self._unsynced = True

    async def settled(self) -> None:
        """Wait until what was published is on the disk, at most 2 s.

        Cancellation: the wait goes on to its own bound, so that an audit line outlives the call it is about.
        """
        if not self._unsynced:
            return
        self._unsynced = False
        try:
            # A private descriptor: the worker thread may outlive a rotation.
            fd = os.dup(self._fd)
        except OSError as error:
            self._lose(error)
            return
        with trio.move_on_after(SYNC_TIMEOUT_S, shield=True):
            failure = await trio.to_thread.run_sync(_sync, fd, abandon_on_cancel=True)
            if failure is not None:
                self._lose(failure)

    def close(self) -> None:
        """Write everything to the disk and close the file."""
        failure = _sync(self._fd)
        self._fd = -1
        if failure is not None:
            self._lose(failure)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def _rotate_for(self, line_bytes: int) -> None:
        size_bytes = os.fstat(self._fd).st_size
        if not size_bytes or size_bytes + line_bytes <= self._max_file_bytes:
            return
        for number in range(self._kept_files, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1)) if number < self._kept_files else older.unlink()
        if self._kept_files:
            self._path.replace(self._numbered(1))
        else:
            self._path.unlink()
        new_fd = self._open()
        _sync(self._fd)
        self._fd = new_fd

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _lose(self, error: OSError) -> None:
        self.lost += 1
        if self.lost == 1:
            logger.error("the audit file %s loses lines: %s", self._path, error.strerror)


def _sync(fd: int) -> OSError | None:
    """Force a descriptor's data to the disk and close it; what failed is returned."""
    try:
        os.fsync(fd)
    except OSError as error:
        return error
    finally:
        os.close(fd)
    return None
