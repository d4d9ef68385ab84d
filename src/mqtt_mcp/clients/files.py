"""Reads and replaces a configuration file of somebody else's: a backup first, then all of it or nothing.

Owns atomic replacement, the backup's name, and that owner and mode stay. Knows nothing of what is in the file.
"""

import contextlib
import os
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from mqtt_mcp.errors import ErrorKind, ToolError

MAX_BYTES = 64 * 1024 * 1024
"""Larger files are refused; the largest known is Claude Code's, with some megabytes of history."""


@dataclass(frozen=True, kw_only=True)
class Present:
    """A file as it was read.

    Attributes:
        path: Where it really is, behind symbolic links.
        data: Its content; empty when there is no file.
        state: What the system says of it; None when there is no file.
    """

    path: Path
    data: bytes
    state: os.stat_result | None

    @property
    def text(self) -> str:
        """The content as text.

        Raises:
            ToolError: ``config``; it is not UTF-8.
        """
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            raise ToolError(ErrorKind.CONFIG, f"line {line}: it is not UTF-8.", "Save it as UTF-8.") from None


def read(path: Path) -> Present:
    """Read a file that may not exist.

    Raises:
        ToolError: ``config``; it is no regular file, read-only, or too large.
        OSError: It cannot be read.
    """
    if sys.platform == "win32":
        raise ToolError(ErrorKind.CONFIG, "files are edited on Linux and macOS only.", "Put the snippet in by hand.")
    real = Path(os.path.realpath(path))
    try:
        descriptor = os.open(real, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        return Present(path=real, data=b"", state=None)
    state = os.fstat(descriptor)
    problem, hint = _problem(state)
    if problem:
        os.close(descriptor)
        raise ToolError(ErrorKind.CONFIG, problem, hint)
    with os.fdopen(descriptor, "rb") as file:
        return Present(path=real, data=file.read(), state=state)


def replace(present: Present, data: bytes, *, private: bool) -> Path | None:
    """Put new content in the place of what was read.

    Args:
        present: What was read.
        data: The new content.
        private: A new file is for its owner only.

    Returns:
        The backup; None when there was no file.

    Raises:
        ToolError: ``busy``; somebody changed the file since it was read.
        OSError: It cannot be written; the old file is as it was.
    """
    present.path.parent.mkdir(parents=True, exist_ok=True)
    state = present.state
    backup = None if state is None else _backup(present, state)
    temporary: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{present.path.name}.", suffix=".tmp", dir=present.path.parent)
        temporary = Path(name)
        _fill(descriptor, data, state, 0o600 if private else 0o666 & ~_umask())
        _refuse_if_changed(present)
        temporary.replace(present.path)
    except BaseException:
        # An interruption may come when the new file is in place already: then the backup is the only copy.
        if temporary is None or temporary.exists():
            for leftover in (temporary, backup):
                if leftover is not None:
                    leftover.unlink(missing_ok=True)
        raise
    _sync_folder(present.path.parent)
    return backup


def _problem(state: os.stat_result) -> tuple[str, str]:
    """Why a file is not to be edited, and what to do; empty when it may be."""
    if not stat.S_ISREG(state.st_mode):
        return "it is no regular file.", ""
    if not state.st_mode & 0o222:
        return "it is read-only.", "Make it writable, or put the snippet in by hand."
    if state.st_size > MAX_BYTES:
        return f"it is larger than {MAX_BYTES // 1024 // 1024} MiB.", ""
    return "", ""


def _backup(present: Present, state: os.stat_result) -> Path:
    """A copy beside the file, under a name that was free."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    for number in range(100):
        suffix = f"-{number}" if number else ""
        path = present.path.with_name(f"{present.path.name}.backup-{stamp}{suffix}")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            continue
        try:
            _fill(descriptor, present.data, state, 0)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path
    raise ToolError(ErrorKind.BUSY, "there are a hundred backups of this second.")


def _fill(descriptor: int, data: bytes, like: os.stat_result | None, mode: int) -> None:
    """Write a new file to the disk, with the owner and mode it is to have, and close it.

    Args:
        descriptor: The new file.
        data: Its content.
        like: The file whose owner and mode it takes over; None: ours, and ``mode``.
        mode: See there.
    """
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        if like is not None:
            mode = stat.S_IMODE(like.st_mode)
            mine = os.fstat(descriptor)
            if (mine.st_uid, mine.st_gid) != (like.st_uid, like.st_gid):
                os.chown(descriptor, like.st_uid, like.st_gid)
        os.chmod(descriptor, mode)
        file.flush()
        os.fsync(descriptor)


def _refuse_if_changed(present: Present) -> None:
    """Nobody's edit is lost but one made within this microsecond."""
    try:
        now = present.path.stat()
    except FileNotFoundError:
        now = None
    if _identity(now) != _identity(present.state):
        raise ToolError(ErrorKind.BUSY, "it was changed in the meantime.", "Try again.")


def _identity(state: os.stat_result | None) -> tuple[int, int, int] | None:
    return None if state is None else (state.st_ino, state.st_size, state.st_mtime_ns)


def _sync_folder(folder: Path) -> None:
    """The new name is on the disk too, where a system allows this."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
