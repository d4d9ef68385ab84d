"""From what the result of a watch tells to records: redacted, bounded, and each thing once.

Pure. Knows no tool; a watch says by its ``WatchRequest.findings`` what its results tell. Keeps nothing: the journal
does, and tells followers.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import islice

import msgspec

from mqtt_mcp.hub.records import SEVERITIES, Finding, Found, Severity
from mqtt_mcp.hub.redaction import Redactor

MAX_OF_ONE_RESULT = 50
"""The worst; a plant with a thousand troubled devices must not push every other watch out of the ring."""
# Together with the length of the ring they bound its memory: below 2 MB of any text, below 1 MB of plain text.
CODE_CHARS = 60
TEXT_CHARS = 400
WHERE_CHARS = 300

_RANKS = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The watch a result belongs to.

    Attributes:
        tool: The tool that started it.
        label: What is watched: a topic filter or a device; as the client wrote it.
        session_id, collection_id: Its session and itself.
        started_at_epoch_s: When it began.
    """

    tool: str
    label: str
    session_id: str
    collection_id: str
    started_at_epoch_s: float


def noted(
    found: Iterable[Found], known: Iterable[Finding], origin: Origin, redactor: Redactor, *, now_epoch_s: float
) -> list[Finding]:
    """The records in which a result differs from what was recorded of its watch before.

    Two things are the same when code and place are; of several in one place, the first is the first of before.

    Args:
        found: What the result tells.
        known: The records of this watch, newest first.
        origin: The watch.
        redactor: The one way in which text gets into a record.
        now_epoch_s: When the result was made.

    Returns:
        At most ``MAX_OF_ONE_RESULT``, the worst last, so that it is the newest: lists begin with it, and the ring lets
        it go last. New ones have the id 0.
    """
    before: defaultdict[tuple[str, str], deque[Finding]] = defaultdict(deque)
    for record in known:
        before[record.code, record.where].append(record)
    records = []
    worst_first = sorted(found, key=lambda one: _RANKS[_severity(one)])
    for one in islice(worst_first, MAX_OF_ONE_RESULT):
        code = redactor.text(one.code, CODE_CHARS)
        where = _where(one, origin, redactor)
        earlier = before[code, where].popleft() if before[code, where] else None
        record = Finding(
            id=earlier.id if earlier else 0,
            at_epoch_s=earlier.at_epoch_s if earlier else now_epoch_s,
            severity=_severity(one),
            code=code,
            text=redactor.quoting(one.text, TEXT_CHARS, topic=one.topic) or code.replace("_", " "),
            where=where,
            tool=origin.tool,
            session_id=origin.session_id,
            collection_id=origin.collection_id,
            since_epoch_s=round(origin.started_at_epoch_s + one.at_s, 3) if one.at_s > 0 else msgspec.UNSET,
            count=one.count,
        )
        if record != earlier:
            records.append(record)
    return records[::-1]


def _severity(one: Found) -> Severity:
    return next((severity for severity in SEVERITIES if severity == one.severity), "info")


def _where(one: Found, origin: Origin, redactor: Redactor) -> str:
    """The topic; or the device, whose name may come from a payload; or what was watched."""
    if one.topic:
        return redactor.topic(one.topic, WHERE_CHARS)
    return redactor.quoting(one.device, WHERE_CHARS, topic="") or redactor.topic(origin.label, WHERE_CHARS)
