"""The journal: what happened in this hub, bounded, redacted and numbered.

Owns the rings of tool calls, publishes, changes, log lines and findings, their growing ids, their totals, and telling
those who listen. Everybody records into it sideways; only the monitor and the audit read it. A recorder that fails
loses its record, never the work it records: every way in here is a boundary.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec
import trio

from mqtt_mcp.hub.findings import Origin, noted
from mqtt_mcp.hub.records import (
    SEVERITIES,
    Call,
    CallStatus,
    Change,
    ChangeKind,
    Finding,
    Found,
    Level,
    LogLine,
    Publish,
    PublishOutcome,
    Record,
    Severity,
)
from mqtt_mcp.hub.redaction import Redactor
from mqtt_mcp.hub.ring import Ring
from mqtt_mcp.mqtt.client import Message, Publication

if TYPE_CHECKING:
    from mqtt_mcp.hub.audit import Audit
    from mqtt_mcp.hub.topic_table import TopicTable

logger = logging.getLogger(__name__)

MAX_CALLS = 1000
MAX_PUBLISHES = 1000
MAX_CHANGES = 500
MAX_LOG_LINES = 2000
MAX_FINDINGS = 500

_SUMMARY_CHARS = 200
_DETAIL_CHARS = 400
_LOG_CHARS = 4_000
_MAIN_ARGUMENTS = ("topic", "topic_pattern", "device", "pattern", "profile", "url", "collection_id", "session_id")

Listener = Callable[[Record], None]


class Totals(msgspec.Struct):
    """Counts since the start; the rings forget, these do not.

    Attributes:
        calls, calls_failed: Tool calls that began; those that ended in an error or a timeout.
        publishes, publishes_refused: Messages asked to be published; those that were refused.
        failures: Records that were lost because recording failed.
        findings: Findings that results told, each by the severity with which it was told first.
    """

    calls: int = 0
    calls_failed: int = 0
    publishes: int = 0
    publishes_refused: int = 0
    failures: int = 0
    findings: dict[Severity, int] = msgspec.field(default_factory=lambda: dict.fromkeys(SEVERITIES, 0))


class Journal:
    """The journal of one hub.

    Args:
        redactor: The one way in which text gets in.
        topics: Where the messages of the sessions are noted; None where nobody will look at them.
        audit: The file that outlives this process; None for none.
        kept: Whether records are made at all; without, only the totals are, for a hub that nobody can look at: a record
            costs a tenth of a publish.

    Attributes:
        totals: Counts since the start.
        calls, publishes, changes, logs, findings: The rings, oldest first.
    """

    def __init__(
        self,
        redactor: Redactor | None = None,
        *,
        topics: "TopicTable | None" = None,
        audit: "Audit | None" = None,
        kept: bool = True,
    ) -> None:
        self.redactor = redactor or Redactor()
        self.topics = topics
        self._audit = audit
        self._kept = kept
        self.totals = Totals()
        self.calls: Ring[Call] = Ring(MAX_CALLS)
        self.publishes: Ring[Publish] = Ring(MAX_PUBLISHES)
        self.changes: Ring[Change] = Ring(MAX_CHANGES)
        self.logs: Ring[LogLine] = Ring(MAX_LOG_LINES)
        self.findings: Ring[Finding] = Ring(MAX_FINDINGS)
        self._last_id = 0
        self._listeners: list[Listener] = [audit.record] if audit is not None else []
        self._told_of_failure = False

    @property
    def kept(self) -> bool:
        """Whether records are made."""
        return self._kept

    @property
    def observe(self) -> Callable[[Message], None] | None:
        """Takes each message the sessions received, once; None when nobody wants them."""
        return None if self.topics is None else self.topics.take

    def listen(self, listener: Listener) -> None:
        """Have every record handed to ``listener``: synchronous, quick; what it raises is caught here."""
        self._listeners.append(listener)

    def call_began(self, tool: str, arguments: bytes, client: str) -> "CallEntry":
        """A client called a tool.

        Args:
            tool: What it called; any text.
            arguments: The arguments as they came: JSON, not yet checked.
            client: What the client calls itself.
        """
        entry = CallEntry(self, self._next_id(), trio.current_time())
        with self.boundary():
            self.totals.calls += 1
            if not self._kept:
                return entry
            args = self.redactor.arguments(arguments)
            session_id = args.get("session_id", "")
            entry.began(
                Call(
                    id=entry.id,
                    at_epoch_s=_now(),
                    tool=self.redactor.text(tool, 80),
                    client=self.redactor.text(client, 80),
                    summary=_summary(args),
                    args=args,
                    status="running",
                    session_id=session_id if isinstance(session_id, str) else "",
                )
            )
        return entry

    def published(
        self,
        publication: Publication,
        *,
        outcome: PublishOutcome,
        detail: str,
        session_id: str,
        broker: str,
        client: str,
        call_id: int,
    ) -> None:
        """A client asked for a message to be published, and this became of it."""
        with self.boundary():
            self.totals.publishes += 1
            self.totals.publishes_refused += outcome == "refused"
            if not self._kept:
                return
            payload, encoding, truncated = self.redactor.payload(publication.payload, topic=publication.topic)
            record = Publish(
                id=self._next_id(),
                at_epoch_s=_now(),
                call_id=call_id,
                session_id=self.redactor.text(session_id, 80),
                broker=broker,
                client=self.redactor.text(client, 80),
                topic=self.redactor.topic(publication.topic),
                payload=payload,
                encoding=encoding,
                truncated=truncated,
                size_bytes=len(publication.payload),
                qos=publication.qos,
                retain=publication.retain,
                outcome=outcome,
                detail=self.redactor.text(detail, _DETAIL_CHARS),
            )
            self.keep(self.publishes, record)

    def changed(self, kind: ChangeKind, text: str, *, session_id: str = "", collection_id: str = "") -> None:
        """Something began or ended; ``text`` is a sentence for a person."""
        if not self._kept and not logger.isEnabledFor(logging.INFO):
            return
        with self.boundary():
            record = Change(
                id=self._next_id(),
                at_epoch_s=_now(),
                kind=kind,
                text=self.redactor.text(text, _DETAIL_CHARS),
                session_id=session_id,
                collection_id=collection_id,
            )
            self.keep(self.changes, record)
            logger.info("%s", record.text)

    def logged(self, level: Level, name: str, text: str, *, at_epoch_s: float, missed: int = 0) -> None:
        """A line of this program's log; call it in trio's thread."""
        with self.boundary():
            record = LogLine(
                id=self._next_id(),
                at_epoch_s=at_epoch_s,
                level=level,
                logger=self.redactor.text(name, 80),
                text=self.redactor.lines(text, _LOG_CHARS),
                missed=missed,
            )
            self.keep(self.logs, record)

    def found(self, findings: Iterable[Found], origin: Origin) -> None:
        """A result told what is wrong; what the same watch told before is replaced where it changed."""
        if not self._kept:
            return
        with self.boundary():
            known, _ = self.findings.newest(MAX_FINDINGS, wanted=lambda one: one.collection_id == origin.collection_id)
            for told in noted(findings, known, origin, self.redactor, now_epoch_s=_now()):
                record = told
                if not record.id:
                    record = msgspec.structs.replace(record, id=self._next_id())
                    self.totals.findings[record.severity] += 1
                self.keep(self.findings, record)

    async def settled(self) -> None:
        """Wait until the audit, if there is one, has the publishes recorded so far on the disk; raises nothing.

        Cancellation: see ``Audit.settled``.
        """
        with self.boundary():
            if self._audit is not None:
                await self._audit.settled()

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def keep(self, ring: Ring[Any], record: Record) -> None:
        """Put a record into its ring and tell those who listen."""
        ring.put(record.id, record)
        for listener in self._listeners:
            with self.boundary():
                listener(record)

    @contextmanager
    def boundary(self) -> Iterator[None]:
        """What goes wrong inside loses a record and is counted."""
        try:
            yield
        except Exception:
            self.totals.failures += 1
            if not self._told_of_failure:
                self._told_of_failure = True  # a log line may be what failed: it must not go round for ever
                with suppress(Exception):
                    logger.exception("the journal lost a record; further losses are only counted")


class CallEntry:
    """One call in the journal, from its beginning to its end; made by ``Journal.call_began``.

    Attributes:
        id: The number of the call's record.
    """

    def __init__(self, journal: Journal, record_id: int, began_s: float) -> None:
        self.id = record_id
        self._journal = journal
        self._began_s = began_s
        self._record: Call | None = None

    def began(self, record: Call) -> None:
        """Keep the record of the beginning."""
        self._record = record
        self._journal.keep(self._journal.calls, record)

    def opened(self, session_id: str) -> None:
        """The call opened this session."""
        if self._record is not None and not self._record.session_id:
            self._record = msgspec.structs.replace(self._record, session_id=session_id)

    def ended(self, status: CallStatus, *, result_bytes: int = 0, error: str = "") -> None:
        """Record how it ended."""
        journal = self._journal
        with journal.boundary():
            journal.totals.calls_failed += status in ("error", "timeout")
            if self._record is None:
                return
            duration_s = trio.current_time() - self._began_s
            record = msgspec.structs.replace(
                self._record,
                status=status,
                duration_ms=round(duration_s * 1000, 2),
                result_bytes=result_bytes,
                error=journal.redactor.lines(error, 1_000),
            )
            journal.keep(journal.calls, record)


def _now() -> float:
    return round(time.time(), 3)


def _summary(args: dict[str, Any]) -> str:
    """The main argument in one line, made of arguments that are fit to be shown already."""
    main = next((str(args[name]) for name in _MAIN_ARGUMENTS if args.get(name) not in (None, "")), "")
    if "payload" in args:
        main = f"{main} ← {args['payload']}"
    return main if len(main) <= _SUMMARY_CHARS else main[: _SUMMARY_CHARS - 1] + "…"
