"""Logs: on stderr, for people or as JSON, without secrets.

Owns the handler, the formats and the redaction. Nothing else in the program touches the root logger. Standard output is
never used: it belongs to the protocol.
"""

import logging
import sys
import time
from collections.abc import Iterable
from typing import TextIO

import msgspec

SHORTEST_REDACTED_ANYWHERE = 3
MAX_LINE_CHARS = 20_000


class _Redacting(logging.Formatter):
    """Replaces every known secret in the finished text, tracebacks included."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        # Longest first: one secret may be part of another. Those of one or two characters would blacken every word;
        # nothing of ours logs a credential in the first place, this is the second net.
        known = {secret for secret in secrets if len(secret) >= SHORTEST_REDACTED_ANYWHERE}
        self._secrets = sorted(known | {ascii(secret)[1:-1] for secret in known}, key=len, reverse=True)

    def redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:MAX_LINE_CHARS]


class HumanFormatter(_Redacting):
    """``12:34:56 WARNING hub.session: text``; control characters are escaped, lines of a traceback stay lines."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        name = record.name.removeprefix("mqtt_mcp.")
        text = f"{clock} {record.levelname} {name}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return _printable(self.redact(text))


class JsonFormatter(_Redacting):
    """One JSON object per line: ``time``, ``level``, ``logger``, ``message``, ``exception``."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as a JSON object."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _encodable(self.redact(record.getMessage())),
        }
        if record.exc_info:
            entry["exception"] = _encodable(self.redact(self.formatException(record.exc_info)))
        return msgspec.json.encode(entry).decode()


def setup_logging(
    level: str = "warning", *, as_json: bool = False, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Send the logs of the whole process to stderr.

    Args:
        level: One of ``options.LOG_LEVELS``.
        as_json: JSON objects instead of text.
        secrets: Texts that must never be shown.
        stream: Where to write; stderr by default.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(secrets) if as_json else HumanFormatter(secrets))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    # It warns about what the adapter reports as typed errors anyway.
    logging.getLogger("gmqtt").setLevel(logging.ERROR)
    logging.raiseExceptions = False  # a closed stderr must not become a second error


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
