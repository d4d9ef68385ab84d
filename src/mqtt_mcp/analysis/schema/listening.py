"""What payloads on topics look like: profiles per topic while listening, one JSON Schema per topic template at the end.

Owns what is profiled and what is only counted, and the bounds on both. Joining the topics of a template is
``groups.py``'s, rendering ``report.py``'s. Never guesses a schema for an encoding it cannot read: it names the encoding
and says how sure it is.
"""

from collections import Counter
from sys import getsizeof

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.memory import Names, slots_bytes
from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.shape import signature
from mqtt_mcp.analysis.schema.encodings import Content, content_of, family, is_structured, max_tuple
from mqtt_mcp.analysis.schema.groups import Group, TopicFacts, joined, split
from mqtt_mcp.analysis.schema.layouts import Layout
from mqtt_mcp.analysis.schema.profile import Profile
from mqtt_mcp.analysis.schema.report import SchemaReport, report_of
from mqtt_mcp.analysis.schema.units import AnnouncedUnits, announces
from mqtt_mcp.analysis.topics.templates import templates
from mqtt_mcp.mqtt.client import Message

MAX_TOPICS = 5_000
"""Topics profiled; messages on further ones are only counted."""
MAX_NODES = 36_000
"""Nodes of all profiles together; topics first seen beyond that are only counted."""
FULL_RATE_MESSAGES = 200
"""Messages of one topic that are profiled whatever the load; further ones as long as there is ``PROFILED_PER_S``."""
PROFILED_PER_S = 2_000.0
"""Messages of 256 bytes profiled each second of the watch, so that a flood takes a part of a core only."""
BURST = 20_000.0
MAX_PARSED_BYTES = 1024 * 1024
"""Larger payloads are counted as encoding ``too_large`` and not looked into."""
MAX_FAMILIES = 4
"""Encodings of one topic that are profiled; messages in further ones are counted."""
_TOPIC_BYTES = slots_bytes(14) + getsizeof(Counter(x=1)) + getsizeof({"x": 1})


def _profile_bytes(topic: TopicFacts) -> int:
    layout = topic.layout.held_bytes if topic.layout else 0
    profiles = sum(one.held_bytes for one in topic.profiles.values())
    return profiles + layout + getsizeof(topic.shape) + getsizeof(topic.written)


_NO_PROFILE_BYTES = 2 * getsizeof("")


class SchemaAccumulator:
    """Profiles messages per topic; see ``accumulator.Accumulator`` for the contract.

    Args:
        output: ``json_schema`` for documents, ``asyncapi`` for one of all topics, ``summary`` for lines.
        strict: Observed ranges and values become keywords of the schema.
        max_chars: Bound of the rendered report as JSON.
    """

    def __init__(self, *, output: str = "json_schema", strict: bool = False, max_chars: int = 20_000) -> None:
        self.messages = 0
        self._output = output
        self._strict = strict
        self._max_chars = max_chars
        self._topics: dict[str, TopicFacts] = {}
        self._decoder = Decoder()
        self._announced = AnnouncedUnits()
        self._tokens = BURST
        self._last_s = 0.0
        self._uncounted = Names()
        self._uncounted_messages = 0
        self._nodes = 0
        self._held_bytes = 0
        self._full = False
        """Memory was short: no new topics."""

    @property
    def done(self) -> bool:
        """Never: every message may show something new."""
        return False

    @property
    def kept_bytes(self) -> int:
        """About how much the topics and their profiles hold."""
        remembered = self._decoder.held_bytes + self._announced.held_bytes
        return self._held_bytes + getsizeof(self._topics) + self._uncounted.held_bytes + remembered

    def shrink(self, target_bytes: int) -> None:
        """Let go until about ``target_bytes`` are held, those of the topics seen last first.

        What was announced and births go first, then profiles, then names of topics; what is gone is only counted from
        then on, and no topic is added.
        """
        if self.kept_bytes <= target_bytes:
            return
        self._full = True
        self._uncounted.shrink()
        if self._decoder.held_bytes > target_bytes // 4:
            self._decoder = Decoder()
        if self._announced.held_bytes > target_bytes // 4:
            self._announced.clear()
        for topic in reversed(self._topics.values()):
            if self.kept_bytes <= target_bytes:
                return
            if not topic.let_go:
                self._held_bytes -= _profile_bytes(topic) - _NO_PROFILE_BYTES
                self._nodes -= topic.nodes
                topic.let_profiles_go()
        going = []
        entry_bytes = getsizeof(self._topics) // max(1, len(self._topics))
        over_bytes = self.kept_bytes - target_bytes
        for name in reversed(self._topics):
            if over_bytes <= 0:
                break
            going.append(name)
            over_bytes -= getsizeof(name) + _TOPIC_BYTES + entry_bytes
        for name in going:
            topic = self._topics.pop(name)
            self._held_bytes -= getsizeof(name) + _TOPIC_BYTES + _profile_bytes(topic)
            self._uncounted.add(name)
            self._uncounted_messages += topic.messages
        self._topics = dict(self._topics)  # a dict keeps its table when entries go

    def add(self, message: Message, t_s: float) -> None:
        """Take one message."""
        self.messages += 1
        topic = self._topics.get(message.topic)
        if topic is None:
            if self._full or len(self._topics) >= MAX_TOPICS or self._nodes >= MAX_NODES:
                self._uncounted.add(message.topic)
                self._uncounted_messages += 1
                self._decoder.skipped(message.topic)
                return
            topic = self._topics[message.topic] = TopicFacts()
            self._held_bytes += _TOPIC_BYTES + getsizeof(message.topic) + _NO_PROFILE_BYTES
        topic.messages += 1
        topic.stored += message.retain
        topic.qos = max(topic.qos, message.qos)
        size = len(message.payload)
        novel = not topic.min_bytes <= size <= topic.max_bytes
        topic.min_bytes = min(topic.min_bytes, size)
        topic.max_bytes = max(topic.max_bytes, size)
        if topic.let_go or not self._may_profile(topic, size, novel=novel, t_s=t_s):
            self._decoder.skipped(message.topic)
        elif size > MAX_PARSED_BYTES:
            topic.encodings["too_large"] += 1
            self._decoder.skipped(message.topic)
        else:
            self._profile(topic, message, t_s)

    def _may_profile(self, topic: TopicFacts, size: int, *, novel: bool, t_s: float) -> bool:
        """Whether the load allows to look into a message; the first of a topic and new lengths for long."""
        self._tokens = min(BURST, self._tokens + (t_s - self._last_s) * PROFILED_PER_S)
        self._last_s = t_s
        if self._tokens < 1.0 and topic.messages > FULL_RATE_MESSAGES and not (novel and self._tokens > -BURST):
            return False
        self._tokens = max(-BURST, self._tokens - 1.0 - size / 256)
        return True

    def _profile(self, topic: TopicFacts, message: Message, t_s: float) -> None:
        content_type = message.properties.content_type if message.properties else ""
        decoded = self._decoder.decode(message.payload, message.topic, content_type)
        content = content_of(decoded, message.payload)
        topic.encodings[content.encoding] += 1
        topic.profiled += 1
        nodes, held_bytes = topic.nodes, _profile_bytes(topic)
        if content.has_value:
            self._profile_value(topic, content, message, t_s)
            if not topic.shape and is_structured(content.encoding):
                topic.shape = decoded.shape or signature(content.value)
        elif content.encoding != "empty":
            topic.layout = topic.layout or Layout()
            topic.layout.add(message.payload)
        self._nodes += topic.nodes - nodes
        self._held_bytes += _profile_bytes(topic) - held_bytes

    def _profile_value(self, topic: TopicFacts, content: Content, message: Message, t_s: float) -> None:
        found = family(content.encoding)
        profile = topic.profiles.get(found)
        if profile is None:
            if len(topic.profiles) >= MAX_FAMILIES:
                return
            profile = topic.profiles[found] = Profile(max_tuple(found))
        profile.add(content.value, t_s, live=not message.retain)
        if content.written:
            topic.unit = content.unit if topic.unit in {"", content.unit} else " "
            topic.written = topic.written or content.written
        elif content.unit:
            self._announced.take_list(message.topic, content.unit)
        if announces(message.topic):
            self._announced.take(message.topic, content.value)

    def progress(self) -> str:
        """Counts only."""
        return f"{self.messages} messages on {len(self._topics) + len(self._uncounted)} topics"

    def groups(self) -> list[Group]:
        """The topics by template, most messages first; those of one template apart when their encodings differ."""
        shapes = {name: topic.shape for name, topic in self._topics.items() if topic.shape}
        by_template: dict[str, list[str]] = {}
        for name, template in templates(self._topics, shapes).items():
            by_template.setdefault(template, []).append(name)
        found = [
            joined(name, part, self._topics, self._announced.of(tuple(part)))
            for template, names in by_template.items()
            for name, part in split(template, names, self._topics)
        ]
        return sorted(found, key=lambda group: (-group.messages, group.template, group.encoding))

    def result(self, window: Window) -> SchemaReport:
        """The schemas as of now, fitted into ``max_chars``: first less detail, then fewer of them."""
        return report_of(
            self.groups(),
            window,
            output=self._output,
            strict=self._strict,
            max_chars=self._max_chars,
            messages=self.messages,
            topics=len(self._topics) + len(self._uncounted),
            topics_not_profiled=len(self._uncounted) + sum(topic.let_go for topic in self._topics.values()),
            messages_not_listed=self._uncounted_messages,
        )
