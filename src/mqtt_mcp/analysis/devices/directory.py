"""What devices say about themselves: names, addresses, models, parents, and the topics they announced.

Owns the store and its bounds; what each ecosystem's descriptions mean is ``descriptions.py``'s. Answers names and
aliases; never invents a device that only exists here. What is too much is not learned.
"""

from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.devices.generic import normalise

__all__ = ["MAX_TEXT", "Directory", "Known", "normalise", "text_of"]

MAX_DEVICES = 5_000
MAX_HELD_BYTES = 12 * 1024 * 1024
"""What is learned may take so much; further facts are not learned."""
_DEVICE_BYTES = 1_100
_FACT_BYTES = 150
MAX_TOPIC_CHARS = 500
_MAX_ALIASES = 12
_MAX_TOPICS = 200
_MAX_WORD = 40
_MAX_BASES = 50
MAX_TEXT = 120
"""Longest name or alias that is learned; addresses in topics are cut to it."""


class Known:
    """What is known of one device from descriptions; all text is foreign.

    Attributes:
        ecosystem, name: As its topics call it.
        label: A name for people, when its topics use an address.
        aliases: Other names and addresses.
        model, software, power: As described.
        disabled: Its bridge says so.
        topics: What it announced.
        availability_topics: Those of them on which it announces its availability.
        availability_mode: all, any or latest of Home Assistant; empty when there is one topic only.
        parent: The device it depends on, by name.
    """

    __slots__ = (
        "aliases", "availability_mode", "availability_topics", "disabled", "ecosystem", "label", "model", "name",
        "parent", "power", "software", "topics",
    )  # fmt: skip

    def __init__(self, ecosystem: str, name: str) -> None:
        self.ecosystem = ecosystem
        self.name = name
        self.label = self.model = self.software = self.power = self.parent = self.availability_mode = ""
        self.aliases: set[str] = set()
        self.disabled = False
        self.topics: set[str] = set()
        self.availability_topics: set[str] = set()


class Directory:
    """Everything learned so far; ``descriptions.learn`` fills it."""

    def __init__(self) -> None:
        self.devices: dict[tuple[str, str], Known] = {}
        self.zigbee_bases: set[str] = set()
        self.zigbee_names: set[str] = set()
        self.frigate_bases: set[str] = set()
        self.tasmota_macs: dict[str, str] = {}
        self.tasmota_bases: dict[str, tuple[str, str]] = {}
        """Topic before the last level → device and prefix, where FullTopic is not the usual one."""
        self.availability_words: dict[str, tuple[str, str, str]] = {}
        """Topic → the words for available and not available that discovery announced, and the key they are under."""
        self.expire_after_s: dict[str, float] = {}
        self.topic_owner: dict[str, Known] = {}
        self.config_owner: dict[str, Known] = {}
        """Discovery topic → device."""
        self.reply_topics: dict[str, str] = {}
        """Command topic → state topic, as discovery announced them."""
        self.client_topics: set[str] = set()
        """Topics on which programs get their replies: nobody's device."""
        self.unique_ids: dict[str, str] = {}
        """Unique id with its kind → discovery topic that has it."""
        self.clashes: dict[str, str] = {}
        """Discovery topic → an earlier one with the same unique id."""
        self.held_bytes = 0
        """What all of it takes, about."""

    def room(self, *texts: str, besides: int = _FACT_BYTES) -> bool:
        """Whether a fact may still be learned; counts what it takes when so."""
        needed = besides + sum(map(getsizeof, texts))
        if self.held_bytes + needed > MAX_HELD_BYTES:
            return False
        self.held_bytes += needed
        return True

    def alias(self, device: Known, text: Any) -> None:
        """Learn another name or address of a device; what is no short text is not one."""
        if not isinstance(text, str) or not 2 <= len(text) <= MAX_TEXT or text in device.aliases:
            return
        if len(device.aliases) < _MAX_ALIASES and self.room(text):
            device.aliases.add(text)

    def base(self, bases: set[str], base: str) -> None:
        """Learn a base topic."""
        if base not in bases and len(bases) < _MAX_BASES and len(base) <= MAX_TOPIC_CHARS:
            bases.add(base)

    def known(self, ecosystem: str, name: str) -> Known | None:
        """What is known of a device, or None."""
        return self.devices.get((ecosystem, name))

    def device(self, ecosystem: str, name: Any) -> Known | None:
        """The device of that name, made when new; None when it is no name or there are too many."""
        if not isinstance(name, str) or not name or len(name) > MAX_TEXT:
            return None
        found = self.devices.get((ecosystem, name))
        if found is None:
            if len(self.devices) >= MAX_DEVICES or not self.room(name, besides=_DEVICE_BYTES):
                return None
            found = self.devices[(ecosystem, name)] = Known(ecosystem, name)
        return found

    def announce(self, device: Known, topic: str, *, availability: bool) -> bool:
        """Learn a topic of a device; whether it could be."""
        if topic not in device.topics:
            if len(device.topics) >= _MAX_TOPICS or len(topic) > MAX_TOPIC_CHARS or not self.room(topic):
                return False
            device.topics.add(topic)
            self.topic_owner.setdefault(topic, device)
        if availability and len(device.availability_topics) < _MAX_TOPICS:
            device.availability_topics.add(topic)
        return True

    def words(self, topic: str, up: str, down: str, key: str = "") -> None:
        """Learn the words of a topic for available and not available, and under which key they are."""
        up, down, key = up[:_MAX_WORD], down[:_MAX_WORD], key[:_MAX_WORD]
        if topic in self.availability_words or self.room(topic, up, down, key):
            self.availability_words[topic] = (up, down, key)

    def client(self, topic: str) -> None:
        """Learn that a topic is one of a program."""
        if topic not in self.client_topics and len(topic) <= MAX_TOPIC_CHARS and self.room(topic):
            self.client_topics.add(topic)

    def fact(self, table: dict[str, Any], key: str, value: Any, *texts: str) -> None:
        """Put a value into one of the tables, when there is room."""
        if len(key) <= MAX_TOPIC_CHARS and (key in table or self.room(key, *texts)):
            table[key] = value


def text_of(*parts: Any) -> str:
    """The texts among some values, each cut, joined."""
    return " ".join(part[:60] for part in parts if isinstance(part, str))
