"""Units that are announced elsewhere than in the message: discovery configurations, property lists, ``$unit`` topics.

Owns which announcements are understood and a bounded table topic → path → unit. The units that a message itself or its
key names tell are ``describe.py``'s and ``words.py``'s. Every announcement is foreign data: kept bounded, never trusted
to exist.
"""

import re
from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.schema.naming import unit_name

MAX_UNITS = 5_000
MAX_UNIT_CHARS = 16
_MAX_TOPIC_CHARS = 300
_MAX_COMPONENTS = 200
_MAX_DEPTH = 4
_MAX_LISTED = 32
_ENTRY_BYTES = 420

Path = tuple[str, ...]

_TEMPLATE = re.compile(r"value_json((?:\.[A-Za-z_]\w{0,80}|\[['\"][^'\"\]]{1,80}['\"]\]|\[[0-9]{1,4}\]){1,8})")
_STEP = re.compile(r"\.([A-Za-z_]\w{0,80})|\[['\"]([^'\"\]]{1,80})['\"]\]|\[([0-9]{1,4})\]")


def announces(topic: str) -> bool:
    """Whether a message on this topic may tell units of others."""
    return topic.endswith(("/config", "/$unit", "/$description", "/bridge/devices"))


class AnnouncedUnits:
    """Units by topic and path, as Home Assistant discovery, Homie and Zigbee2MQTT announce them."""

    def __init__(self) -> None:
        self._units: dict[str, dict[Path, str]] = {}
        self._entries = 0
        self.held_bytes = 0
        """About what the table takes."""

    def take(self, topic: str, value: Any) -> None:
        """Learn from a message for which ``announces`` holds; whatever is not understood is passed over."""
        if topic.endswith("/$unit"):
            if isinstance(value, str):
                self._put(topic.removesuffix("/$unit"), (), value)
        elif topic.endswith("/$description"):
            self._homie5(topic.removesuffix("/$description"), value)
        elif topic.endswith("/bridge/devices"):
            self._zigbee2mqtt(topic.removesuffix("/bridge/devices"), value)
        elif isinstance(value, dict):
            self._discovery(value)

    def take_list(self, topic: str, units: str) -> None:
        """Learn from a message that has its units behind its numbers, given as ``T=°C,H=%``."""
        for one in units[:_MAX_TOPIC_CHARS].split(",")[:_MAX_LISTED]:
            key, _, unit = one.partition("=")
            self._put(topic, (key,), unit)

    def of(self, topics: tuple[str, ...]) -> dict[Path, str]:
        """The units of the fields of some topics, where these topics agree."""
        found: dict[Path, str] = {}
        unclear: set[Path] = set()
        for topic in topics:
            for path, unit in self._units.get(topic, {}).items():
                if found.setdefault(path, unit) != unit:
                    unclear.add(path)
        return {path: unit for path, unit in found.items() if path not in unclear}

    def clear(self) -> None:
        """Forget all."""
        self._units = {}
        self._entries = self.held_bytes = 0

    def _put(self, topic: str, path: Path, unit: Any) -> None:
        if not isinstance(unit, str) or not 0 < len(unit) <= MAX_UNIT_CHARS or len(topic) > _MAX_TOPIC_CHARS:
            return
        paths = self._units.get(topic, {})
        if path not in paths:
            if self._entries >= MAX_UNITS:
                return
            self._entries += 1
            self.held_bytes += _ENTRY_BYTES + (getsizeof(topic) if not paths else 0) + sum(map(getsizeof, path))
        self._units.setdefault(topic, paths)[path] = unit_name(unit)

    def _discovery(self, config: dict[str, Any]) -> None:
        """Home Assistant: one entity, or a device with components; long and short names of the options."""
        base = config.get("~")
        base = base if isinstance(base, str) else ""
        components = config.get("components", config.get("cmps"))
        entities = [config]
        if isinstance(components, dict):
            entities += [one for one in list(components.values())[:_MAX_COMPONENTS] if isinstance(one, dict)]
        shared = config.get("state_topic", config.get("stat_t"))
        for entity in entities:
            unit = entity.get("unit_of_measurement", entity.get("unit_of_meas"))
            topic = entity.get("state_topic", entity.get("stat_t", shared))
            if not isinstance(unit, str) or not isinstance(topic, str):
                continue
            topic = base + topic[1:] if topic.startswith("~") else topic
            topic = topic[:-1] + base if topic.endswith("~") else topic
            path = template_path(entity.get("value_template", entity.get("val_tpl", "")))
            if path is not None:
                self._put(topic, path, unit)

    def _homie5(self, base: str, description: Any) -> None:
        for node, one in _members(_member(description, "nodes")):
            for name, told in _members(_member(one, "properties")):
                self._put(f"{base}/{node}/{name}", (), _member(told, "unit"))

    def _zigbee2mqtt(self, base: str, devices: Any) -> None:
        if not isinstance(devices, list):
            return
        for device in devices[:1_000]:
            name = _member(device, "friendly_name")
            exposes = _member(_member(device, "definition"), "exposes")
            if isinstance(name, str) and isinstance(exposes, list):
                self._exposes(f"{base}/{name}", exposes, (), 0)

    def _exposes(self, topic: str, exposes: list[Any], path: Path, depth: int) -> None:
        for one in exposes[:_MAX_COMPONENTS]:
            told = _member(one, "property")
            below = (*path, told) if isinstance(told, str) and len(told) <= 80 else path
            if below != path:
                self._put(topic, below, _member(one, "unit"))
            features = _member(one, "features")
            if isinstance(features, list) and depth < _MAX_DEPTH:
                self._exposes(topic, features, below, depth + 1)


def template_path(template: Any) -> Path | None:
    """The one field that a Home Assistant value template reads; () for the whole payload, None when unclear."""
    if not isinstance(template, str) or len(template) > 2_000:
        return None
    if "value_json" not in template:
        return ()
    found = {match.group(1) for match in _TEMPLATE.finditer(template)}
    if len(found) != 1:
        return None
    return tuple(name or key or "[]" for name, key, _ in _STEP.findall(found.pop()))


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _members(value: Any) -> list[tuple[str, Any]]:
    """The first members of an object with short names."""
    if not isinstance(value, dict):
        return []
    return [(key, item) for key, item in list(value.items())[:_MAX_COMPONENTS] if len(key) <= 80]
