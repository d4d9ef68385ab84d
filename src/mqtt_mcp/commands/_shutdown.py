"""The way out of a process: what begins it, and the bound on how long it takes.

Owns the signals that end a command and the watchdog. Does not close anything: cancelling the nursery does.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable

import trio

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Watchdog:
    """Ends the process whatever hangs, a bounded time after the way out began.

    A daemon thread, because what hangs may be trio's own thread or the interpreter's teardown. It is the last resort:
    an orderly exit is faster.

    Args:
        bound_s: Seconds from ``arm`` to the hard exit.
        status: Exit status then.
    """

    def __init__(self, bound_s: float, *, status: int = 0) -> None:
        self._bound_s = bound_s
        self._status = status
        self._armed = False

    def arm(self) -> None:
        """Start the countdown; only the first call counts."""
        if not self._armed:
            self._armed = True
            timer = threading.Timer(self._bound_s, self._exit)
            timer.daemon = True
            timer.start()

    def _exit(self) -> None:
        try:
            sys.stderr.flush()
        finally:
            os._exit(self._status)


def exit_at_once_on_signals(status: int = 0) -> None:
    """Until trio listens there is nothing to close: a signal during start-up ends the process right away."""

    def leave(_number: int, _frame: object) -> None:
        os._exit(status)

    for number in handled_signals():
        signal.signal(number, leave)


def handled_signals() -> tuple[signal.Signals, ...]:
    """The ending signals, without those that whoever started us told us to ignore (``nohup``)."""
    return tuple(number for number in ENDING_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN)


async def cancel_on_signal(scope: trio.CancelScope, on_signal: Callable[[signal.Signals], None]) -> None:
    """Wait for a signal and cancel ``scope``; a second one changes nothing.

    Args:
        scope: What to end.
        on_signal: Called first, with the signal.
    """
    with trio.open_signal_receiver(*handled_signals()) as arriving:
        async for number in arriving:
            on_signal(signal.Signals(number))
            scope.cancel()
