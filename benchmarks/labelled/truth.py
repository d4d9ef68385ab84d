"""What is known of every message of a trace, as values. Makes no traffic and scores nothing."""

import msgspec

SEVERITY_WEIGHT = {"critical": 4.0, "high": 3.0, "medium": 2.0, "low": 1.0}
"""How much an anomaly counts, by its severity."""


class Anomaly(msgspec.Struct, frozen=True):
    """The label of an injected anomaly; several messages may share one id, each with a part of its own.

    Attributes:
        id: One incident.
        type: What was injected.
        severity: ``critical``, ``high``, ``medium`` or ``low``.
        part: Which part of the incident the message carries, e.g. ``offline`` and ``online`` of one outage.
        finding: The code a diagnosis of the device should report for it.
    """

    id: str
    type: str
    severity: str
    part: str
    finding: str

    def as_part(self, part: str) -> "Anomaly":
        """The same incident, seen in another of its parts."""
        return msgspec.structs.replace(self, part=part)


class Truth(msgspec.Struct, frozen=True):
    """What a message really is.

    Attributes:
        scenario: The trace it belongs to.
        device: Who published it, or whom it is about.
        kind: telemetry, state, availability, command, response, event, log, info, discovery, …
        struct: Its structure (schema variant), unique together with the template.
        template: The template of its topic, varying levels as ``{name}``.
        fmt: Its encoding.
        change: The discrete state it carries, ``key:value``.
        retained_pub: Whether its publisher set the retain flag.
        anomaly: The incident it shows.
    """

    scenario: str
    device: str | None
    kind: str
    struct: str
    template: str
    fmt: str
    change: str | None
    retained_pub: bool
    anomaly: Anomaly | None


class LabelledMessage(msgspec.Struct, frozen=True):
    """A message as a subscriber sees it, with its truth.

    Attributes:
        t: Seconds since the watch began.
        topic: Its topic.
        payload: Its bytes.
        qos: Its quality of service.
        retain: The delivered flag: only stored messages that were sent because of the subscription have it.
        truth: What an examined analysis may not see.
    """

    t: float
    topic: str
    payload: bytes
    qos: int
    retain: bool
    truth: Truth


class DeviceFinding(msgspec.Struct, frozen=True):
    """Something wrong with a device that no single message carries: a gap, a value that is stuck, jitter."""

    device: str
    code: str
    severity: str
    note: str
