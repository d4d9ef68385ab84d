"""Topic names and topic filters: which are valid (and, if not, why) and which match.

Owns the rules of MQTT 5 §4.7 and of UTF-8 strings (§1.5.4), for both protocol versions. Does not decide what may be
read or published: the hub's access policy does.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from mqtt_mcp.mqtt.errors import TopicInvalid

MAX_TOPIC_BYTES = 65_535
"""Longest UTF-8 string of MQTT, in bytes (MQTT-4.7.3-3)."""

_SHOWN_CHARS = 80
# U+0000 and surrogates are forbidden; the others are "SHOULD NOT" (MQTT 5 §1.5.4), and brokers such as mosquitto close
# the connection for them.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def check_topic_name(topic: str) -> None:
    """Check the topic of a message to publish.

    Args:
        topic: Topic name, 1 to 65,535 bytes of UTF-8, without wildcards.

    Raises:
        TopicInvalid: Names the rule, the character and its position (counted from 1).
    """
    _check_text(topic, "topic name")
    wildcard = next((i for i, char in enumerate(topic) if char in "+#"), None)
    if wildcard is not None:
        raise TopicInvalid(
            f"The topic name {_shown(topic)} has the wildcard '{topic[wildcard]}' at character {wildcard + 1}; "
            "wildcards are allowed in topic filters only (MQTT-4.7.1-1).",
            "Name one exact topic; list_topics shows which exist.",
        )


def check_topic_filter(topic_filter: str) -> None:
    """Check a topic filter to subscribe to.

    Args:
        topic_filter: Topic filter, 1 to 65,535 bytes of UTF-8; ``+`` and ``#`` fill whole levels, ``#`` only the last.

    Raises:
        TopicInvalid: Names the rule, the character and its position (counted from 1); also for shared subscriptions.
    """
    _check_text(topic_filter, "topic filter")
    if topic_filter == "$share" or topic_filter.startswith("$share/"):
        raise TopicInvalid(
            f"The topic filter {_shown(topic_filter)} is a shared subscription (MQTT 5 §4.8.2), which would take "
            "messages away from the programs that share it.",
            "Subscribe to the filter without $share/<name>/.",
        )
    at = 0
    levels = topic_filter.split("/")
    for number, level in enumerate(levels):
        for wildcard, rule in (("#", "MQTT-4.7.1-1"), ("+", "MQTT-4.7.1-2")):
            position = at + level.find(wildcard) + 1
            if wildcard in level and level != wildcard:
                raise TopicInvalid(
                    f"The topic filter {_shown(topic_filter)} has '{wildcard}' at character {position} beside other "
                    f"characters; a wildcard has to fill its whole level ({rule}).",
                    f"Write '{wildcard}' alone between slashes.",
                )
            if level == "#" and number != len(levels) - 1:
                raise TopicInvalid(
                    f"The topic filter {_shown(topic_filter)} has '#' at character {position} before its end; '#' has "
                    "to be the last character (MQTT-4.7.1-1).",
                    "Use '+' for one level in the middle, or end the filter at '#'.",
                )
        at += len(level) + 1


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a valid topic filter matches a topic name (MQTT 5 §4.7).

    A filter that begins with a wildcard does not match a topic that begins with ``$`` (MQTT-4.7.2-1).
    """
    return matcher(topic_filter)(topic)


@lru_cache(maxsize=4096)
def matcher(topic_filter: str) -> Callable[[str], bool]:
    """The compiled form of a topic filter: a function from topic name to whether it matches. For hot loops."""
    if topic_filter == "#":
        return _without_dollar
    if "+" not in topic_filter and not topic_filter.endswith("/#"):
        return topic_filter.__eq__
    if "+" not in topic_filter:
        parent, prefix = topic_filter[:-2], topic_filter[:-1]
        return lambda topic: topic.startswith(prefix) or topic == parent
    levels = topic_filter.split("/")
    tail = ""
    if levels[-1] == "#":
        levels.pop()
        tail = "(?:/.*)?"  # "a/#" matches its parent "a" as well (MQTT 5 §4.7.1.2)
    head = r"(?!\$)" if levels[0] == "+" else ""
    body = "/".join("[^/]*" if level == "+" else re.escape(level) for level in levels)
    fullmatch = re.compile(head + body + tail, re.DOTALL).fullmatch
    return lambda topic: fullmatch(topic) is not None


def check_text(text: str, what: str) -> None:
    """Check any UTF-8 string that goes into a packet (MQTT 5 §1.5.4); it may be empty.

    Args:
        text: The string, up to 65,535 bytes of UTF-8.
        what: What it is, for the message.

    Raises:
        TopicInvalid: Names the rule, the character and its position.
    """
    bad = _UNWANTED.search(text)
    if bad is not None:
        code_point = ord(bad[0])
        rule = "MQTT-4.7.3-2"
        if code_point:
            rule = "MQTT-1.5.4-1" if 0xD800 <= code_point <= 0xDFFF else "MQTT 5 §1.5.4"
        raise TopicInvalid(
            f"The {what} {_shown(text)} has the character U+{code_point:04X} at character {bad.start() + 1}, which "
            f"MQTT does not carry ({rule}).",
            "Leave that character out.",
        )
    size = len(text.encode())
    if size > MAX_TOPIC_BYTES:
        raise TopicInvalid(
            f"The {what} {_shown(text)} is {size:,} bytes long; MQTT allows {MAX_TOPIC_BYTES:,} (MQTT-4.7.3-3).",
            "Use a shorter one.",
        )


def _check_text(text: str, what: str) -> None:
    if not text:
        raise TopicInvalid(f"The {what} is empty; it needs at least one character (MQTT-4.7.3-1).", "Give one.")
    check_text(text, what)


def _without_dollar(topic: str) -> bool:
    return not topic.startswith("$")


def _shown(text: str) -> str:
    # repr() escapes whatever does not print: control, bidi and unassigned characters, lone surrogates.
    return repr(text) if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]!r}…(+{len(text) - _SHOWN_CHARS})"
