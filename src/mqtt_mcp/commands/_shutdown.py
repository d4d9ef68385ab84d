"""The way out of a process: what begins it, and the bound on how long it takes.

Owns how signals end a running command, and the watchdog. Does not close anything: cancelling the nursery does.
"""

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import trio

from mqtt_mcp.commands._signals import handled_signals


class Watchdog:
    """Ends the process whatever hangs, a bounded time after the way out began. The last resort: exits are faster.

    A daemon thread that sleeps until it is woken through a pipe, because what hangs may be trio's own thread, and
    because writing to a pipe is one of the few things that is safe inside a signal handler.

    Args:
        bound_s: Seconds from ``arm`` to the hard exit.
        status: Exit status then.
        input_fd: A descriptor whose hang-up arms it too, so that even a blocked trio thread does not outlive its
            client; -1 for none. A private copy is kept.
    """

    def __init__(self, bound_s: float, *, status: int = 0, input_fd: int = -1) -> None:
        self._bound_s = bound_s
        self._status = status
        self._input_fd = os.dup(input_fd) if input_fd >= 0 else -1
        self._read_fd, self._write_fd = os.pipe()
        threading.Thread(target=self._watch, name="mqtt-mcp-watchdog", daemon=True).start()

    def arm(self) -> None:
        """Start the countdown; only the first call counts. May be called from anywhere, signal handlers included."""
        os.write(self._write_fd, b"!")

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._read_fd, select.POLLIN)
        if self._input_fd >= 0:
            poll.register(self._input_fd, 0)  # hang-up and errors are always reported
        poll.poll()
        time.sleep(self._bound_s)
        os._exit(self._status)


@contextmanager
def cancelled_by_signals(scope: trio.CancelScope, watchdog: Watchdog) -> Iterator[None]:
    """While the block runs, an ending signal arms ``watchdog`` and cancels ``scope``; further ones change nothing.

    The watchdog is armed in the handler itself, which runs even while trio's own tasks do not.
    """
    token = trio.lowlevel.current_trio_token()

    def leave(_number: int, _frame: object) -> None:
        watchdog.arm()
        token.run_sync_soon(scope.cancel, idempotent=True)

    previous = {number: signal.signal(number, leave) for number in handled_signals()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
