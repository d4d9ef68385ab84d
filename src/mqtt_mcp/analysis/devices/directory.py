"""What devices say about themselves: friendly names, addresses, models, and the topics they announced.

Learns from the stored self-descriptions of Zigbee2MQTT, Tasmota, Home Assistant discovery, Shelly and ESPHome. Answers
names and aliases; never invents a device that only exists here. Bounded; what is too much is not learned.
"""

from collections.abc import Callable
from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.words import looks_like_id

MAX_DEVICES = 5_000
MAX_HELD_BYTES = 12 * 1024 * 1024
"""What is learned may take so much; further facts are not learned."""
_DEVICE_BYTES = 900
_FACT_BYTES = 150
_MAX_TOPIC_CHARS = 500
_MAX_ALIASES = 12
_MAX_WORD = 40
MAX_TEXT = 120
"""Longest name or alias that is learned; addresses in topics are cut to it."""
_ID_KEYS = frozenset(
    {
        *("id", "device", "device_id", "deviceid", "dev_id", "ieee", "ieee_address", "ieeeaddr", "mac", "macaddress"),
        *(
            "eui",
            "deveui",
            "dev_eui",
            "unique_id",
            "uniq_id",
            "serial",
            "serial_number",
            "sn",
            "uuid",
            "hostname",
            "name",
        ),
        *("friendly_name", "client_id", "clientid", "device_name", "devicename"),
    }
)


def normalise(text: str) -> str:
    """Lower case without separators: ``Living Room/Climate`` and ``living_room-climate`` become equal."""
    return "".join(char for char in text[:200].lower() if char.isalnum())


class Known:
    """What is known of one device from descriptions; all text is foreign."""

    __slots__ = ("aliases", "disabled", "ecosystem", "model", "name", "parent_power", "software", "topics")

    def __init__(self, ecosystem: str, name: str) -> None:
        self.ecosystem = ecosystem
        self.name = name
        self.aliases: set[str] = set()
        self.model = ""
        self.software = ""
        self.parent_power = ""
        """Power source as described."""
        self.disabled = False
        self.topics: set[str] = set()
        """Topics it announced."""


class Directory:
    """Everything learned so far."""

    def __init__(self) -> None:
        self.devices: dict[tuple[str, str], Known] = {}
        self.zigbee_bases: set[str] = set()
        self.zigbee_names: set[str] = set()
        self.tasmota_macs: dict[str, str] = {}
        self.availability_words: dict[str, tuple[str, str]] = {}
        """Topic → the words for available and not available that discovery announced."""
        self.expire_after_s: dict[str, float] = {}
        self.topic_owner: dict[str, Known] = {}
        self.held_bytes = 0
        """What all of it takes, about."""
        self.version = 0
        """Grows with each fact, so that users know when to look again."""

    def learn(self, levels: list[str], value: Any) -> None:
        """Take a decoded payload; most topics teach nothing and cost little."""
        if levels[-1] == "devices" and levels[-2:-1] == ["bridge"] and isinstance(value, list):
            self._zigbee("/".join(levels[:-2]), value)
        elif levels[-2:-1] == ["bridge"] and levels[-1] in {"state", "info", "logging", "health"} and len(levels) > 2:
            self._base("/".join(levels[:-2]))
        elif isinstance(value, dict):
            for begins, teach in self._teachers():
                if tuple(levels[: len(begins)]) == begins:
                    teach(levels, value)
                    return

    def _teachers(self) -> tuple[tuple[tuple[str, ...], Callable[[list[str], dict[str, Any]], None]], ...]:
        return (
            (("tasmota", "discovery"), self._tasmota),
            (("homeassistant",), self._home_assistant),
            (("shellies", "announce"), self._shelly),
            (("esphome", "discover"), self._esphome),
        )

    def _room(self, *texts: str, besides: int = _FACT_BYTES) -> bool:
        """Whether a fact may still be learned; counts what it takes when so."""
        needed = besides + sum(map(getsizeof, texts))
        if self.held_bytes + needed > MAX_HELD_BYTES:
            return False
        self.held_bytes += needed
        return True

    def _alias(self, device: Known, text: Any) -> None:
        if not isinstance(text, str) or not 2 <= len(text) <= MAX_TEXT or text in device.aliases:
            return
        if len(device.aliases) < _MAX_ALIASES and self._room(text):
            device.aliases.add(text)

    def _base(self, base: str) -> None:
        if base not in self.zigbee_bases and len(self.zigbee_bases) < 50 and len(base) <= _MAX_TOPIC_CHARS:
            self.zigbee_bases.add(base)
            self.version += 1

    def known(self, ecosystem: str, name: str) -> Known | None:
        """What is known of a device, or None."""
        return self.devices.get((ecosystem, name))

    def _device(self, ecosystem: str, name: Any) -> Known | None:
        if not isinstance(name, str) or not name or len(name) > MAX_TEXT:
            return None
        found = self.devices.get((ecosystem, name))
        if found is None:
            if len(self.devices) >= MAX_DEVICES or not self._room(name, besides=_DEVICE_BYTES):
                return None
            found = self.devices[(ecosystem, name)] = Known(ecosystem, name)
            self.version += 1
        return found

    def _zigbee(self, base: str, value: list[Any]) -> None:
        self._base(base)
        for one in value[:MAX_DEVICES]:
            if not isinstance(one, dict) or one.get("type") == "Coordinator":
                continue
            device = self._device("zigbee2mqtt", one.get("friendly_name"))
            if device is None:
                continue
            self.zigbee_names.add(device.name)
            self._alias(device, one.get("ieee_address"))
            definition = one.get("definition")
            if isinstance(definition, dict):
                device.model = _text(definition.get("model"), definition.get("vendor"))
            device.software = _text(one.get("software_build_id"))
            device.parent_power = _text(one.get("power_source"))
            device.disabled = one.get("disabled") is True

    def _tasmota(self, levels: list[str], value: dict[str, Any]) -> None:
        if levels[-1] != "config":
            return
        device = self._device("tasmota", value.get("t"))
        if device is None:
            return
        mac = levels[2][:MAX_TEXT]
        if mac in self.tasmota_macs or self._room(mac):
            self.tasmota_macs[mac] = device.name
        names = value.get("fn")
        for alias in (value.get("dn"), value.get("hn"), value.get("mac"), value.get("ip"), *_list(names)):
            self._alias(device, alias)
        device.model, device.software = _text(value.get("md")), _text(value.get("sw"))
        topic = f"tele/{device.name}/LWT"
        if isinstance(value.get("onln"), str) and isinstance(value.get("ofln"), str):
            self._words(topic, value["onln"], value["ofln"])

    def _shelly(self, _levels: list[str], value: dict[str, Any]) -> None:
        device = self._device("shelly", value.get("id"))
        if device is not None:
            self._alias(device, value.get("mac"))
            device.model, device.software = _text(value.get("model")), _text(value.get("fw_ver"))

    def _esphome(self, levels: list[str], value: dict[str, Any]) -> None:
        device = self._device("esphome", value.get("name") or levels[-1])
        if device is not None:
            for key in ("mac", "ip", "friendly_name"):
                self._alias(device, value.get(key))
            device.model, device.software = _text(value.get("board")), _text(value.get("version"))

    def _home_assistant(self, levels: list[str], value: dict[str, Any]) -> None:
        described = value.get("dev", value.get("device"))
        if levels[-1] != "config" or not isinstance(described, dict):
            return
        ids = described.get("ids", described.get("identifiers"))
        ids = _list(ids) if isinstance(ids, list) else [ids]
        device = self._device(
            "homeassistant", described.get("name") or next((i for i in ids if isinstance(i, str)), None)
        )
        if device is None:
            return
        for alias in (*ids, value.get("uniq_id"), value.get("unique_id"), value.get("name")):
            self._alias(device, alias)
        device.model = _text(described.get("mdl", described.get("model")), described.get("mf"))
        device.software = _text(described.get("sw", described.get("sw_version")))
        self._announced(device, value)
        for part in _list(list(_dict(value.get("cmps", value.get("components"))).values())):
            if isinstance(part, dict):
                self._announced(device, {"~": value.get("~", ""), **part})

    def _announced(self, device: Known, value: dict[str, Any]) -> None:
        base = _text(value.get("~"))
        availability = value.get("avty", value.get("availability"))
        entries = [value, *[entry for entry in _list(availability) if isinstance(entry, dict)]]
        for entry in entries:
            for key, topic in entry.items():
                if not isinstance(topic, str) or not (key.endswith(("_t", "_topic")) or key in {"t", "topic"}):
                    continue
                whole = topic.replace("~", base, 1) if topic[:1] == "~" or topic[-1:] == "~" else topic
                if len(device.topics) >= 200 or len(whole) > _MAX_TOPIC_CHARS:
                    return
                if whole not in device.topics:
                    if not self._room(whole):
                        return
                    device.topics.add(whole)
                    self.topic_owner.setdefault(whole, device)
                self._details(entry, key, whole)

    def _details(self, entry: dict[str, Any], key: str, topic: str) -> None:
        if key in {"avty_t", "availability_topic", "t", "topic"}:
            up = entry.get("pl_avail", entry.get("payload_available", "online"))
            down = entry.get("pl_not_avail", entry.get("payload_not_available", "offline"))
            if isinstance(up, str) and isinstance(down, str):
                self._words(topic, up, down)
        expires = entry.get("exp_aft", entry.get("expire_after"))
        if key not in {"stat_t", "state_topic"} or not isinstance(expires, (int, float)) or expires <= 0:
            return
        if topic in self.expire_after_s or self._room():
            self.expire_after_s[topic] = float(expires)

    def _words(self, topic: str, up: str, down: str) -> None:
        up, down = up[:_MAX_WORD], down[:_MAX_WORD]
        if topic in self.availability_words or self._room(topic, up, down):
            self.availability_words[topic] = (up, down)


def ids_in(value: Any) -> set[str]:
    """Normalised values of a payload's id fields, also one level below; at most ten."""
    found: set[str] = set()
    objects = [value] if isinstance(value, dict) else []
    if objects:
        objects += [inner for inner in list(value.values())[:20] if isinstance(inner, dict)]
    for one in objects:
        for key in list(one)[:60]:
            text = one[key]
            if key.lower() in _ID_KEYS and isinstance(text, str) and 3 <= len(text) <= 80 and len(found) < 10:
                found.add(normalise(text))
    return found - {""}


def _text(*parts: Any) -> str:
    return " ".join(part[:60] for part in parts if isinstance(part, str))


def _list(value: Any) -> list[Any]:
    return value[:100] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def generic_name(levels: list[str], prefixes: frozenset[str]) -> str:
    """The device of a topic that no convention explains.

    Args:
        levels: The topic split at ``/``.
        prefixes: Topics that have an availability below them.

    Returns:
        The longest such prefix; else everything up to the last level that looks like an id; else the topic without its
        last level.
    """
    for end in range(len(levels) - 1, 0, -1):
        prefix = "/".join(levels[:end])
        if prefix in prefixes:
            return prefix
    for at in range(len(levels) - 1, -1, -1):
        if looks_like_id(levels[at]):
            return "/".join(levels[: at + 1])
    return "/".join(levels[:-1]) if len(levels) > 1 else levels[0]
