"""The accumulator of debug_device: follows every topic a little and the wanted device closely, and reports at the end.

Owns the bounds on topics and on time per message. What messages mean, whose they are and what is wrong is the business
of its neighbours (``detect``, ``device``, ``match``, ``report``).
"""

from sys import getsizeof

import msgspec

from mqtt_mcp.analysis.accumulator import Window
from mqtt_mcp.analysis.devices.clocks import disagreement, shared_offset
from mqtt_mcp.analysis.devices.commands import Commands
from mqtt_mcp.analysis.devices.descriptions import learn
from mqtt_mcp.analysis.devices.detect import detect
from mqtt_mcp.analysis.devices.device import Device, group
from mqtt_mcp.analysis.devices.directory import Directory, normalise
from mqtt_mcp.analysis.devices.examined import Examined
from mqtt_mcp.analysis.devices.finding import SEVERITIES
from mqtt_mcp.analysis.devices.fleet import odd_ones
from mqtt_mcp.analysis.devices.loops import Loops
from mqtt_mcp.analysis.devices.match import Match, find
from mqtt_mcp.analysis.devices.place import place
from mqtt_mcp.analysis.devices.report import (
    DeviceLine,
    DeviceReport,
    chars,
    command_lines,
    cut,
    device_line,
    identity,
    timeline,
    topic_lines,
)
from mqtt_mcp.analysis.devices.series import RING
from mqtt_mcp.analysis.devices.track import Track
from mqtt_mcp.analysis.devices.verdict import verdict_of_all, verdict_of_one
from mqtt_mcp.analysis.devices.weight import track_bytes
from mqtt_mcp.analysis.memory import Names
from mqtt_mcp.analysis.payloads.decoder import Decoder
from mqtt_mcp.analysis.payloads.sparkplug import is_sparkplug_topic
from mqtt_mcp.analysis.text import clean, quote
from mqtt_mcp.mqtt.client import Message

MAX_TRACKS = 5_000
"""Topics followed; messages on further ones are only counted."""
MAX_PARSED_BYTES = 1024 * 1024
_LOOKS_PER_S, _CLOSE_LOOKS_PER_S = 3.0, 50.0
_MAX_RETAINS_CHARS, _RETAINS_ENTRY_BYTES = 500, 60
_MAX_LINES = 200


class DebugAccumulator:
    """Follows devices; see ``accumulator.Accumulator`` for the contract.

    Args:
        device: Name, id, address or topic prefix; empty or ``*`` for all devices.
        max_chars: Bound of the report as JSON.
    """

    def __init__(self, device: str = "", *, max_chars: int = 20_000) -> None:
        self.messages = 0
        self._query = "" if device.strip() == "*" else device.strip()
        self._wanted = normalise(self._query)
        self._max_chars = max_chars
        self._tracks: dict[str, Track] = {}
        self._track_bytes = 0
        self._unfollowed = Names()
        self._unfollowed_messages = 0
        self._pressed = self._wanted_lost = self._names_lost = False
        self._directory = Directory()
        self._decoder = Decoder()
        self._commands = Commands()
        self._loops = Loops()
        self._live = 0
        self._retains: set[str] = set()
        self._retains_bytes = 0

    def note_live_retained(self, topic: str) -> None:
        """A live message that its publisher wants stored was seen on ``topic``, perhaps before ``add`` is told."""
        if topic not in self._retains and len(self._retains) < MAX_TRACKS and len(topic) <= _MAX_RETAINS_CHARS:
            self._retains.add(topic)
            self._retains_bytes += getsizeof(topic) + _RETAINS_ENTRY_BYTES

    @property
    def done(self) -> bool:
        """Never: silence until the end matters too."""
        return False

    @property
    def kept_bytes(self) -> int:
        """About how much the topics and what devices said of themselves take."""
        learned = self._directory.held_bytes + getsizeof(self._tracks) + self._retains_bytes
        streams = self._decoder.held_bytes + self._commands.held_bytes + self._loops.held_bytes
        return self._track_bytes + learned + streams + self._unfollowed.held_bytes

    def shrink(self, target_bytes: int) -> None:
        """Let go until about ``target_bytes`` are held; what is gone is only counted from then on.

        The topics seen last go first, those of the wanted device after all others. What devices said of themselves goes
        when it would take more than half.
        """
        if self.kept_bytes <= target_bytes:
            return
        self._pressed = True
        if self._directory.held_bytes > target_bytes // 2:
            self._directory = Directory()
            self._names_lost = True
        self._loops.clear()
        self._retains, self._retains_bytes = set(), 0
        if self._commands.held_bytes > target_bytes // 4:
            self._commands = Commands()
        if self._decoder.held_bytes > target_bytes // 2:
            self._decoder = Decoder()
        self._unfollowed.shrink()
        entry_bytes = getsizeof(self._tracks) // max(1, len(self._tracks))
        over_bytes = self.kept_bytes - target_bytes
        latest_first = list(reversed(self._tracks.values()))
        for track in sorted(latest_first, key=lambda one: one.close):
            if over_bytes <= 0:
                break
            del self._tracks[track.topic]
            held_bytes = track.held_bytes + len(track.last_payload)
            self._track_bytes -= held_bytes
            over_bytes -= held_bytes + entry_bytes
            self._not_followed(track.topic, track.messages, wanted=track.close)
        self._tracks = dict(self._tracks)  # a dict keeps its table when entries go

    def _not_followed(self, topic: str, messages: int, *, wanted: bool) -> None:
        self._unfollowed.add(topic)
        self._unfollowed_messages += messages
        self._wanted_lost = self._wanted_lost or wanted

    def _follow(self, topic: str, t_s: float) -> Track | None:
        """A new topic, when there is room for it; under pressure only for the wanted device's."""
        wanted = bool(self._wanted) and self._wanted in normalise(topic)
        if len(self._tracks) >= MAX_TRACKS or (self._pressed and (self._wanted_lost or not wanted)):
            self._not_followed(topic, 1, wanted=wanted)
            return None
        levels = topic.split("/", 40)
        role = place(levels, self._directory).role
        track = self._tracks[topic] = Track(topic, levels, role, t_s)
        track.close = wanted
        return track

    def add(self, message: Message, t_s: float) -> None:
        """Take one message."""
        self.messages += 1
        self._live += not message.retain
        track = self._tracks.get(message.topic) or self._follow(message.topic, t_s)
        if track is None:
            return
        self._track_bytes -= len(track.last_payload)
        track.arrive(message, t_s)
        self._track_bytes += len(track.last_payload)
        if not message.retain:
            self._loops.take(track, t_s)
        if self._look(track, message, t_s) or not track.messages & (track.messages - 1):
            self._weigh(track)

    def _look(self, track: Track, message: Message, t_s: float) -> bool:
        """Look into a message when it is not too large or too soon; whether that may have changed what is held.

        Sparkplug and what may answer a command is looked into always: one message left out makes the next ones unclear.
        """
        looks = _CLOSE_LOOKS_PER_S if track.close else _LOOKS_PER_S
        must = is_sparkplug_topic(message.topic) or self._commands.awaits(message.topic)
        if len(message.payload) > MAX_PARSED_BYTES or not (track.may_parse(t_s, looks) or must):
            self._decoder.skipped(message.topic)
            return False
        content_type = message.properties.content_type if message.properties else ""
        decoded = self._decoder.decode(message.payload, message.topic, content_type)
        learn(self._directory, track.levels, decoded.value)
        detect(track, decoded, self._directory, t_s, retain=message.retain)
        if not message.retain:
            self._commands.take(track, decoded.value, message, self._directory, self._tracks)
        return track.parsed <= 2 * RING or not track.parsed % 8

    def _weigh(self, track: Track) -> None:
        before = track.held_bytes
        track.held_bytes = track_bytes(track)
        self._track_bytes += track.held_bytes - before

    def progress(self) -> str:
        """Counts only."""
        return f"{self.messages} messages on {len(self._tracks) + len(self._unfollowed)} topics"

    def devices(self) -> list[Device]:
        """All devices seen until now."""
        return group(self._tracks.values(), self._directory)

    def examined(self, window: Window) -> Examined:
        """All devices as of now, ready to be judged."""
        devices = self.devices()
        off_s = shared_offset(devices, window.started_at_epoch_s)
        if off_s:
            window = msgspec.structs.replace(window, started_at_epoch_s=window.started_at_epoch_s + off_s)
        odd = odd_ones(self._tracks.values(), window.elapsed_s)
        return Examined(
            devices,
            window,
            odd=odd,
            logs=self._commands.logs,
            seen=self._tracks,
            retains=self._retains,
            clock_off_s=off_s,
        )

    def result(self, window: Window) -> DeviceReport:
        """The report as of now."""
        examined = self.examined(window)
        notes = self._notes(examined)
        if not self._query:
            return self._all(examined, notes)
        found = find(self._query, examined.devices)
        candidates = [device_line(one, examined.judge(one)) for one in found.candidates]
        if found.device is None:
            return self._unknown(found.how, candidates, notes)
        return self._one(found.device, found, examined, candidates, notes)

    def _one(
        self, device: Device, found: Match, examined: Examined, candidates: list[DeviceLine], notes: list[str]
    ) -> DeviceReport:
        judgement = examined.judge(device)
        if any(track.messages > track.parsed for track in device.tracks):
            notes.append("Some messages came too fast to be looked into; they are counted.")
        whole = DeviceReport(
            verdict=verdict_of_one(device, judgement, examined.window.elapsed_s),
            messages=self.messages,
            topics_seen=len(self._tracks) + len(self._unfollowed),
            messages_of_device=device.messages,
            topics_not_followed=len(self._unfollowed),
            messages_not_followed=self._unfollowed_messages,
            availability=device.reachability(),
            identity=[identity(device, found.how)],
            findings=judgement.findings,
            checks=judgement.checks,
            timeline=timeline(device),
            commands=command_lines(device, self._commands.logs),
            candidates=candidates,
            notes=notes,
        )
        for value_chars, max_topics, max_findings in ((300, 30, 25), (150, 20, 15), (60, 10, 10), (20, 4, 5)):
            report = cut(whole, topic_lines(device, value_chars), max_topics, max_findings)
            if chars(report) <= self._max_chars:
                return report
        return msgspec.structs.replace(report, timeline=[], topics=[], commands=[], candidates=[])

    def _unknown(self, how: str, candidates: list[DeviceLine], notes: list[str]) -> DeviceReport:
        asked = "Call again with one of the candidates." if candidates else (
            "Check the spelling, widen the pattern, or listen longer: it may publish rarely and store nothing."
        )  # fmt: skip
        return DeviceReport(
            verdict=f"No single device was found for {quote(self._query)}: {how}. {asked}",
            messages=self.messages,
            topics_seen=len(self._tracks) + len(self._unfollowed),
            topics_not_followed=len(self._unfollowed),
            messages_not_followed=self._unfollowed_messages,
            candidates=candidates,
            notes=notes,
        )

    def _all(self, examined: Examined, always: list[str]) -> DeviceReport:
        lines = sorted((device_line(one, examined.judge(one)) for one in examined.devices), key=_urgency)
        verdict = verdict_of_all(lines) if lines else "No device was seen."
        if lines and not self._live:  # a home that has stopped looks healthy in what the broker stored
            verdict += (
                f" Only stored messages came in {examined.window.elapsed_s:.0f} s and nothing live: listen longer."
            )
        report = DeviceReport(
            verdict=verdict,
            messages=self.messages,
            topics_seen=len(self._tracks) + len(self._unfollowed),
            messages_of_device=sum(one.messages for one in lines),
            topics_not_followed=len(self._unfollowed),
            messages_not_followed=self._unfollowed_messages,
        )
        shown = lines[:_MAX_LINES]
        while True:
            notes = list(always)
            if len(shown) < len(lines):
                notes.append(f"{len(lines) - len(shown)} devices are not shown, the least troubled ones.")
            whole = msgspec.structs.replace(report, devices=shown, notes=notes)
            if chars(whole) <= self._max_chars or not shown:
                return whole
            shown = shown[: len(shown) * 4 // 5]

    def _notes(self, examined: Examined) -> list[str]:
        notes = [disagreement(examined.clock_off_s)] if examined.clock_off_s else []
        if self._names_lost:
            notes.append("What devices had said of their names was let go, to bound memory: names may be missing.")
        if self._unfollowed:
            notes.append(
                f"{len(self._unfollowed)} topics with {self._unfollowed_messages} messages were only counted, to bound "
                "memory: nothing here rests on them; narrow the pattern to see them."
            )
        return notes


def _urgency(line: DeviceLine) -> tuple[bool, int, str]:
    rank = SEVERITIES.index(line.severity) if line.severity in SEVERITIES else len(SEVERITIES)
    return line.availability != "offline", rank, line.name


def watched_label(device: str) -> str:
    """What is watched, for lists of collections."""
    return clean(device, 120) or "all devices"
