"""What the journal remembers, as values: one tool call, publish, change, log line, topic, and one finding of a result.

Owns their shape and nothing else: text in them has been through ``redaction`` already, but for ``Found``, which is what
a tool hands in. Times are wall clock, in seconds
since 1970; ids grow by one with every record of the process, whatever its kind.
"""

from typing import Any, Literal, get_args

import msgspec

CallStatus = Literal["running", "ok", "error", "timeout", "cancelled"]
PublishOutcome = Literal["acknowledged", "sent", "not_sent", "unknown", "refused"]
Encoding = Literal["utf-8", "base64", "sha256", "hidden"]
Level = Literal["debug", "info", "warning", "error"]
Severity = Literal["critical", "high", "medium", "low", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Worst first."""
ChangeKind = Literal[
    "session_opened",
    "session_lost",
    "session_restored",
    "session_ended",
    "collection_started",
    "collection_ended",
    "client_came",
    "client_went",
    "person_acted",
]


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One tool call of a client, from its arrival on; recorded again, with the same id, when it ends.

    Attributes:
        id: Its number.
        at_epoch_s: When it came.
        tool: Name of the tool.
        client: What the client calls itself.
        summary: The main argument in one line, at most 200 characters.
        args: The arguments, redacted and cut.
        session_id: The session it named or opened; empty when none.
        status: ``running`` until it ends.
        duration_ms: How long it took; absent while it runs.
        result_bytes: Size of the result as JSON; 0 while it runs and when it failed.
        error: What the client was told when it failed.
    """

    id: int
    at_epoch_s: float
    tool: str
    client: str
    summary: str
    args: dict[str, Any]
    status: CallStatus
    session_id: str = ""
    duration_ms: float | msgspec.UnsetType = msgspec.UNSET
    result_bytes: int = 0
    error: str = ""


class Publish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message a client asked to publish; refused ones too.

    Attributes:
        id: Its number.
        at_epoch_s: When the outcome was known.
        call_id: The call that asked; 0 when unknown.
        session_id: The session it went through.
        broker: The broker's address, without credentials.
        client: What the client calls itself.
        topic: Where to.
        payload: The first 512 bytes, as ``encoding`` says.
        encoding: ``utf-8`` text, ``base64`` of bytes that are no text, ``sha256`` of all of it, or ``hidden``.
        truncated: Whether there is more of it than ``payload`` shows.
        size_bytes: All of it.
        qos: Asked for.
        retain: Asked for.
        outcome: What became of it.
        detail: The same in a sentence.
    """

    id: int
    at_epoch_s: float
    call_id: int
    session_id: str
    broker: str
    client: str
    topic: str
    payload: str
    encoding: Encoding
    size_bytes: int
    qos: int
    retain: bool
    outcome: PublishOutcome
    truncated: bool = False
    detail: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something began or ended: a session, a collection, a client.

    Attributes:
        id: Its number.
        at_epoch_s: When.
        kind: What.
        text: A sentence for a person.
        session_id: The session concerned; empty when none.
        collection_id: The collection concerned; empty when none.
    """

    id: int
    at_epoch_s: float
    kind: ChangeKind
    text: str
    session_id: str = ""
    collection_id: str = ""


class LogLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of this program's log.

    Attributes:
        id: Its number.
        at_epoch_s: When it was written.
        level: How serious it is.
        logger: Which part wrote it.
        text: What it says; a traceback has several lines.
        missed: Lines lost just before this one, because too many came at once.
    """

    id: int
    at_epoch_s: float
    level: Level
    logger: str
    text: str
    missed: int = 0


class Topic(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was received on one topic by the sessions of this hub.

    Attributes:
        topic: Its name, cleaned for display.
        at_epoch_s: When the last message came.
        count: Messages received on it, each once.
        payload, encoding, truncated, size_bytes: The last message's; see ``Publish``.
        qos: The last message's.
        retain: Whether the last message was a stored one.
    """

    topic: str
    at_epoch_s: float
    count: int
    payload: str
    encoding: Encoding
    size_bytes: int
    qos: int
    retain: bool = False
    truncated: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong that the result of a watch tells, as its tool has it: any text, of any length.

    Attributes:
        severity: One of ``SEVERITIES``; what is none of them counts as ``info``.
        code: What kind of thing it is, a word for programs.
        text: One sentence for a person; may quote payloads.
        topic: Where it showed; empty when it belongs to no topic.
        device: The device concerned; empty when that is not known. Shown where there is no topic.
        at_s: Seconds from the start of the watch to when it showed first; 0 when that is not known.
        count: How often it showed; 0 when that was not counted.
    """

    severity: str
    code: str
    text: str
    topic: str = ""
    device: str = ""
    at_s: float = 0.0
    count: int = 0


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something wrong that the result of a watch told; recorded again, with the same id, when a later look says more.

    Attributes:
        id: Its number.
        at_epoch_s: When a result told it first.
        severity: How bad it is.
        code: What kind of thing it is, a word for programs.
        text: The same in a sentence.
        where: The topic or the device; what was watched when it is neither.
        tool: The tool whose result told it.
        session_id: The session it was seen on.
        collection_id: The watch that saw it.
        since_epoch_s: When it showed first; absent when that is not known.
        count: How often it showed; 0 when that was not counted.
    """

    id: int
    at_epoch_s: float
    severity: Severity
    code: str
    text: str
    where: str
    tool: str
    session_id: str
    collection_id: str
    since_epoch_s: float | msgspec.UnsetType = msgspec.UNSET
    count: int = 0


Record = Call | Publish | Change | LogLine | Finding
