"""The hub's Unix socket: taking the place of a hub, and serving the windows that come.

Owns the folder, the lock that there is one hub for each socket, stale sockets, who may come and how many. Does not know
what is served, nor signals; the window's side is ``relay``.
"""

import errno
import fcntl
import logging
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.wire.limits import WireLimits
from mqtt_mcp.wire.mcp import Endpoint
from mqtt_mcp.wire.server import serve_client
from mqtt_mcp.wire.socket_path import MAX_PATH_BYTES, is_trusted, note_path, noted_pid, peer, read_note
from mqtt_mcp.wire.stdio import StdioStream

_log = logging.getLogger(__name__)

BACKLOG = 128
PROBE_S = 1.0
OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)
RETRY_S = 0.1

PeerUid = Callable[[socket.socket], int | None]


class SocketRefused(ToolError):
    """The socket cannot be used: one line that says why and what to do."""

    def __init__(self, path: str, problem: str, hint: str = "") -> None:
        super().__init__(ErrorKind.CONFIG, f"the socket {ascii(path)[:300]} {problem}", hint)


def peer_uid(connection: socket.socket) -> int | None:
    """Whose process is at the other end; None where the system does not tell."""
    other = peer(connection)
    return None if other is None else other[1]


@contextmanager
def taken_socket(path: str, note: str) -> Iterator[socket.socket]:
    """Listen at ``path`` as its one hub while the block runs.

    Args:
        path: Absolute; at most ``MAX_PATH_BYTES`` bytes. Its folder is made when it is missing, but not the one above.
        note: What windows are told about this hub, see ``socket_path.make_note``; begins with the process id.

    Yields:
        The listening socket, non-blocking. Closing it earlier is fine; the file and the lock go with the block.

    Raises:
        SocketRefused: Another hub has it, or the place is not safe or not possible.
    """
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise SocketRefused(
            path, f"has a path of more than {MAX_PATH_BYTES} bytes.", "Choose a shorter one with --socket."
        )
    try:
        _prepare_folder(path)
        lock = _locked(path)
        try:
            _remove_stale(path)
            _write(lock, note)
            listener = _bound(path)
            made = os.lstat(path)
        except BaseException:
            os.close(lock)
            raise
    except OSError as error:
        raise SocketRefused(path, f"cannot be made: {error.strerror}.") from None
    try:
        yield listener
    finally:
        listener.close()
        with suppress(OSError):
            if os.path.samestat(os.lstat(path), made):  # else somebody has put another in its place
                os.unlink(path)  # noqa: PTH108
        with suppress(OSError):
            # The file stays: were it removed, a newcomer could lock a file that no longer has a name.
            _write(lock, "")
        os.close(lock)


async def serve_windows(
    listener: socket.socket,
    endpoint: Endpoint,
    *,
    limits: WireLimits,
    max_windows: int,
    uid_of: PeerUid = peer_uid,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve every window that comes, until cancelled.

    What happens to one window ends only that one. A window of another user, and one too many, is closed at once.

    Args:
        listener: From ``taken_socket``; closed at the end.
        endpoint: What is served, shared by all windows.
        limits: The bounds of each window.
        max_windows: How many there may be at the same time.
        uid_of: Whose process is at the other end of a connection.
        task_status: Told when windows can come.

    Cancellation:
        No window is accepted any more; replies that are ready are written for at most ``limits.flush_s``, then all
        streams are closed.
    """
    arrivals = trio.socket.from_stdlib_socket(listener)
    windows = _Windows(endpoint, limits, max_windows)
    async with trio.open_nursery() as nursery:
        with arrivals:  # inside: at the end nobody comes in while others go
            task_status.started()
            starved = False
            while True:
                try:
                    accepted, _ = await arrivals.accept()
                except OSError as error:
                    if error.errno in OUT_OF_RESOURCES:
                        if not starved:
                            _log.error("no window can come in at the moment: %s", os.strerror(error.errno))
                        starved = True
                        await trio.sleep(RETRY_S)
                    elif error.errno != errno.ECONNABORTED:
                        raise
                    continue
                starved = False
                connection = socket.socket(fileno=accepted.detach())
                if windows.admit(connection, uid_of):
                    nursery.start_soon(windows.serve, connection)


class _Windows:
    """The windows there are, and the boundary around each."""

    def __init__(self, endpoint: Endpoint, limits: WireLimits, max_windows: int) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._max_windows = max_windows
        self._open = 0

    def admit(self, connection: socket.socket, uid_of: PeerUid) -> bool:
        """Let a connection in and count it, or close it."""
        try:
            uid = uid_of(connection)
        except OSError:  # it has gone already
            connection.close()
            return False
        if uid is not None and not is_trusted(uid):
            _log.warning("a process of user %d tried to come in; its connection was closed", uid)
        elif self._open >= self._max_windows:
            _log.warning("%d windows are open, which is the limit; another was closed", self._open)
        else:
            self._open += 1
            return True
        connection.close()
        return False

    async def serve(self, connection: socket.socket) -> None:
        """Serve one window that was let in."""
        stream = None
        try:
            stream = _stream_of(connection)
            await serve_client(stream, self._endpoint.application, endpoint=self._endpoint, limits=self._limits)
        except Exception:  # noqa: BLE001 - the boundary of a client: what happens in one window ends only that one
            _log.exception("a window failed")
        finally:
            self._open -= 1  # before the client learns of the end: whoever comes next finds the place free
            if stream is not None:
                await stream.aclose()


def _stream_of(connection: socket.socket) -> StdioStream:
    """The connection as the stream that sends a reply at once where it can; takes it over."""
    with connection:
        send_fd = os.dup(connection.fileno())
        return StdioStream(connection.detach(), send_fd)


def _prepare_folder(path: str) -> None:
    folder = Path(path).parent
    with suppress(FileExistsError):
        folder.mkdir(0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise SocketRefused(path, "has to be in a folder of its own; a link to a folder is refused.")
    if found.st_uid != os.geteuid():
        raise SocketRefused(path, "is in a folder of another user.", "Choose a folder of your own with --socket.")
    if found.st_mode & 0o077:
        raise SocketRefused(
            path,
            f"is in a folder that other users may enter (mode {stat.S_IMODE(found.st_mode):04o}).",
            "Run chmod 700 on it, or choose another with --socket.",
        )


def _locked(path: str) -> int:
    """The lock's descriptor; held until it is closed, which the end of this process does too, however it ends."""
    lock = os.open(note_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(lock, 0o600)
    except BlockingIOError:
        os.close(lock)
        pid = noted_pid(read_note(path))
        raise SocketRefused(
            path, f"is served by another hub already (pid {pid or 'unknown'}).", "End that one, or use --socket."
        ) from None
    except BaseException:
        os.close(lock)
        raise
    return lock


def _remove_stale(path: str) -> None:
    """Remove what a hub that was killed has left; with the lock held nobody else listens, normally."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketRefused(path, "is no socket but something else, which is left alone.", "Choose another place.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108
            return
        except (TimeoutError, BlockingIOError):
            pass  # its queue is full: somebody is there
        raise SocketRefused(path, "is answered by another program, which is left alone.", "Choose another place.")


def _bound(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(path)
        os.chmod(path, 0o600)  # noqa: PTH101
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _write(lock: int, note: str) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, note.encode("utf-8", "surrogateescape"), 0)
