"""Which topics there are: the accumulator of list_topics.

Owns exact counts per topic up to a bound, an estimate beyond it, templates over all topics, and pages of rows that fit
a number of characters. Keeps no payload.
"""

from sys import getsizeof

import msgspec

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.distinct import Distinct
from mqtt_mcp.analysis.memory import FLOAT_BYTES, slots_bytes
from mqtt_mcp.analysis.payloads.decoding import BINARY_FORMATS, decode
from mqtt_mcp.analysis.payloads.shape import structure_of
from mqtt_mcp.analysis.rows import fitting, json_chars
from mqtt_mcp.analysis.text import clean
from mqtt_mcp.analysis.topics.templates import Masker, merge
from mqtt_mcp.analysis.topics.topic_page import BINARY, EMPTY, LIVE, RETAINS, STORED, Page, TopicRow, page_of
from mqtt_mcp.mqtt.client import Message
from mqtt_mcp.settings import DEFAULTS, Settings

_LOOKED_AT_BYTES = 2_048
_SHAPED_TOPICS = 5_000
_EARLY_TOPICS = 10_000  # topics known to be retained before their first message was counted
_TEMPLATE_LINES = 60
_TEMPLATE_CHARS = 7_000
_MAX_TEMPLATES_COUNTED = 20_000
_ENVELOPE_CHARS = 3_500  # what the tool says around rows and templates
_ROW_BYTES = slots_bytes(5) + 2 * FLOAT_BYTES
_REGISTERS_BYTES = 4_300
_COUNTS_BYTES = 136  # the list of two numbers of a template beyond the bound
_REST = ("{…}",)  # the template of whatever is not told apart any more


class TopicMapResult(msgspec.Struct, frozen=True):
    """Everything list_topics reports besides the circumstances; ``templates`` are lines, largest first."""

    topics: int
    topics_estimated: bool
    messages: int
    bytes: int
    stored_topics: int
    live_topics: int
    live_retained_topics: int
    page: Page
    templates: list[str]
    templates_total: int
    conventions: list[str]


class TopicMap:
    """The accumulator. See ``accumulator.Accumulator`` for the contract.

    Args:
        settings: Bounds: ``max_topics_exact`` and ``max_topics_listed``.
    """

    def __init__(self, settings: Settings = DEFAULTS) -> None:
        self._settings = settings
        self._max_exact = settings.max_topics_exact
        self._max_templates = _MAX_TEMPLATES_COUNTED
        self._rows: dict[str, TopicRow] = {}
        self._masker = Masker()
        self._shapes: dict[tuple[str, ...], str] = {}
        self._messages = 0
        self._bytes = 0
        self._row_bytes = 0
        self._shape_bytes = 0
        self._beyond_bytes = 0
        self._gone_stored = 0
        self._gone_live = 0
        self._gone_retained = 0
        self._early: set[str] = set()
        self._early_bytes = 0
        self._beyond: Distinct | None = None
        self._beyond_templates: dict[tuple[str, ...], list[int]] = {}

    def add(self, message: Message, t_s: float) -> None:
        """Count one message."""
        payload = message.payload
        self._messages += 1
        self._bytes += len(payload)
        topic = message.topic
        row = self._rows.get(topic)
        if row is None:
            row = self._new_row(topic, payload, t_s)
            if row is None:
                return
        row.messages += 1
        row.last_s = t_s
        flags = row.flags | (STORED if message.retain else LIVE)
        row.flags = (flags & ~EMPTY) if payload else (flags | EMPTY)

    def note_live_retained(self, topic: str) -> None:
        """A live message with its publisher's retain flag was seen on ``topic``, perhaps before ``add`` is told."""
        row = self._rows.get(topic)
        if row is not None:
            row.flags |= RETAINS
        elif len(self._early) < _EARLY_TOPICS and self._max_exact:
            self._early.add(topic)
            self._early_bytes += getsizeof(topic)

    def _new_row(self, topic: str, payload: bytes, t_s: float) -> TopicRow | None:
        if len(self._rows) >= self._max_exact:
            self._count_beyond(topic)
            return None
        masked = self._masker.mask(topic)
        row = self._rows[topic] = TopicRow(masked, t_s)
        if topic in self._early:
            self._early.discard(topic)
            self._early_bytes -= getsizeof(topic)
            row.flags |= RETAINS
        self._row_bytes += self._bytes_of(topic, masked)
        if len(self._rows) <= _SHAPED_TOPICS and 0 < len(payload) <= _LOOKED_AT_BYTES:
            decoded = decode(payload, topic)
            if decoded.format in BINARY_FORMATS:
                row.flags |= BINARY
            if masked not in self._shapes:
                shape = self._shapes[masked] = structure_of(decoded)
                self._shape_bytes += getsizeof(shape)
        elif payload and (b"\x00" in payload[:256] or payload[0] >= 0xF8):
            row.flags |= BINARY
        return row

    def _bytes_of(self, topic: str, masked: tuple[str, ...]) -> int:
        held = _ROW_BYTES + getsizeof(topic) + getsizeof(masked)
        return held + sum(map(getsizeof, masked)) if self._masker.full else held

    def _estimate(self) -> Distinct:
        """From now on the number of topics is estimated."""
        if self._beyond is None:
            self._beyond = Distinct()
            for known in self._rows:
                self._beyond.add(known)
        return self._beyond

    def _count_beyond(self, topic: str) -> None:
        is_new = self._estimate().add(topic)
        self._count_template(self._masker.mask(topic), topics=int(is_new), messages=1)

    def _count_template(self, masked: tuple[str, ...], *, topics: int, messages: int) -> None:
        counts = self._beyond_templates.get(masked)
        if counts is None:
            if len(self._beyond_templates) >= self._max_templates:
                masked = _REST
            counts = self._beyond_templates.get(masked)
        if counts is None:
            counts = self._beyond_templates[masked] = [0, 0]
            self._beyond_bytes += _COUNTS_BYTES + getsizeof(masked) + sum(map(getsizeof, masked))
        counts[0] += topics
        counts[1] += messages

    @property
    def messages(self) -> int:
        """Messages seen."""
        return self._messages

    @property
    def done(self) -> bool:
        """Never: a later message may bring a new topic."""
        return False

    @property
    def kept_bytes(self) -> int:
        """About how much the names, their templates and what is remembered of levels take."""
        tables = getsizeof(self._rows) + getsizeof(self._shapes) + getsizeof(self._beyond_templates)
        beyond = (_REGISTERS_BYTES if self._beyond else 0) + self._beyond_bytes
        early = getsizeof(self._early) + self._early_bytes
        return tables + self._row_bytes + self._shape_bytes + beyond + early + self._masker.held_bytes

    def shrink(self, target_bytes: int) -> None:
        """Let go until about ``target_bytes`` are held: remembered levels, the rows seen last, then rare templates.

        No topic is added to the rows from then on. The messages of those that are gone are counted in their templates,
        and how many topics there were is estimated.
        """
        if self.kept_bytes <= target_bytes:
            return
        self._estimate()
        self._max_exact = 0
        self._early = set()
        self._early_bytes = 0
        self._masker.forget(row.masked for row in self._rows.values())
        if 2 * self._beyond_bytes > target_bytes and self.kept_bytes > target_bytes:
            self._let_templates_go(self.kept_bytes - target_bytes)  # a flood of them may not push out the rows
        if self.kept_bytes > target_bytes:
            self._let_rows_go(self.kept_bytes - target_bytes)
        while self.kept_bytes > target_bytes and self._max_templates and self._beyond_templates:
            self._let_templates_go(self.kept_bytes - target_bytes)

    def _let_rows_go(self, over_bytes: int) -> None:
        entry_bytes = getsizeof(self._rows) // max(1, len(self._rows))
        going: list[str] = []
        for topic, row in reversed(self._rows.items()):
            if over_bytes <= 0:
                break
            going.append(topic)
            over_bytes -= self._bytes_of(topic, row.masked) + entry_bytes
        for topic in going:
            row = self._rows.pop(topic)
            self._gone_stored += row.flags & STORED > 0
            self._gone_live += row.flags & LIVE > 0
            self._gone_retained += row.live_retained
            self._count_template(row.masked, topics=1, messages=row.messages)
        self._rows = dict(self._rows)  # a dict keeps its table when entries go
        held = {row.masked for row in self._rows.values()}
        self._shapes = {masked: shape for masked, shape in self._shapes.items() if masked in held}
        self._shape_bytes = sum(map(getsizeof, self._shapes.values()))
        self._masker.forget(held)
        self._row_bytes = sum(self._bytes_of(topic, row.masked) for topic, row in self._rows.items())

    def _let_templates_go(self, over_bytes: int) -> None:
        ordered = sorted(self._beyond_templates.items(), key=lambda item: -item[1][1])
        share = max(0.0, 1 - over_bytes / (self._beyond_bytes + getsizeof(self._beyond_templates)))
        self._max_templates = max(0, min(int(len(ordered) * share), len(ordered) - 2))
        self._beyond_templates = {}
        self._beyond_bytes = 0
        for masked, (topics, messages) in ordered:
            self._count_template(masked, topics=topics, messages=messages)

    def progress(self) -> str:
        """Counts so far."""
        return f"{len(self._rows)} topics, {self._messages} messages"

    def result(self, window: Window) -> TopicMapResult:  # noqa: ARG002 - the contract; nothing here depends on it
        """The first page and everything else, within ``settings.result_chars`` together with the tool's own words."""
        return self.page_result("")

    def page_result(self, after: str) -> TopicMapResult:
        """As ``result``, with the page behind ``after``: a ``next_after`` from before."""
        lines, total = self._template_lines()
        page_chars = self._settings.result_chars - _ENVELOPE_CHARS - sum(map(json_chars, lines))
        return TopicMapResult(
            topics=self._beyond.estimate() if self._beyond else len(self._rows),
            topics_estimated=self._beyond is not None,
            messages=self._messages,
            bytes=self._bytes,
            stored_topics=self._gone_stored + sum(row.flags & STORED > 0 for row in self._rows.values()),
            live_topics=self._gone_live + sum(row.flags & LIVE > 0 for row in self._rows.values()),
            live_retained_topics=self._gone_retained + sum(row.live_retained for row in self._rows.values()),
            page=page_of(self._rows, after, max_chars=page_chars, max_rows=self._settings.max_topics_listed),
            templates=lines,
            templates_total=total,
            conventions=sorted(self._masker.conventions),
        )

    def _template_lines(self) -> tuple[list[str], int]:
        """``template, topics, messages, example`` for all topics, largest first; and how many templates there are."""
        merged = merge([row.masked for row in self._rows.values()], self._shapes)
        found: dict[tuple[str, ...], list[int]] = {}
        examples: dict[tuple[str, ...], str] = {}
        for topic, row in self._rows.items():
            template = merged.get(row.masked, row.masked)
            entry = found.setdefault(template, [0, 0])
            entry[0] += 1
            entry[1] += row.messages
            examples.setdefault(template, topic)
        for masked, (topics, messages) in self._beyond_templates.items():
            entry = found.setdefault(merged.get(masked, masked), [0, 0])
            entry[0] += topics
            entry[1] += messages
        ordered = sorted(found.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
        lines = []
        for levels, (topics, messages) in ordered[:_TEMPLATE_LINES]:
            example = examples.get(levels, "") if topics > 1 else ""
            name = clean("/".join(levels), 160)
            lines.append(f"{name}\t{topics}\t{messages}\t{clean(example, 120)}")
        return fitting(lines, _TEMPLATE_CHARS), len(found)
