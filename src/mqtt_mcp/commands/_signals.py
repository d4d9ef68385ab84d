"""The signals that end a command, and what they do before there is anything to close.

Loads no event loop; ``_shutdown`` takes over once there is one.
"""

import os
import signal

ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def exit_at_once_on_signals(status: int = 0) -> None:
    """Until trio listens there is nothing to close: a signal during start-up ends the process right away."""

    def leave(_number: int, _frame: object) -> None:
        os._exit(status)

    for number in handled_signals():
        signal.signal(number, leave)


def handled_signals() -> tuple[signal.Signals, ...]:
    """The ending signals, without those that whoever started us told us to ignore (``nohup``)."""
    return tuple(number for number in ENDING_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN)
