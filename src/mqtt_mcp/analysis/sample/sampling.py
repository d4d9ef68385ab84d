"""The accumulator of subscribe_and_collect: counts everything, keeps a bounded pool of messages worth showing.

Owns what is looked at closely: novelty, and a budget per topic and second that follows the messages' own times.
Counting is exact for every message, whatever the rate; parsing is not, and its share is reported. Does not choose what
is shown (``pool.py``, ``pruning.py``) nor how (``result.py``).
"""

from typing import Any

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.sample.commands import OpenCommands
from mqtt_mcp.analysis.sample.issues import Issues
from mqtt_mcp.analysis.sample.kept import KEPT_PAYLOAD_BYTES, Kept, parse
from mqtt_mcp.analysis.sample.more_topics import MoreTopics
from mqtt_mcp.analysis.sample.plans import Plans
from mqtt_mcp.analysis.sample.pool import Pool
from mqtt_mcp.analysis.sample.result import Counts, SampleResult, compose
from mqtt_mcp.analysis.sample.signals import Signal, about_message, without_echoes
from mqtt_mcp.analysis.sample.tables import TopicCount
from mqtt_mcp.analysis.sample.tracking import MAX_HASHES, MAX_NOVEL, TemplateState, TopicState
from mqtt_mcp.analysis.topics.templates import Masker, merge
from mqtt_mcp.mqtt.client import Message
from mqtt_mcp.settings import DEFAULTS, Settings

MAX_DETAILED_TOPICS = 5_000
_ALWAYS_PARSED = 50
_EARLY = 8
"""Before so many messages of a topic nobody knows whether a record is an extreme: each is kept."""
_PARSE_EVERY_S = 0.05
_ROOMY = 20
"""So many messages of each topic are kept for no reason of their own, as long as there is room."""
_ORDINARY_PER_BIN = 50
"""Messages of a twentieth of the watch that a full pool takes although nothing about them is new."""
_FLOOD = 2_000
_PARSED_IN_A_FLOOD = 300
"""After a tenth of a second with more than 2,000 messages there is time for counting: of the next tenth at most 300 are
looked into."""
_NEEDLE_EVERY_S = 0.02
_CALM_BYTES = 200
_TOPIC_BYTES = 2_000  # about what the state of a topic takes
_NEEDLES = (b"rror", b"RROR", b"ffline", b"larm", b"ailed")


class Sampler:
    """See the module; fulfils ``accumulator.Accumulator``.

    Args:
        max_messages: Size of the pool, 1 to ``settings.max_kept_messages``.
        duration_s: Length of the watch in seconds, for coverage of time.
        stop_at_max: End the watch when ``max_messages`` were seen.
        settings: Bounds.
    """

    def __init__(
        self,
        *,
        max_messages: int = DEFAULTS.max_kept_messages,
        duration_s: float = 30.0,
        stop_at_max: bool = False,
        settings: Settings = DEFAULTS,
    ) -> None:
        self._settings = settings
        self._shown = min(max_messages, settings.max_shown_messages)
        self._stop_after = max_messages if stop_at_max else 0
        self._bin_s = duration_s / 20
        self._counts = Counts()
        self._tenth = 0
        self._in_second = self._in_tenth = self._parsed_in_tenth = 0
        self._flooded = False
        self._topics: dict[str, TopicState] = {}
        self._templates: dict[tuple[str, ...], TemplateState] = {}
        self._masker = Masker()
        self._decoder = Decoder()
        self._plans = Plans()
        self._commands = OpenCommands()
        self._calm: set[tuple[str, bool, str]] = set()
        self._bin = -1
        self._ordinary_in_bin = 0
        self._more = MoreTopics()
        self._pool = Pool(max_messages, self._bin_s, self._decoder, self._plans)
        self._latest_bytes = 0
        self._issues = Issues()

    # -- every message ---------------------------------------------------------------------------

    def add(self, message: Message, t_s: float) -> None:
        """Count one message; look closer where it may be worth it."""
        counts = self._counts
        payload = message.payload
        size = len(payload)
        counts.messages += 1
        counts.bytes += size
        counts.by_qos[message.qos] += 1
        tenth = int(t_s * 10)
        if tenth != self._tenth:
            self._turn(tenth)
        self._in_tenth += 1
        self._in_second += 1
        if self._in_second > counts.rate_peak_1s:  # noqa: PLR1730 - max() would double the cost of this line
            counts.rate_peak_1s = self._in_second
        counts.stored += message.retain
        topic = self._topics.get(message.topic)
        if topic is None:
            topic = self._new_topic(message.topic, size, t_s)
            if topic is None:
                return
        topic.messages += 1
        topic.bytes += size
        topic.last_s = t_s
        topic.last_order = counts.messages
        held = size + message.properties.size if message.properties else size
        if held <= KEPT_PAYLOAD_BYTES:
            topic.last = message
            self._latest_bytes += held - topic.last_bytes
            topic.last_bytes = held
        elif topic.last is not None:
            topic.last = None
            self._latest_bytes -= topic.last_bytes
            topic.last_bytes = 0
        digest = hash(payload)
        seen = topic.hashes.get(digest)
        if seen is not None:
            topic.hashes[digest] = seen + 1
        elif len(topic.hashes) < MAX_HASHES:
            topic.hashes[digest] = 1
        if digest == topic.last_hash and topic.messages > 1:
            counts.duplicates += 1
        topic.last_hash = digest
        if (
            topic.messages <= _ALWAYS_PARSED or self._worth_it(topic, payload, size, known=seen is not None, t_s=t_s)
        ) and not (self._flooded and self._parsed_in_tenth >= _PARSED_IN_A_FLOOD):
            self._examine(message, topic, t_s)
        elif topic.kind.sparkplug:
            self._decoder.skipped(message.topic)

    def _turn(self, tenth: int) -> None:
        """Another tenth of a second began."""
        self._flooded = tenth == self._tenth + 1 and self._in_tenth > _FLOOD
        if tenth // 10 != self._tenth // 10:
            self._in_second = 0
        self._tenth = tenth
        self._in_tenth = self._parsed_in_tenth = 0

    def _worth_it(self, topic: TopicState, payload: bytes, size: int, *, known: bool, t_s: float) -> bool:
        novelty = (size << 8) | (payload[0] if size else 0)
        if novelty not in topic.novel and len(topic.novel) < MAX_NOVEL:
            topic.novel.add(novelty)
            return True
        if self._commands.awaits(topic.name):
            return True
        if t_s >= topic.next_parse_s:
            topic.next_parse_s = t_s + _PARSE_EVERY_S
            return True
        if known or t_s < topic.needle_s:
            return False
        for needle in _NEEDLES:
            if needle in payload:
                topic.needle_s = t_s + _NEEDLE_EVERY_S
                return True
        return False

    def _new_topic(self, name: str, size: int, t_s: float) -> TopicState | None:
        if len(self._topics) >= MAX_DETAILED_TOPICS:
            self._more.add(name, size, exact=self._settings.max_topics_exact - len(self._topics))
            return None
        masked = self._masker.mask(name)
        template = self._templates.get(masked)
        if template is None:
            template = self._templates[masked] = TemplateState()
        template.topics += 1
        state = self._topics[name] = TopicState(name, masked, template, t_s)
        return state

    # -- messages worth a closer look ------------------------------------------------------------

    def _examine(self, message: Message, topic: TopicState, t_s: float) -> None:
        self._counts.parsed += 1
        self._parsed_in_tenth += 1
        decoded = parse(message, self._decoder)
        value = decoded.value
        plan = self._plans.plan(value, topic.kind.name)
        kept = Kept(message, decoded, plan, topic, t_s=t_s, order=self._counts.messages)
        kept.first = topic.messages == 1
        signals = about_message(
            topic.kind, decoded, retain=message.retain, said_before=topic.bytes > len(message.payload)
        )
        reading = topic.note(plan.read(value), signals, self._calm, live=not message.retain)
        kept.numbers, kept.words = reading.numbers, reading.words
        if signals and any(signal.code == "online" for signal in signals):
            signals = _only_returns(signals, topic)
        if len(signals) > 1:
            signals = without_echoes(signals)
        known_shape = topic.note_shape(kept.structure, signals)
        topic.compare_with_siblings(kept.structure, reading, signals)
        kept.signals = signals
        self._follow_commands(kept, decoded.value)
        worth = self._issues.note(kept, signals) if signals else False
        if (
            worth
            or kept.first
            or not known_shape
            or reading.new_word
            or ((topic.parsed <= _ROOMY or t_s >= topic.next_admit_s) and self._has_room(t_s))
            or (reading.record and (topic.parsed <= _EARLY or kept.extremes()))
        ):
            topic.next_admit_s = t_s + self._bin_s
            self._pool.add(kept, decoded, self._issues.counts)

    def _follow_commands(self, kept: Kept, value: Any) -> None:
        message, topic = kept.message, kept.state
        if topic.kind.describes:
            self._commands.learn(topic.name.split("/", 40), value)
        elif not message.retain:
            if self._commands.awaits(topic.name):
                self._commands.take_answer(message, value, kept.t_s)
            if topic.kind.command:
                self._commands.take_command(kept, topic.name.split("/", 40), value, self._topics)

    def _has_room(self, t_s: float) -> bool:
        """Whether one more message may be kept although nothing about it is new."""
        if not self._pool.full:
            return True
        time_bin = int(t_s / self._bin_s)
        if time_bin != self._bin:
            self._bin, self._ordinary_in_bin = time_bin, 0
        self._ordinary_in_bin += 1
        return self._ordinary_in_bin <= _ORDINARY_PER_BIN

    # -- the contract ----------------------------------------------------------------------------

    @property
    def messages(self) -> int:
        """Messages seen, kept or not."""
        return self._counts.messages

    @property
    def done(self) -> bool:
        """True only with ``stop_at_max``, when so many messages were seen."""
        return 0 < self._stop_after <= self._counts.messages

    @property
    def kept_bytes(self) -> int:
        """About what the pool, the latest messages and the states of the topics take."""
        states = _TOPIC_BYTES * len(self._topics) + self._more.held_bytes
        learned = (
            self._commands.held_bytes
            + self._decoder.held_bytes
            + self._plans.held_bytes
            + _CALM_BYTES * len(self._calm)
        )
        return self._pool.held_bytes + self._latest_bytes + states + learned

    def shrink(self, target_bytes: int) -> None:
        """Let latest messages go, then halve the pool until it fits; counts and topics stay."""
        if self.kept_bytes > target_bytes and self._latest_bytes:
            for topic in self._topics.values():
                topic.last = None
                topic.last_bytes = 0
            self._latest_bytes = 0
        self._calm.clear()
        while self.kept_bytes > target_bytes and self._pool.size > 1:
            self._pool.size = max(1, self._pool.size // 2)
            self._pool.thin()

    def progress(self) -> str:
        """Counts so far."""
        topics = len(self._topics) + len(self._more)
        return f"{self._counts.messages} messages on {topics} topics"

    def result(self, window: Window) -> SampleResult:
        """What there is now, within ``settings.result_chars``."""
        shapes = {topic.masked: next(iter(topic.shapes)) for topic in self._topics.values() if topic.shapes}
        merged = merge([topic.masked for topic in self._topics.values()], shapes)
        # An answer in between is a look, not the result: the reader gets the whole of it at the end.
        running = window.ended_by == "running"
        shown = min(self._shown, self._settings.max_shown_while_running) if running else self._shown
        overdue = self._commands.overdue(window.elapsed_s)
        chosen, late = self._pool.choose(shown, self._topics, merged, self._issues.counts, overdue)
        return compose(
            counts=self._counts,
            elapsed_s=window.elapsed_s,
            chosen=chosen,
            late=late,
            topics=[
                TopicCount(
                    topic=topic.name,
                    template="/".join(merged.get(topic.masked, topic.masked)),
                    messages=topic.messages,
                    bytes=topic.bytes,
                    first_s=topic.first_s,
                    last_s=topic.last_s,
                    structures=len(topic.shapes),
                    last=topic.last,
                )
                for topic in self._topics.values()
            ],
            more=self._more.counts(),
            estimated=self._more.estimated,
            issues=self._issues.listed(late),
            max_chars=self._settings.result_chars - 2_500,
            decoder=self._decoder,
        )


def _only_returns(signals: list[Signal], topic: TopicState) -> list[Signal]:
    """Being online is worth a word only after having been offline."""
    found = [signal for signal in signals if signal.code != "online"]
    if topic.was_offline and len(found) < len(signals):
        found.append(Signal("back_online", "medium", "", "online again after having been offline"))
        topic.was_offline = False
    return found
