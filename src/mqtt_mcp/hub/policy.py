"""What this hub may publish and read: the gates that the person who configured it set.

Owns the decision and its wording. Does not know the broker's own access list; a broker may refuse more.
"""

import msgspec

from mqtt_mcp.errors import ErrorKind, ToolError
from mqtt_mcp.mqtt.topics import matches


class AccessPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What gates publishing, reading and connecting; an empty allow list allows everything not denied.

    Attributes:
        read_only: Nothing may be published at all.
        profiles_only: No broker but the configured ones may be connected to (``brokers.resolve_broker`` holds it).
        publish_allow, publish_deny: Gates for topic names we publish to; deny wins.
        read_allow, read_deny: Gates for topics whose messages may be shown; deny wins.
    """

    read_only: bool = False
    profiles_only: bool = False
    publish_allow: tuple[str, ...] = ()
    publish_deny: tuple[str, ...] = ()
    read_allow: tuple[str, ...] = ()
    read_deny: tuple[str, ...] = ()

    def check_publish(self, topic: str) -> None:
        """Refuse a topic name that may not be published to.

        Raises:
            ToolError: ``not_allowed_here``, naming the gate that closed and how the person can open it.
        """
        if self.read_only:
            raise ToolError(
                ErrorKind.NOT_ALLOWED_HERE,
                "Publishing is switched off (read-only).",
                "The person who runs mqtt-mcp can switch it on by removing --read-only / MQTT_MCP_READ_ONLY.",
            )
        if topic.startswith("$"):
            raise ToolError(
                ErrorKind.NOT_ALLOWED_HERE,
                "Topics that begin with $ belong to the broker (MQTT 5 §4.7.2) and are never published to.",
                "Use a topic without the leading $.",
            )
        denied = next((f for f in self.publish_deny if matches(f, topic)), None)
        if denied is not None:
            raise ToolError(
                ErrorKind.NOT_ALLOWED_HERE,
                f"The configuration denies publishing to topics that match '{denied}'.",
                "Only the person who runs mqtt-mcp can change publish_deny.",
            )
        if self.publish_allow and not any(matches(f, topic) for f in self.publish_allow):
            raise ToolError(
                ErrorKind.NOT_ALLOWED_HERE,
                "The configuration allows publishing only to: " + ", ".join(self.publish_allow) + ".",
                "Use a topic that matches one of these, or ask the person who runs mqtt-mcp to extend publish_allow.",
            )

    def may_publish(self, topic: str) -> bool:
        """Whether ``check_publish`` lets this topic pass."""
        try:
            self.check_publish(topic)
        except ToolError:
            return False
        return True

    def check_filter(self, topic_filter: str) -> None:
        """Refuse a topic filter of which nothing may be read; a filter of which some may be read passes.

        Raises:
            ToolError: ``not_allowed_here``.
        """
        denied = next((f for f in self.read_deny if covers(f, topic_filter)), None)
        if denied is not None:
            raise ToolError(
                ErrorKind.NOT_ALLOWED_HERE,
                f"The configuration denies reading topics that match '{denied}'.",
                "Only the person who runs mqtt-mcp can change read_deny.",
            )
        if self.read_allow and not any(overlaps(f, topic_filter) for f in self.read_allow):
            raise ToolError(
                ErrorKind.NOT_ALLOWED_HERE,
                "The configuration allows reading only: " + ", ".join(self.read_allow) + ".",
                "Use a filter inside one of these.",
            )

    def may_read(self, topic: str) -> bool:
        """Whether a message on ``topic`` may be shown to anybody."""
        if any(matches(f, topic) for f in self.read_deny):
            return False
        return not self.read_allow or any(matches(f, topic) for f in self.read_allow)


def covers(wide: str, narrow: str) -> bool:
    """Whether every topic that ``narrow`` matches is matched by ``wide`` too (both topic filters)."""
    wide_levels, narrow_levels = wide.split("/"), narrow.split("/")
    if wide_levels[0] in ("#", "+") and narrow.startswith("$"):
        return False  # MQTT-4.7.2-1: a leading wildcard does not match topics that begin with $
    for i, level in enumerate(wide_levels):
        if level == "#":
            return True
        if i >= len(narrow_levels) or narrow_levels[i] == "#":
            return False
        if level not in ("+", narrow_levels[i]):
            return False
    return len(wide_levels) == len(narrow_levels)


def overlaps(one: str, other: str) -> bool:
    """Whether some topic is matched by both topic filters."""
    one_levels, other_levels = one.split("/"), other.split("/")
    if one_levels[0].startswith("$") != other_levels[0].startswith("$"):
        return False
    for a, b in zip(one_levels, other_levels, strict=False):
        if "#" in (a, b):
            return True
        if "+" not in (a, b) and a != b:
            return False
    longer = max(one_levels, other_levels, key=len)
    shorter = min(one_levels, other_levels, key=len)
    # `a/#` matches its parent `a` as well (MQTT 5 §4.7.1.2).
    return len(longer) == len(shorter) or (len(longer) == len(shorter) + 1 and longer[-1] == "#")
