"""The audit file: what was done, appended for good, one JSON object per line.

Owns the file, its rotation by size and the moment at which a line is on the disk. Listens to the journal, so what it
holds is redacted already. A disk that fails costs the audit its lines, which are counted and said, and nobody their
call; it never costs what was written before.
"""

import logging
import os
import threading
from contextlib import suppress
from pathlib import Path

import msgspec
import trio

from mqtt_mcp.hub.records import Call, Finding, LogLine, Publish, Record

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
        kept_files: How many set-aside files to keep, at least 1; older ones are deleted.

    Attributes:
        lost: Lines that could not be written, or not be brought to the disk in time.

    Raises:
        OSError: The file cannot be opened for appending.
    """

    def __init__(self, path: Path, *, max_file_bytes: int = MAX_FILE_BYTES, kept_files: int = KEPT_FILES) -> None:
        self.lost = 0
        self._path = path
        self._max_file_bytes = max_file_bytes
        self._kept_files = kept_files
        self._unsynced = False
        self._torn = False
        self._complained = False
        self._fd = _opened(path)

    def record(self, record: Record) -> None:
        """Append a finished call, a publish or a change; what was seen, log lines and calls that still run are not."""
        if isinstance(record, LogLine | Finding) or (isinstance(record, Call) and record.status == "running"):
            return
        line = b'{"record":"%s",%s\n' % (type(record).__name__.lower().encode(), _encoder.encode(record)[1:])
        try:
            self._rotate_for(len(line))
        except OSError as error:
            self._complain(error)  # the present file goes on
        try:
            self._append(line)
        except OSError as error:
            self._lose(error)
            return
        if isinstance(record, Publish):
            self._unsynced = True

    async def settled(self) -> None:
        """Wait until what was published is on the disk, at most 2 s; what takes longer is counted as lost.

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
        failure: OSError | None = TimeoutError(0, f"the disk took longer than {SYNC_TIMEOUT_S:g} s")
        with trio.move_on_after(SYNC_TIMEOUT_S, shield=True):
            failure = await trio.to_thread.run_sync(_synced, fd, abandon_on_cancel=True)
        if failure is not None:
            self._lose(failure)

    def close(self) -> None:
        """Write everything to the disk and close the file."""
        failure = _synced(self._fd)
        self._fd = -1
        if failure is not None:
            self._lose(failure)

    def _append(self, line: bytes) -> None:
        if self._torn:  # so that only one line is lost, and not the next one too
            line = b"\n" + line
        written = os.write(self._fd, line)  # O_APPEND: one write is one line, whoever else appends
        self._torn = written < len(line)
        if self._torn:
            raise OSError(0, "the disk took a part of a line")

    def _rotate_for(self, line_bytes: int) -> None:
        """Set the file aside when it is full; nothing is moved before the next one is there."""
        present = os.fstat(self._fd)
        if not present.st_size or present.st_size + line_bytes <= self._max_file_bytes:
            return
        fresh = self._path.with_name(f"{self._path.name}.new")
        new_fd = _opened(fresh)
        try:
            # What lies at our path may be somebody else's by now, and is then left alone.
            if os.path.samestat(os.lstat(self._path), present):
                self._shift()
                self._path.replace(self._numbered(1))
            fresh.replace(self._path)
        except OSError:
            os.close(new_fd)
            with suppress(OSError):
                fresh.unlink()
            raise
        old_fd, self._fd = self._fd, new_fd
        # Bringing megabytes to the disk may take a while in which nobody should have to wait.
        threading.Thread(target=_synced, args=(old_fd,), name="mqtt-mcp-audit", daemon=True).start()

    def _shift(self) -> None:
        """Make ``.1`` free: the files before the first gap move up by one; without a gap the oldest is deleted."""
        gap = next((n for n in range(1, self._kept_files) if not self._numbered(n).exists()), self._kept_files)
        for number in range(gap - 1, 0, -1):
            self._numbered(number).replace(self._numbered(number + 1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _lose(self, error: OSError) -> None:
        self.lost += 1
        self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            logger.error("the audit file %s cannot be written as it should: %s", self._path, error.strerror)


def _opened(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _synced(fd: int) -> OSError | None:
    """Force a descriptor's data to the disk and close it; what failed is returned."""
    try:
        os.fsync(fd)
    except OSError as error:
        return error
    finally:
        os.close(fd)
    return None
