"""The tool ``publish_message``: one message out, and an honest account of what became of it.

Owns its arguments, the gates' order and the outcome. Does not decide what may be published (``hub.policy``), does not
check topics and sizes (the MQTT port) and does not collect answers (``_confirmation``).
"""

import base64
import binascii
from typing import Annotated, Literal

import msgspec
import trio

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.hub.session import Session
from mqtt_mcp.mqtt.client import Properties, Publication, Receipt
from mqtt_mcp.mqtt.errors import ConnectionLost, PayloadTooLarge, TimedOut
from mqtt_mcp.mqtt.reason_codes import NO_MATCHING_SUBSCRIBERS, meaning
from mqtt_mcp.mqtt.topics import check_topic_name
from mqtt_mcp.tools._base import Context, Tool
from mqtt_mcp.tools._confirmation import Response, confirming
from mqtt_mcp.tools._listening import SessionId
from mqtt_mcp.tools._publish_record import PublishRecord, recording
from mqtt_mcp.tools._publish_warnings import publish_warnings

Encoding = Literal["text", "hex", "base64"]
Outcome = Literal["acknowledged", "sent", "not_sent", "unknown"]


class Args(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to publish where, and how to find out whether it worked."""

    session_id: SessionId
    topic: Annotated[
        str, msgspec.Meta(description="One exact topic, no wildcards. Topics that begin with $ are refused.")
    ]
    payload: Annotated[
        str,
        msgspec.Meta(
            description='The payload as a string; for JSON write it out: "{\\"state\\":\\"ON\\"}". May be empty.'
        ),
    ]
    payload_encoding: Annotated[
        Encoding, msgspec.Meta(description="How payload is written: text (sent as UTF-8), hex or base64 for binary.")
    ] = "text"
    qos: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            le=2,
            description="1 (default): the broker acknowledges, so the outcome is known. 0: sent without any answer. "
            "2: exactly once.",
        ),
    ] = 1
    retain: Annotated[
        bool,
        msgspec.Meta(
            description="Have the broker keep it for future subscribers. Right for states, wrong for commands."
        ),
    ] = False
    allow_clear: Annotated[
        bool,
        msgspec.Meta(description="Needed to delete the topic's stored message, which an empty retained payload does."),
    ] = False
    content_type: Annotated[str, msgspec.Meta(description="MQTT 5 content type, such as application/json.")] = ""
    response_topic: Annotated[str, msgspec.Meta(description="MQTT 5 response topic.")] = ""
    user_properties: Annotated[
        list[str], msgspec.Meta(max_length=50, description='MQTT 5 user properties, each "key=value".')
    ] = msgspec.field(default_factory=list)
    message_expiry_s: Annotated[
        int, msgspec.Meta(ge=0, le=4_294_967_295, description="MQTT 5 message expiry in seconds; 0: never.")
    ] = 0
    confirm_topic: Annotated[
        str,
        msgspec.Meta(
            description="Topic filter to watch for the answer, subscribed to before publishing: the state topic, "
            "such as zigbee2mqtt/lamp after zigbee2mqtt/lamp/set, or stat/plug/RESULT after cmnd/plug/POWER."
        ),
    ] = ""
    confirm_seconds: Annotated[
        float, msgspec.Meta(ge=0.1, le=60.0, description="How long to wait for answers, in seconds: 0.1 to 60.")
    ] = 5.0


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What became of the message."""

    outcome: Annotated[
        Outcome,
        msgspec.Meta(
            description="acknowledged: the broker has it. sent: QoS 0, nobody can tell. not_sent: nothing left this "
            "machine. unknown: it may or may not have arrived; look before publishing again."
        ),
    ]
    detail: Annotated[str, msgspec.Meta(description="The same in a sentence, with what to do next.")]
    topic: Annotated[str, msgspec.Meta(description="The topic it went to.")]
    qos: Annotated[int, msgspec.Meta(description="QoS it was published with.")]
    retain: Annotated[bool, msgspec.Meta(description="Whether the broker was asked to keep it.")]
    payload_bytes: Annotated[int, msgspec.Meta(description="Size of the payload in bytes.")]
    reason_code: Annotated[
        int | msgspec.UnsetType,
        msgspec.Meta(
            description="MQTT 5 reason code of the acknowledgement; absent without one. 16: nobody subscribes."
        ),
    ] = msgspec.UNSET
    meaning: Annotated[str, msgspec.Meta(description="What the reason code means.")] = ""
    ack_ms: Annotated[
        float | msgspec.UnsetType, msgspec.Meta(description="Milliseconds until the acknowledgement.")
    ] = msgspec.UNSET
    warnings: Annotated[list[str], msgspec.Meta(description="What is unusual about this message.")] = msgspec.field(
        default_factory=list
    )
    responses: Annotated[
        list[Response], msgspec.Meta(description="First messages on confirm_topic after publishing, at most 10.")
    ] = msgspec.field(default_factory=list)
    confirmation: Annotated[
        str, msgspec.Meta(description="What was seen on confirm_topic, in a sentence; absent when none was asked for.")
    ] = ""


async def run(context: Context, args: Args) -> Result:
    """Check, subscribe to the answer if asked to, publish, wait.

    Raises:
        ToolError: The configuration forbids it, an argument is wrong, the broker refused it, or the answer's topic
        cannot
            be watched. Nothing reached any device then.

    Cancellation: the message may have been sent; the subscription for the answer is taken back.
    """
    async with recording(context, args.session_id, attempted(args)) as record:
        return await _run(context, args, record)


async def _run(context: Context, args: Args, record: PublishRecord) -> Result:
    hub = context.hub
    session = hub.session(args.session_id, context.client)
    record.broker = session.broker.url
    publication = _publication(args, max_bytes=hub.settings.max_publish_bytes)
    hub.policy.check_publish(args.topic)
    if args.confirm_topic:
        hub.policy.check_filter(args.confirm_topic)
    warnings = publish_warnings(publication, protocol=session.capabilities.protocol)
    if session.state != "connected":
        return record.of(_result(args, publication, "not_sent", _not_sent(session), warnings))
    if not args.confirm_topic:
        return record.of(await _publish(session, args, publication, warnings))
    async with confirming(session, args.confirm_topic, publication) as confirmation:
        confirmation.begin(trio.current_time())
        # Whatever becomes of the wait for an answer: what became of the message is known now.
        result = record.of(await _publish(session, args, publication, warnings))
        await confirmation.wait(args.confirm_seconds)
        responses, sentence = confirmation.account(args.confirm_seconds)
        return msgspec.structs.replace(result, responses=responses, confirmation=sentence)


async def _publish(session: Session, args: Args, publication: Publication, warnings: list[str]) -> Result:
    try:
        receipt = await session.publish(publication)
    except ConnectionLost as error:
        if session.state != "connected" and publication.qos == 0:
            detail = f"{error.message} A QoS 0 message is not repeated: it may be lost."
        else:
            detail = f"{error.message} It is not known whether the message arrived: look before publishing again."
        return _result(args, publication, "unknown", detail, warnings)
    except TimedOut as error:
        # Before PUBACK or PUBCOMP was waited for (stages "window" and "write"), nothing had left.
        outcome: Outcome = "unknown" if error.stage in ("PUBACK", "PUBCOMP") else "not_sent"
        return _result(args, publication, outcome, f"{error.message} {error.hint}", warnings)
    return _accounted(args, publication, receipt, session.capabilities.protocol, warnings)


def _accounted(args: Args, publication: Publication, receipt: Receipt, protocol: str, warnings: list[str]) -> Result:
    if not receipt.acknowledged:
        return _result(args, publication, "sent", "Sent with QoS 0, which is never acknowledged.", warnings)
    detail = "The broker acknowledged it."
    if receipt.reason_code == NO_MATCHING_SUBSCRIBERS:
        detail = "The broker acknowledged it, but no client subscribes to this topic: nobody received it. Is it right?"
        if publication.retain and publication.payload:
            detail = "The broker acknowledged and stored it; no client subscribes to this topic now."
    elif protocol != "5.0":
        detail += " MQTT 3.1.1 cannot tell whether anybody subscribes or the access list dropped it."
    if publication.retain and not publication.payload:
        detail += " The topic's stored message is deleted."
    result = _result(args, publication, "acknowledged", detail, warnings)
    ack_ms = round(receipt.ack_s * 1000, 2)
    if protocol != "5.0":
        return msgspec.structs.replace(result, ack_ms=ack_ms)
    return msgspec.structs.replace(
        result, ack_ms=ack_ms, reason_code=receipt.reason_code, meaning=meaning(receipt.reason_code)
    )


def _result(args: Args, publication: Publication, outcome: Outcome, detail: str, warnings: list[str]) -> Result:
    return Result(
        outcome=outcome,
        detail=detail,
        topic=args.topic,
        qos=publication.qos,
        retain=publication.retain,
        payload_bytes=len(publication.payload),
        warnings=warnings,
    )


def _not_sent(session: Session) -> str:
    return (
        f"Nothing was sent: the connection to {session.broker.url} is {session.state}. "
        "Call again in a few seconds; list_active_connections shows the state."
    )


def _publication(args: Args, *, max_bytes: int) -> Publication:
    """The message the arguments mean.

    Raises:
        ToolError: The topic breaks a rule, the payload cannot be decoded or is too large, or it would clear a stored
            message without ``allow_clear``.
    """
    check_topic_name(args.topic)
    payload = _payload(args)
    if len(payload) > max_bytes:
        raise PayloadTooLarge(
            f"The payload is {len(payload):,} bytes; this server publishes at most {max_bytes:,}.",
            "Send less, or have max_publish_bytes raised in the configuration.",
        )
    if args.retain and not payload and not args.allow_clear:
        raise ToolError(
            ErrorKind.BAD_ARGUMENT,
            "An empty retained payload deletes the stored message of this topic. Nothing was published.",
            "If that is wanted, pass allow_clear true; otherwise give a payload or retain false.",
        )
    return Publication(
        topic=args.topic, payload=payload, qos=args.qos, retain=args.retain, properties=_properties(args)
    )


def attempted(args: Args) -> Publication:
    """What was asked for, as far as it can be told, for the journal: refused messages are recorded too."""
    try:
        payload = _payload(args)
    except ToolError:
        payload = args.payload.encode("utf-8", "replace")
    return Publication(topic=args.topic, payload=payload, qos=args.qos, retain=args.retain)


def _payload(args: Args) -> bytes:
    try:
        match args.payload_encoding:
            case "hex":
                return bytes.fromhex(args.payload)
            case "base64":
                return base64.b64decode(args.payload, validate=True)
            case _:
                return args.payload.encode()
    except (binascii.Error, ValueError):
        raise ToolError(
            ErrorKind.BAD_ARGUMENT,
            f"payload is not valid {args.payload_encoding}. Nothing was published.",
            "Write hex as pairs of digits (0a ff), base64 with padding; or use payload_encoding text.",
        ) from None


def _properties(args: Args) -> Properties | None:
    pairs = []
    for text in args.user_properties:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ToolError(
                ErrorKind.BAD_ARGUMENT,
                "Each of user_properties must be key=value; one has no key or no '='. Nothing was published.",
                'Write for example ["source=assistant"].',
            )
        pairs.append((key, value))
    properties = Properties(
        content_type=args.content_type,
        response_topic=args.response_topic,
        message_expiry_s=args.message_expiry_s or None,
        user_properties=tuple(pairs),
    )
    return None if properties == Properties() else properties


TOOL = Tool(
    name="publish_message",
    title="Publish a message",
    description=(
        "Publish one message. This acts on the real world: a device may switch, move or be reconfigured, so do it only "
        "when the user asked for it, and look at the topic first (subscribe_and_collect, get_topic_schema) to "
        "know what "
        "the device understands. The outcome is honest: acknowledged, sent (QoS 0), not_sent or unknown; QoS 1 is the "
        "default because with QoS 0 nobody can tell. An acknowledgement means that the broker has it, not that "
        "a device "
        "obeyed: set confirm_topic to the device's state topic to see its answer in the same call. Retained command "
        "messages are repeated to the device at each reconnect: keep retain false for commands. Payload up to 1 MiB by "
        "default; the person who runs this server may limit or switch off publishing."
    ),
    args=Args,
    result=Result,
    run=run,
    read_only=False,
    destructive=True,
)
