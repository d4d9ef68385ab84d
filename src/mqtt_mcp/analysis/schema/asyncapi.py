"""What was seen as an AsyncAPI 3.1.0 document: a channel for each template, what is received and what can be sent.

Owns the names of channels, parameters, messages and operations, and the MQTT bindings. Payload schemas are
``document.py``'s. Foreign text stands in ``address``, the ``examples`` of parameters and inside the schemas only;
identifiers are made of letters, digits and ``_``.
"""

import re
from collections.abc import Sequence
from typing import Any

from mqtt_mcp.analysis.schema.encodings import media_type
from mqtt_mcp.analysis.schema.groups import Group
from mqtt_mcp.analysis.schema.topic_schema import TopicSchema
from mqtt_mcp.analysis.text import clean

VERSION = "3.1.0"
_BINDING_VERSION = "0.2.0"
_ID_CHARS = 60
_MAX_LEVELS = 40
_COMMAND_WORDS = frozenset(
    {"set", "cmnd", "cmd", "command", "commands", "ncmd", "dcmd", "request", "down", "rpc", "get", "desired", "control"}
)
_VARIABLE = re.compile(r"\{([^{}]*)\}")


def is_command(template: str) -> bool:
    """Whether messages on these topics tell a device what to do: an application sends them, too."""
    levels = [level.lower() for level in template.split("/", _MAX_LEVELS)]
    return not _COMMAND_WORDS.isdisjoint(levels[-2:]) or levels[0] in {"cmnd", "command"} or "NCMD" in template


def address_of(group: Group) -> tuple[str, dict[str, Any]]:
    """The address of a channel with a name in each variable level, and these parameters with examples."""
    named: list[str] = []
    parameters: dict[str, Any] = {}
    for at, level in enumerate(group.template.split("/", _MAX_LEVELS)):
        found = _VARIABLE.fullmatch(level)
        if "{" not in level and "}" not in level:
            named.append(clean(level, 120))
            continue
        before = _VARIABLE.sub("", named[-1]) if named else ""
        wanted = found.group(1) if found else ""
        name = _identifier(wanted) or (f"{_identifier(before)}_id" if _identifier(before) else f"level_{at}")
        while name in parameters:
            name += "_"
        levels = [topic.split("/", _MAX_LEVELS) for topic in group.topics[:200]]
        seen = dict.fromkeys(clean(one[at], 60) for one in levels if len(one) > at)
        parameters[name] = {"examples": list(seen)[:3]}
        named.append("{" + name + "}")
    return "/".join(named), parameters


def _identifier(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text[:_ID_CHARS]).strip("_")


def _channel_parts(group: Group, schema: TopicSchema) -> dict[str, Any]:
    """What one group adds to the document: ``channel``, ``message`` and ``operation``, without names of others."""
    address, parameters = address_of(group)
    channel: dict[str, Any] = {"address": address}
    if parameters:
        channel["parameters"] = parameters
    message: dict[str, Any] = {"contentType": media_type(schema.encoding), "payload": schema.schema}
    if schema.other_encodings:
        message["x-mqtt-encoding-share"] = schema.encoding_share
        message["x-mqtt-other-encodings"] = schema.other_encodings
    if schema.shortened:
        message["x-mqtt-shortened"] = schema.shortened
    binding = {"qos": min(2, max(0, group.qos)), "retain": group.stored > 0, "bindingVersion": _BINDING_VERSION}
    return {"channel": channel, "message": message, "operation": {"bindings": {"mqtt": binding}}}


def asyncapi_document(shown: Sequence[tuple[Group, TopicSchema]], *, messages: int, seconds: float) -> dict[str, Any]:
    """The document. Groups with one address become one channel with several messages.

    Args:
        shown: Groups with their rendered schemas, in order.
        messages: All messages of the watch, for the account of the sample.
        seconds: How long was listened.
    """
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    names: dict[str, str] = {}
    for group, schema in shown:
        parts = _channel_parts(group, schema)
        channel, message = parts["channel"], parts["message"]
        address = channel["address"]
        if address not in names:
            names[address] = _free(_identifier(address) or "topic", channels)
            channels[names[address]] = {**channel, "messages": {}}
        name = names[address]
        own = channels[name]["messages"]
        message_name = _free(_identifier(schema.encoding) or "message", own)
        own[message_name] = message
        actions = ("receive", "send") if is_command(group.template) else ("receive",)
        reference = {"$ref": f"#/channels/{name}/messages/{message_name}"}
        for action in actions:
            operation = operations.setdefault(
                f"{action}_{name}",
                {"action": action, "channel": {"$ref": f"#/channels/{name}"}, "messages": [], **parts["operation"]},
            )
            operation["messages"].append(reference)
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "MQTT topics as observed",
            "version": "0.1.0",
            "description": "Inferred from messages that were seen. What was observed is not all that is allowed.",
            "x-mqtt-sample": {"messages": messages, "seconds": round(seconds, 1)},
        },
        "channels": channels,
        "operations": operations,
    }


def _free(wanted: str, taken: dict[str, Any]) -> str:
    """A name that is not taken: ``state``, then ``state_2``."""
    name, turn = wanted, 2
    while name in taken:
        name, turn = f"{wanted}_{turn}", turn + 1
    return name
