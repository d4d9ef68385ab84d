"""Kinds of messages on one topic that a field tells apart, such as OwnTracks' ``_type`` or an event's ``type``.

Owns the counting of candidate discriminator fields, and which keys (and which nulls, down to the second level) go with
each of their values. Does not know the types of the fields (``profile.py`` does) or JSON Schema (``document.py``).
"""

from collections import Counter
from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.memory import slots_bytes, texts_bytes

_CANDIDATES = ("_type", "type", "method", "event", "kind", "msg_type", "event_type", "eventType")
_MAX_VALUES = 12
_MAX_KEYS = 64
"""Objects with more keys are not told apart."""
_MAX_VALUE_CHARS = 64
_MAX_KEY_CHARS = 200
_MAX_KEYS_OF_A_VALUE = 192
"""Different keys that went with one value; beyond that the field does not tell structures apart."""
_MAX_MEMBERS = 48
"""Keys of a member that are looked at for nulls."""
NULL = "\x00null"
"""Marks, behind a path, that the value there was null, and ``NOT_NULL`` that it was not."""
NOT_NULL = "\x00"
_CANDIDATE_SET = frozenset(_CANDIDATES)
_VARIANT_BYTES = slots_bytes(2) + getsizeof(Counter())
_TABLES_BYTES = slots_bytes(4) + getsizeof(set()) + getsizeof({})


class Variant:
    """One value of a discriminator: how many messages had it, and how many of these had each key."""

    __slots__ = ("count", "keys")

    def __init__(self) -> None:
        self.count = 0
        self.keys: Counter[str] = Counter()


class Variants:
    """Counts, for objects at the root, which keys go with which value of a candidate field."""

    __slots__ = ("by_key", "failed", "held_bytes", "objects")

    def __init__(self) -> None:
        self.objects = 0
        self.by_key: dict[str, dict[str, Variant]] = {}
        self.failed: set[str] = set()
        self.held_bytes = _TABLES_BYTES
        """What it takes, about."""

    def add(self, message: dict[str, Any]) -> None:
        """Take one object."""
        self.objects += 1
        keys: dict[str, int] | None = None
        for name in _CANDIDATES:
            if name in self.failed:
                continue
            value = message.get(name)
            if isinstance(value, str) and len(value) <= _MAX_VALUE_CHARS and len(message) <= _MAX_KEYS:
                keys = keys or _features(message)
                self._count(name, value, 1, keys)
            elif name in self.by_key:  # a message without it: it tells nothing apart
                self._fail(name)
            elif name in message:
                self.failed.add(name)

    @property
    def hopeless(self) -> bool:
        """Whether no field can tell structures apart any more."""
        return not self.by_key

    def merge(self, other: "Variants") -> None:
        """Join the counts of another topic."""
        for name in other.failed:
            self._fail(name)
        for name, values in other.by_key.items():
            for value, variant in values.items():
                if name not in self.failed:
                    self._count(name, value, variant.count, variant.keys)
        self.objects += other.objects

    def _fail(self, name: str) -> None:
        self.failed.add(name)
        for value, variant in self.by_key.pop(name, {}).items():
            self.held_bytes -= _VARIANT_BYTES + getsizeof(value) + 100
            self.held_bytes -= texts_bytes(variant.keys) + getsizeof(variant.keys) - getsizeof(Counter())

    def _count(self, name: str, value: str, times: int, keys: dict[str, int]) -> None:
        values = self.by_key.setdefault(name, {})
        variant = values.get(value)
        if variant is None:
            if len(values) >= _MAX_VALUES:
                self._fail(name)
                return
            variant = values[value] = Variant()
            self.held_bytes += _VARIANT_BYTES + getsizeof(value) + 100
        variant.count += times
        new = keys.keys() - variant.keys.keys()
        if new and (len(new) + len(variant.keys) > _MAX_KEYS_OF_A_VALUE or max(map(len, new)) > _MAX_KEY_CHARS):
            self._fail(name)
            return
        table = getsizeof(variant.keys)
        variant.keys.update(keys)
        if new:
            self.held_bytes += texts_bytes(new) + getsizeof(variant.keys) - table

    def discriminator(self) -> tuple[str, dict[str, Variant]] | None:
        """The field whose value decides which keys a message has, with its values, or None.

        It must be in every message, have at least two values of which one was seen twice, and two of them must differ:
        by a key that is always there with one and never with the other, or by a value that is always null with one and
        never with the other (each seen twice, so that it is no chance).
        """
        for name in _CANDIDATES:
            values = self.by_key.get(name)
            if values is None or len(values) < 2 or sum(one.count for one in values.values()) != self.objects:
                continue
            if max(one.count for one in values.values()) > 1 and _differ(values):
                return name, values
        return None


def may_tell_apart(message: dict[str, Any]) -> bool:
    """Whether an object has a field that could tell structures apart."""
    return not _CANDIDATE_SET.isdisjoint(message)


def _features(message: dict[str, Any]) -> dict[str, int]:
    """The keys of an object, and which values are null, its members' included."""
    found = dict.fromkeys(message, 1)
    for key, item in message.items():
        if isinstance(item, dict):
            if len(item) <= _MAX_MEMBERS and len(found) + len(item) <= _MAX_KEYS_OF_A_VALUE:
                for inner, value in item.items():
                    found[f"{key}.{inner}{NULL if value is None else NOT_NULL}"] = 1
        elif item is None:
            found[key + NULL] = 1
        else:
            found[key + NOT_NULL] = 1
    return found


def _differ(values: dict[str, Variant]) -> bool:
    variants = list(values.values())
    return any(
        count == one.count and key not in other.keys and (NOT_NULL not in key or min(one.count, other.count) > 1)
        for one in variants
        for other in variants
        if one is not other
        for key, count in one.keys.items()
    )
