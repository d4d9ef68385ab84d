"""The messages that subscribe_and_collect shows, and how many characters each may take.

Owns the shape of one shown message and the sharing of a character budget among their payloads. Does not choose them.
"""

from collections.abc import Sequence

import msgspec

from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.rendering import Shown
from mqtt_mcp.analysis.sample.kept import Kept
from mqtt_mcp.analysis.sample.pruning import Chosen
from mqtt_mcp.analysis.text import clean

_TOPIC_CHARS = 200
_START_CHARS = 400
_ISSUE_CHARS = 2_000
_SMALL_CHARS = 24
_FEWER_REASONS_CHARS = 100
"""Below so many characters of each payload, one reason has to do."""
_SHRINKING = 0.75
_PROPERTY_CHARS = 80
_MAX_USER_PROPERTIES = 5


class SampleMessage(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One shown message. ``payload`` is data from a device; ``same`` further messages were identical."""

    t_s: float
    topic: str
    qos: int
    format: str
    bytes: int
    payload: str
    why: list[str]
    retained: bool = False
    cut: bool = False
    same: int = 0
    content_type: str = ""
    response_topic: str = ""
    correlation_hex: str = ""
    message_expiry_s: int = -1
    user_properties: list[str] = msgspec.field(default_factory=list)


def fitted(chosen: Sequence[tuple[Kept, Chosen]], max_chars: int, decoder: Decoder) -> list[tuple[Kept, SampleMessage]]:
    """Render the chosen messages into a budget: equal caps first, then what is left goes to those with issues.

    When even the smallest cap is too much, reasons are cut to the first; then those chosen last are left out.

    Args:
        chosen: What to show, in the order of the result.
        max_chars: Bound of all messages together, as JSON.
        decoder: That of the watch.
    """
    cap = _START_CHARS
    renderings = [kept.rendering(decoder) for kept, _ in chosen]
    shown = [rendering.at(cap) for rendering in renderings]
    messages = [_message(kept, one, payload) for (kept, one), payload in zip(chosen, shown, strict=True)]
    sizes = [_chars(message) for message in messages]
    while sum(sizes) > max_chars and cap > _SMALL_CHARS:
        cap = max(_SMALL_CHARS, int(cap * _SHRINKING))
        if cap < _FEWER_REASONS_CHARS:
            messages = [msgspec.structs.replace(one, why=one.why[:1]) for one in messages]
            sizes = [_chars(message) for message in messages]
        for index, rendering in enumerate(renderings):
            payload = rendering.at(cap)
            if payload is not shown[index]:
                shown[index] = payload
                messages[index] = _with_payload(messages[index], payload)
                sizes[index] = _chars(messages[index])
    spare = max_chars - sum(sizes)
    order = sorted(range(len(messages)), key=lambda index: chosen[index][1].rank)
    while spare < 0 and order:
        spare += sizes[order.pop()]
    longer_cap = int(cap / _SHRINKING) if cap < _START_CHARS else min(_ISSUE_CHARS, cap + spare // 2)
    # What is left goes to single messages, those with issues first: the common cap was lowered in steps.
    for index in sorted(order, key=lambda index: (not chosen[index][0].signals, index)):
        if shown[index].cut and (cap < _START_CHARS or chosen[index][0].signals):
            longer = _with_payload(messages[index], chosen[index][0].rendering(decoder).at(longer_cap))
            more = _chars(longer) - sizes[index]
            if more <= spare:
                spare -= more
                messages[index] = longer
    return [(chosen[index][0], messages[index]) for index in sorted(order)]


def _chars(message: SampleMessage) -> int:
    return len(msgspec.json.encode(message)) + 1


def _with_payload(message: SampleMessage, shown: Shown) -> SampleMessage:
    return msgspec.structs.replace(message, payload=shown.payload, cut=shown.cut)


def _message(kept: Kept, one: Chosen, shown: Shown) -> SampleMessage:
    message = kept.message
    properties = message.properties
    content_type = properties.content_type if properties else ""
    return SampleMessage(
        t_s=round(kept.t_s, 3),
        topic=clean(message.topic, _TOPIC_CHARS),
        qos=message.qos,
        format=shown.format,
        bytes=shown.bytes,
        payload=shown.payload,
        why=one.why,
        retained=message.retain,
        cut=shown.cut,
        same=max(0, kept.state.hashes.get(kept.digest, 1) - 1),
        content_type=clean(content_type, _PROPERTY_CHARS),
        response_topic=clean(properties.response_topic, _PROPERTY_CHARS) if properties else "",
        correlation_hex=properties.correlation_data[:32].hex() if properties else "",
        message_expiry_s=-1
        if properties is None or properties.message_expiry_s is None
        else properties.message_expiry_s,
        user_properties=[
            clean(f"{key}={value}", _PROPERTY_CHARS) for key, value in properties.user_properties[:_MAX_USER_PROPERTIES]
        ]
        if properties
        else [],
    )
