"""What payloads on topics look like: profiles per topic while listening, one JSON Schema per topic template at the end.

Owns the grouping of topics, the encoding of each by majority, and the bounds on both. The profile of one group is
``profile.py``'s, its rendering ``report.py``'s. Never guesses a schema for an encoding it cannot
read: it names the encoding and says how sure it is.
"""

import json
from collections import Counter
from sys import getsizeof

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.memory import FLOAT_BYTES, Names, slots_bytes
from mqtt_mcp.analysis.payloads.decoding import BINARY_FORMATS, Decoded, decode
from mqtt_mcp.analysis.payloads.shape import signature
from mqtt_mcp.analysis.schema.profile import Profile
from mqtt_mcp.analysis.schema.report import JSON_ENCODINGS, Group, SchemaReport, TopicSchema, chars, fitting
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.analysis.topics.templates import templates
from mqtt_mcp.mqtt.client import Message

MAX_TOPICS = 5_000
"""Topics profiled; messages on further ones are only counted."""
MAX_NODES = 40_000
"""Nodes of all profiles together; topics first seen beyond that are only counted."""
FULL_RATE_MESSAGES = 200
"""Messages of one topic all of which are profiled; of further ones every tenth, and new lengths."""
MAX_PARSED_BYTES = 1024 * 1024
"""Larger payloads are counted as encoding ``too_large`` and not looked into."""
_MAX_GROUPS = 60
_TOPIC_BYTES = slots_bytes(12) + getsizeof(Counter(x=1)) + 2 * FLOAT_BYTES


class _Topic:
    """One topic while listening."""

    __slots__ = ("encodings", "first_s", "last_s", "let_go", "max_bytes", "messages", "min_bytes", "profile",
                 "profiled", "shape", "stored", "texts")  # fmt: skip

    def __init__(self, t_s: float) -> None:
        self.encodings: Counter[str] = Counter()
        self.messages = self.stored = self.profiled = 0
        self.first_s = self.last_s = t_s
        self.min_bytes = 1 << 60
        self.max_bytes = 0
        self.shape = ""
        self.profile: Profile | None = None
        """JSON values."""
        self.texts: Profile | None = None
        """Payloads of textual encodings, as numbers or strings."""
        self.let_go = False
        """Its profiles had to go: it is only counted from then on."""

    @property
    def nodes(self) -> int:
        """Nodes of both profiles."""
        return sum(one.nodes for one in (self.profile, self.texts) if one)

    @property
    def profile_bytes(self) -> int:
        """What both profiles take, about."""
        return sum(one.held_bytes for one in (self.profile, self.texts) if one) + getsizeof(self.shape)

    def let_profiles_go(self) -> None:
        """Only count from here on."""
        self.profile = self.texts = None
        self.profiled = 0
        self.shape = ""
        self.let_go = True


class SchemaAccumulator:
    """Profiles messages per topic; see ``accumulator.Accumulator`` for the contract.

    Args:
        output: ``json_schema`` for documents, ``summary`` for lines.
        strict: Observed ranges and values become keywords of the schema.
        max_chars: Bound of the rendered report as JSON.
    """

    def __init__(self, *, output: str = "json_schema", strict: bool = False, max_chars: int = 20_000) -> None:
        self.messages = 0
        self._output = output
        self._strict = strict
        self._max_chars = max_chars
        self._topics: dict[str, _Topic] = {}
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
        return self._held_bytes + getsizeof(self._topics) + self._uncounted.held_bytes

    def shrink(self, target_bytes: int) -> None:
        """Let go until about ``target_bytes`` are held, those of the topics seen last first.

        Profiles go first, then names of topics; what is gone is only counted from then on, and no topic is added.
        """
        if self.kept_bytes <= target_bytes:
            return
        self._full = True
        self._uncounted.shrink()
        for topic in reversed(self._topics.values()):
            if self.kept_bytes <= target_bytes:
                return
            if not topic.let_go:
                self._held_bytes -= topic.profile_bytes - getsizeof("")
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
            self._held_bytes -= getsizeof(name) + _TOPIC_BYTES + topic.profile_bytes
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
                return
            topic = self._topics[message.topic] = _Topic(t_s)
            self._held_bytes += _TOPIC_BYTES + getsizeof(message.topic) + getsizeof("")
        topic.messages += 1
        topic.stored += message.retain
        topic.last_s = t_s
        size = len(message.payload)
        novel = not topic.min_bytes <= size <= topic.max_bytes
        topic.min_bytes = min(topic.min_bytes, size)
        topic.max_bytes = max(topic.max_bytes, size)
        if topic.let_go or (topic.messages > FULL_RATE_MESSAGES and topic.messages % 10 and not novel):
            return
        if size > MAX_PARSED_BYTES:
            topic.encodings["too_large"] += 1
            return
        content_type = message.properties.content_type if message.properties else ""
        self._profile(topic, decode(message.payload, message.topic, content_type), message, t_s)

    def _profile(self, topic: _Topic, decoded: Decoded, message: Message, t_s: float) -> None:
        topic.encodings[decoded.format] += 1
        topic.profiled += 1
        nodes, profile_bytes = topic.nodes, topic.profile_bytes
        if decoded.format in JSON_ENCODINGS:
            topic.profile = topic.profile or Profile()
            topic.profile.add(decoded.value, t_s)
            if not topic.shape:
                topic.shape = signature(decoded.value)
        elif decoded.format == "number" and _is_json_number(message.payload):
            topic.texts = topic.texts or Profile()
            topic.texts.add(decoded.value, t_s)
        elif decoded.format not in BINARY_FORMATS and decoded.format not in {"empty", "json_deep"}:
            text = decoded.value if isinstance(decoded.value, str) else message.payload.decode("utf-8", "replace")
            topic.texts = topic.texts or Profile()
            topic.texts.add(text, t_s)
        self._nodes += topic.nodes - nodes
        self._held_bytes += topic.profile_bytes - profile_bytes

    def progress(self) -> str:
        """Counts only."""
        return f"{self.messages} messages on {len(self._topics) + len(self._uncounted)} topics"

    def groups(self) -> list[Group]:
        """The topics by template, most messages first."""
        shapes = {name: topic.shape for name, topic in self._topics.items() if topic.shape}
        by_template: dict[str, list[str]] = {}
        for name, template in templates(self._topics, shapes).items():
            by_template.setdefault(template, []).append(name)
        found = [self._merge(template, sorted(names)) for template, names in by_template.items()]
        return sorted(found, key=lambda group: (-group.messages, group.template))

    def _merge(self, template: str, names: list[str]) -> Group:
        members = [self._topics[name] for name in names]
        profile, texts = Profile(), Profile()
        encodings: Counter[str] = Counter()
        for member in members:
            if member.profile:
                profile.merge(member.profile)
            if member.texts:
                texts.merge(member.texts)
            encodings.update(member.encodings)
        return Group(
            template=names[0] if len(names) == 1 else template,
            topics=tuple(names),
            messages=sum(member.messages for member in members),
            stored=sum(member.stored for member in members),
            encodings=encodings,
            profile=profile,
            texts=texts,
            sizes=(min(member.min_bytes for member in members), max(member.max_bytes for member in members)),
            profiled=sum(member.profiled for member in members),
        )

    def result(self, window: Window) -> SchemaReport:
        """The schemas as of now, fitted into ``max_chars``: first less detail, then fewer of them."""
        groups = self.groups()
        shown: list[TopicSchema] = []
        not_shown: list[str] = []
        left = self._max_chars
        for at, group in enumerate(groups):
            share = max(1_500, left // max(1, min(len(groups), _MAX_GROUPS) - at)) if left > 0 else 0
            rendered = (
                None
                if len(shown) >= _MAX_GROUPS
                else fitting(
                    group,
                    output=self._output,
                    strict=self._strict,
                    elapsed_s=window.elapsed_s,
                    max_chars=max(left // 2, min(left, 2 * share)),
                )
            )
            if rendered is None:
                not_shown.append(clean(group.template, 160))
                left -= 100 if len(not_shown) <= 40 else 0
                continue
            left -= chars(rendered)
            shown.append(rendered)
        return SchemaReport(
            messages=self.messages,
            topics=len(self._topics) + len(self._uncounted),
            profiled=sum(topic.profiled for topic in self._topics.values()),
            topics_not_profiled=len(self._uncounted) + sum(topic.let_go for topic in self._topics.values()),
            messages_not_listed=self._uncounted_messages,
            schemas=shown,
            not_shown=not_shown[:40] + ([f"… and {len(not_shown) - 40} more"] if len(not_shown) > 40 else []),
        )


def _is_json_number(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), (int, float))
    except ValueError:
        return False
