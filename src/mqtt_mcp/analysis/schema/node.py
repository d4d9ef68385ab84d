"""One place in the values of a topic: what was seen there, mergeable with the same place on other topics.

Owns the counts, the children and the joining of two trees. Does not walk values (``profile.py`` does) and knows no JSON
Schema (``document.py`` renders).
"""

import json
from collections import Counter
from sys import getsizeof
from typing import Any

from mqtt_mcp.analysis.memory import slots_bytes
from mqtt_mcp.analysis.schema.naming import key_patterns
from mqtt_mcp.analysis.schema.values import Numbers, Strings
from mqtt_mcp.analysis.schema.variants import Variants
from mqtt_mcp.analysis.text import clean

MAX_KEYS = 256
"""Distinct keys of one object kept apart; further ones share one node."""
EXAMPLE_CHARS = 60
NODE_BYTES = slots_bytes(15) + getsizeof(Counter(x=1)) + getsizeof({}) + 32


class Node:
    """All values seen at one path."""

    __slots__ = ("items", "max_items", "min_items", "numbers", "odd", "partial", "positions", "properties", "rest",
                 "rest_patterns", "seen", "strings", "types", "unique", "variants")  # fmt: skip

    def __init__(self) -> None:
        self.seen = 0
        self.types: Counter[str] = Counter()
        self.numbers: Numbers | None = None
        self.strings: Strings | None = None
        self.properties: dict[str, Node] = {}
        self.rest: Node | None = None
        """Where the values of keys beyond ``MAX_KEYS`` went."""
        self.rest_patterns: frozenset[str] | None = None
        """Which of ``words.KEY_PATTERNS`` all of these keys fit."""
        self.items: Node | None = None
        """The items of arrays, whatever their position; None as long as ``positions`` has them."""
        self.positions: list[Node] | None = None
        """The items by position, as long as all arrays are short and of one length."""
        self.min_items = 1 << 60
        self.max_items = 0
        self.unique = True
        """No array had an item twice, as far as was looked."""
        self.odd: dict[str, str] | None = None
        """An example of each type but the first one seen, as JSON."""
        self.variants: Variants | None = None
        """Kinds of objects, while a field may tell them apart."""
        self.partial = False
        """True when some values below here were not looked at: children describe a part only."""

    def merge(self, other: "Node") -> None:
        """Join another place's values into this one."""
        self._merge_variants(other)
        self._merge_items(other)
        if other.odd or (self.types and other.types.keys() - self.types.keys()):
            self.odd = {**other.first_examples(), **(other.odd or {}), **(self.odd or {})}
        self.seen += other.seen
        self.types += other.types
        self.partial = self.partial or other.partial
        if other.numbers:
            self.numbers = self.numbers or Numbers()
            self.numbers.merge(other.numbers)
        if other.strings:
            self.strings = self.strings or Strings()
            self.strings.merge(other.strings)
        if other.rest:
            patterns = other.rest_patterns or frozenset()
            self.rest_patterns = patterns if self.rest_patterns is None else self.rest_patterns & patterns
            self.rest = self.rest or Node()
            self.rest.merge(other.rest)
        for key, child in other.properties.items():
            mine = self.properties.get(key)
            if mine is None and len(self.properties) < MAX_KEYS:
                mine = self.properties[key] = Node()
            if mine is None:
                self.rest_patterns = key_patterns(key, self.rest_patterns)
                mine = self.rest = self.rest or Node()
            mine.merge(child)

    def _merge_variants(self, other: "Node") -> None:
        if not other.types["object"]:
            return
        if not self.types["object"] and other.variants is not None:
            self.variants = Variants()
        if self.variants is not None and other.variants is not None:
            self.variants.merge(other.variants)
        else:
            self.variants = None

    def _merge_items(self, other: "Node") -> None:
        if not other.types["array"]:
            return
        fresh = not self.types["array"]
        self.min_items = min(self.min_items, other.min_items)
        self.max_items = max(self.max_items, other.max_items)
        self.unique = self.unique and other.unique
        if fresh and other.positions is not None:
            self.positions = [Node() for _ in other.positions]
        if self.positions is not None and other.positions is not None and len(self.positions) == len(other.positions):
            for mine, theirs in zip(self.positions, other.positions, strict=True):
                mine.merge(theirs)
            return
        self.forget_positions()
        for node in other.positions if other.positions is not None else [other.items] if other.items else []:
            self.items = self.items or Node()
            self.items.merge(node)

    def forget_positions(self) -> None:
        """From here on, items are profiled whatever their position."""
        if self.positions:
            self.items = self.all_items()
        self.positions = None

    def all_items(self) -> "Node | None":
        """The items of all positions as one."""
        if not self.positions:
            return self.items
        merged = Node()
        for node in self.positions:
            merged.merge(node)
        return merged

    def first_examples(self) -> dict[str, str]:
        """One example of each scalar type, as JSON."""
        found = {"null": "null"} if self.types["null"] else {}
        if self.numbers and self.numbers.count:
            found["integer" if isinstance(self.numbers.first, int) else "number"] = example(self.numbers.first)
        if self.strings:
            found["string"] = example(next(iter(self.strings.values)))
        return found

    def held_bytes(self) -> int:
        """What the tree takes from here on, about, keys left out."""
        found: int = NODE_BYTES
        found += self.numbers.held_bytes if self.numbers else 0
        found += self.strings.held_bytes if self.strings else 0
        found += self.variants.held_bytes if self.variants else 0
        below: list[Node] = [*self.properties.values(), *(self.positions or ())]
        below += [one for one in (self.items, self.rest) if one]
        return found + sum(one.held_bytes() for one in below)

    @property
    def instructs(self) -> bool:
        """Whether a text from here on seems to address a language model."""
        if self.strings and self.strings.instructs:
            return True
        below: list[Node] = [*self.properties.values(), *(self.positions or ())]
        return any(one.instructs for one in [*below, *(one for one in (self.items, self.rest) if one)])

    def count(self) -> int:
        """Nodes from here on."""
        below: list[Node] = [
            *self.properties.values(),
            *(self.positions or ()),
            *(one for one in (self.items, self.rest) if one),
        ]
        return 1 + sum(one.count() for one in below)


def example(value: Any) -> str:
    """A value as short JSON, cleaned."""
    try:
        return clean(json.dumps(value, ensure_ascii=False), EXAMPLE_CHARS)
    except (TypeError, ValueError, RecursionError):
        return "…"
