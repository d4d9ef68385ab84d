"""What a broker tells of its clients and of itself as it happens: who came, who went and why, and its alarms.

Owns the event topics of NanoMQ (``$SYS/brokers/connected``), EMQX and RMQTT (``$SYS/brokers/<node>/clients/<id>/…``,
``…/alarms/activate``) and their bounded counts. Every text in it is foreign: client ids, reasons, alarm names. Counters
and levels are ``sys_topics.py``'s.
"""

from collections import Counter
from sys import getsizeof

import msgspec

from mqtt_mcp.analysis.text import clean

MAX_CLIENTS = 1_000
MAX_REASONS = 30
MAX_ALARMS = 30
MAX_PAYLOAD_BYTES = 8_192
ID_CHARS, REASON_CHARS, ALARM_CHARS = 80, 60, 120
SHOWN = 5
TAKEN_OVER = frozenset({"takenover", "takeover", "discarded", "8e", "142", "session taken over"})
"""Reasons that mean: another client came with the same client id (MQTT 5 reason 0x8E)."""
OTHER = "(others)"


class ReasonCount(msgspec.Struct, frozen=True):
    """Why clients were disconnected, in the broker's own words or as a reason code in hexadecimal; and how often."""

    reason: str
    clients: int


class ClientCount(msgspec.Struct, frozen=True):
    """How often one client id connected, and how often it was thrown out by another one with the same id."""

    client_id: str
    connects: int
    taken_over: int


class Alarm(msgspec.Struct, frozen=True):
    """An alarm of the broker that was raised during the watch; ``active`` unless it was cleared again."""

    name: str
    message: str
    active: bool


class BrokerEvents(msgspec.Struct, frozen=True, kw_only=True):
    """Events of the watch.

    Attributes:
        connected, disconnected: Clients that came and went, as far as the broker tells it.
        refused: Of those that came, how many were not let in.
        taken_over: Of those that went, how many because another client had the same client id.
        reasons: Why they went, most frequent first.
        busiest: Client ids that connected most often, only those that did more than once.
        alarms: Alarms that were raised.
    """

    connected: int
    disconnected: int
    refused: int
    taken_over: int
    reasons: list[ReasonCount]
    busiest: list[ClientCount]
    alarms: list[Alarm]


class _Event(msgspec.Struct):
    """The fields of the event payloads that are used; brokers spell them differently."""

    clientid: str = ""
    client_id: str = ""
    reason: str = ""
    reason_code: str | int = ""
    return_code: str | int = ""
    connack: str | int = ""
    name: str = ""
    message: str = ""


_decoder = msgspec.json.Decoder(_Event, strict=False)


def is_event(topic: str) -> bool:
    """Whether a topic below ``$SYS/`` is one of events, which come when something happens and not at intervals."""
    if topic in {"$SYS/brokers/connected", "$SYS/brokers/disconnected"}:
        return True
    if not topic.startswith("$SYS/brokers/"):
        return False
    return "/clients/" in topic or topic.endswith(("/alarms/activate", "/alarms/deactivate")) or "/sysmon/" in topic


class EventCounts:
    """Counts events; at most 1,000 clients, 30 reasons and 30 alarms are told apart."""

    def __init__(self) -> None:
        self.events = 0
        self._connected = 0
        self._disconnected = 0
        self._refused = 0
        self._taken_over = 0
        self._reasons: Counter[str] = Counter()
        self._connects: dict[str, list[int]] = {}
        self._alarms: dict[str, tuple[str, bool]] = {}

    def add(self, topic: str, payload: bytes) -> None:
        """Take one event; what is not understood is only counted."""
        self.events += 1
        event = _read(payload)
        kind = topic.rpartition("/")[2]
        if kind == "connected":
            self._came(event, topic)
        elif kind == "disconnected":
            self._went(event, topic)
        elif kind == "activate" and event.name:
            if event.name[:ALARM_CHARS] in self._alarms or len(self._alarms) < MAX_ALARMS:
                self._alarms[event.name[:ALARM_CHARS]] = (event.message[:ALARM_CHARS], True)
        elif kind == "deactivate" and event.name[:ALARM_CHARS] in self._alarms:
            message, _ = self._alarms[event.name[:ALARM_CHARS]]
            self._alarms[event.name[:ALARM_CHARS]] = (message, False)

    def _came(self, event: _Event, topic: str) -> None:
        self._connected += 1
        if str(event.return_code or event.connack or 0) not in {"", "0"}:
            self._refused += 1
        if (counts := self._client(event, topic)) is not None:
            counts[0] += 1

    def _went(self, event: _Event, topic: str) -> None:
        self._disconnected += 1
        reason = (event.reason or str(event.reason_code)).strip().lower()[:REASON_CHARS]
        if reason in TAKEN_OVER:
            self._taken_over += 1
            if (counts := self._client(event, topic)) is not None:
                counts[1] += 1
        if reason:
            known = reason in self._reasons or len(self._reasons) < MAX_REASONS
            self._reasons[reason if known else OTHER] += 1

    def _client(self, event: _Event, topic: str) -> list[int] | None:
        client_id = event.clientid or event.client_id
        if not client_id and "/clients/" in topic:
            client_id = topic.partition("/clients/")[2].rpartition("/")[0]
        client_id = client_id[:ID_CHARS]
        counts = self._connects.get(client_id)
        if counts is None and client_id and len(self._connects) < MAX_CLIENTS:
            counts = self._connects[client_id] = [0, 0]
        return counts

    @property
    def held_bytes(self) -> int:
        """About what the tables take; at most half a megabyte."""
        tables = getsizeof(self._connects) + getsizeof(self._reasons) + getsizeof(self._alarms)
        return tables + 400 * len(self._connects) + 300 * len(self._reasons) + 1_000 * len(self._alarms)

    def result(self) -> BrokerEvents | None:
        """The counts; None when there was no event."""
        if not self.events:
            return None
        reasons = sorted(self._reasons.items(), key=lambda item: (-item[1], item[0]))
        often = [(name, came, thrown) for name, (came, thrown) in self._connects.items() if came > 1 or thrown]
        often.sort(key=lambda client: (-client[1], -client[2], client[0]))
        return BrokerEvents(
            connected=self._connected,
            disconnected=self._disconnected,
            refused=self._refused,
            taken_over=self._taken_over,
            reasons=[ReasonCount(clean(reason, REASON_CHARS), count) for reason, count in reasons[:SHOWN]],
            busiest=[ClientCount(clean(name, ID_CHARS), came, taken) for name, came, taken in often[:SHOWN]],
            alarms=[
                Alarm(clean(name, ALARM_CHARS), clean(message, ALARM_CHARS), active)
                for name, (message, active) in list(self._alarms.items())[: 2 * SHOWN]
            ],
        )


def _read(payload: bytes) -> _Event:
    if len(payload) > MAX_PAYLOAD_BYTES:
        return _Event()
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Event()
