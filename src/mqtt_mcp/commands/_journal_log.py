"""The log of this process in its journal, so that a person reads it in the browser.

Owns the way from any thread into trio's, bounded: what comes too fast is counted as missed. What goes to
standard error stays as it was.
"""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trio

from mqtt_mcp.hub.journal import Journal
from mqtt_mcp.hub.records import Level

MAX_WAITING = 1000


class JournalHandler(logging.Handler):
    """Hands log records to a journal, in trio's thread. Make it there."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.INFO)
        self._journal = journal
        self._token = trio.lowlevel.current_trio_token()
        self._waiting: deque[tuple[logging.LogRecord, int]] = deque()
        self._missed = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one record; callable from every thread."""
        if len(self._waiting) >= MAX_WAITING:
            self._missed += 1
            return
        missed, self._missed = self._missed, 0
        self._waiting.append((record, missed))
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self._hand_over, idempotent=True)

    def _hand_over(self) -> None:
        for _ in range(len(self._waiting)):
            record, missed = self._waiting.popleft()
            with self._journal.boundary():
                self._journal.logged(
                    _level(record.levelno),
                    record.name.removeprefix("mqtt_mcp."),
                    _text(record),
                    at_epoch_s=round(record.created, 3),
                    missed=missed,
                )


@contextmanager
def logging_into(journal: Journal) -> Iterator[None]:
    """Record this process's log into ``journal`` while the block runs, from ``info`` on.

    What goes to standard error stays at the level that was configured.
    """
    root = logging.getLogger()
    level = root.level
    bare = [handler for handler in root.handlers if handler.level == logging.NOTSET]
    for handler in bare:
        handler.setLevel(level)
    own = JournalHandler(journal)
    root.addHandler(own)
    root.setLevel(min(level, logging.INFO))
    try:
        yield
    finally:
        root.removeHandler(own)
        root.setLevel(level)
        for handler in bare:
            handler.setLevel(logging.NOTSET)


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"


def _text(record: logging.LogRecord) -> str:
    text = record.getMessage()
    return f"{text}\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else text
