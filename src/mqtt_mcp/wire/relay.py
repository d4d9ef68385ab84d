"""A window of a hub that runs elsewhere on this machine: standard input and output joined to the hub's socket.

Owns the decision whether this process can be such a window, the copying, and the order of its ends. Understands nothing
of what it copies. Standard library only, and little of it, because a client waits for its imports; ``_signal`` and
``_socket`` are what ``signal`` and ``socket`` wrap at ten times the start-up time.
"""

import _signal  # type: ignore[import-not-found]  # built in; typeshed describes only what wraps it
import _socket
import os
import select
import sys
import time

from mqtt_mcp.wire.socket_path import contradictions, distrusted, is_trusted, noted_pid, peer, read_note

TERMINAL_NOTICE = (
    "mqtt-mcp speaks MCP on stdin and stdout and is meant to be started by an MCP client; see mqtt-mcp --help.\n"
    "Ctrl-D ends it.\n"
)
GONE_STATUS = 1

_INPUT, _OUTPUT = 0, 1
_CHUNK_BYTES = 65536
_LAST_REPLIES_S = 5.0
"""Bound on the wait for the hub's last replies after the end of our input."""
_BUSY_TRIES = 50
_BUSY_GAP_S = 0.02


def serve_as_relay(path: str) -> int | None:
    """Be a window of the hub that listens at ``path``, until one of them ends.

    From the first byte on, descriptor 1 carries nothing but what the hub sends. Neither standard stream is made
    non-blocking: others may share the open file.

    Args:
        path: The hub's socket.

    Returns:
        0 when the client or a signal ended it, 1 when the hub did; None when nothing was read or written, because no
        hub listens there, or none that this window may use: then this process has to be a hub of its own.
    """
    if sys.stdin is None or sys.stdout is None:  # closed by whoever started us: the numbers are not ours to use
        return None
    _exit_at_once_on_signals()
    hub = _connect(path)
    if hub is None:
        return None
    environ = dict(os.environ)
    if any(name.startswith("MQTT_") for name in environ):
        note = read_note(path)
        if names := contradictions(note, environ):
            hub.close()
            _say(
                f"a hub runs (pid {noted_pid(note) or 'unknown'}), but this window's {', '.join(names)} "
                f"{'differs' if len(names) == 1 else 'differ'} from it; this window runs on its own."
            )
            return None
    if os.isatty(_INPUT):
        _write_to_stderr(TERMINAL_NOTICE)
    return _Relay(hub).run()


def _exit_at_once_on_signals() -> None:
    """There is nothing to close: the hub sees the end of the stream. ``nohup`` is respected."""

    def leave(_number: int, _frame: object) -> None:
        os._exit(0)

    for number in (_signal.SIGTERM, _signal.SIGINT, _signal.SIGHUP):
        if _signal.getsignal(number) != _signal.SIG_IGN:
            _signal.signal(number, leave)


def _connect(path: str) -> _socket.socket | None:
    """A non-blocking connection to the hub; None when there is none that may be used."""
    hub = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        why = distrusted(path)
        if not why:
            hub.setblocking(False)
            _connect_patiently(hub, path)
            other = peer(hub)
            if other is None or is_trusted(other[1]):
                return hub
            why = "is served by another user"
    except BlockingIOError:
        why = "takes no window at the moment"
    except OSError:
        hub.close()
        return None
    hub.close()
    _say(f"the socket {ascii(path)[:300]} {why}; this window runs on its own.")
    return None


def _connect_patiently(hub: _socket.socket, path: str) -> None:
    """Connect; many windows at once may fill the queue of a hub for a moment (EAGAIN)."""
    for _ in range(_BUSY_TRIES):
        try:
            hub.connect(path)
        except BlockingIOError:
            time.sleep(_BUSY_GAP_S)
        else:
            return
    raise BlockingIOError


class _Relay:
    """One chunk on its way in each direction: a side is read only when what it said last has been passed on."""

    def __init__(self, hub: _socket.socket) -> None:
        self._hub = hub
        self._hub_fd = hub.fileno()
        self._poll = select.poll()
        self._watched: dict[int, int] = {}
        self._to_hub = b""
        self._to_client = memoryview(b"")
        self._input_open = True
        self._hub_takes = True
        self._leave_at_s = 0.0  # 0: the client is there
        self._status = -1  # -1: not at the end

    def run(self) -> int:
        while self._status < 0:
            self._watch_all()
            if self._leave_at_s and time.monotonic() >= self._leave_at_s:
                return 0
            for fd, events in self._poll.poll(self._patience_ms()):
                if fd == _INPUT:
                    self._on_input()
                elif fd == _OUTPUT:
                    self._on_output()
                else:
                    self._on_hub(events)
        if self._status == GONE_STATUS:
            _say("the hub has ended, or closed this window; start it again.")
        return self._status

    def _watch_all(self) -> None:
        hub = (0 if self._to_client else select.POLLIN) | (select.POLLOUT if self._to_hub else 0)
        # Nobody is watched for nothing, as a hang-up would be told again and again. The output is: that the client has
        # closed it is to be known at once. So is the input while it cannot be read, until it has hung up.
        self._watch(self._hub_fd, hub or None)
        self._watch(_OUTPUT, select.POLLOUT if self._to_client else 0)
        wanted = select.POLLIN if not self._to_hub and self._hub_takes else None if self._leave_at_s else 0
        self._watch(_INPUT, wanted if self._input_open else None)

    def _watch(self, fd: int, events: int | None) -> None:
        if self._watched.get(fd) == events:
            return
        if events is None:
            del self._watched[fd]
            self._poll.unregister(fd)
        else:
            self._watched[fd] = events
            self._poll.register(fd, events)

    def _patience_ms(self) -> int | None:
        return max(1, round((self._leave_at_s - time.monotonic()) * 1000)) if self._leave_at_s else None

    def _on_input(self) -> None:
        if self._watched[_INPUT] == 0:
            self._client_left()  # it hung up while what it said waits for the hub
            return
        try:
            data = os.read(_INPUT, _CHUNK_BYTES)
        except BlockingIOError:  # whoever started us made it so
            return
        except OSError:
            data = b""
        if data:
            self._to_hub = data
        else:
            self._input_open = False
            self._client_left()
        self._send()

    def _input_hung_up(self) -> bool:
        """Whether client and hub end at the same time, as when both are told to."""
        look = select.poll()
        look.register(_INPUT, 0)
        return bool(look.poll(0))

    def _client_left(self) -> None:
        if not self._leave_at_s:
            self._leave_at_s = time.monotonic() + _LAST_REPLIES_S

    def _on_output(self) -> None:
        if not self._to_client:
            self._status = 0  # nobody reads any more
            return
        try:
            # A descriptor that is ready takes this much without blocking, and blocking it is.
            written = os.write(_OUTPUT, self._to_client[: select.PIPE_BUF])
        except BlockingIOError:
            return
        except OSError:
            self._status = 0
            return
        self._to_client = self._to_client[written:]

    def _on_hub(self, events: int) -> None:
        if events & select.POLLOUT:
            self._send()
        if events & ~select.POLLOUT and not self._to_client:
            self._receive()

    def _receive(self) -> None:
        try:
            data = self._hub.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._to_client = memoryview(data)
        else:
            self._status = 0 if self._leave_at_s or self._input_hung_up() else GONE_STATUS

    def _send(self) -> None:
        try:
            while self._to_hub:
                self._to_hub = self._to_hub[self._hub.send(self._to_hub) :]
            if not self._input_open and self._hub_takes:
                self._hub_takes = False
                self._hub.shutdown(_socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:  # it has gone; what it said before is still to be read
            self._hub_takes = False
            self._to_hub = b""


def _say(sentence: str) -> None:
    _write_to_stderr(f"mqtt-mcp: {sentence}\n")


def _write_to_stderr(text: str) -> None:
    if sys.stderr is not None:
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            return
